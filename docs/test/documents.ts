/** What the repository has for its readers. */
import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { publishedPackages, root } from '../../scripts/workspace.ts'

/** Of each package that is published, by its name; its page in the registry. */
export const readmes: ReadonlyMap<string, string> = new Map(
  publishedPackages().map(({ folder, manifest }) => [
    manifest.name,
    relative(root, join(folder, 'README.md')).replaceAll('\\', '/'),
  ]),
)

/** Paths from the root. A package without a README is told by a test of its own. */
export function documents(): readonly string[] {
  const guides = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
  return [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    ...guides.map((name) => `docs/${name}`),
    ...[...readmes.values()].filter((path) => existsSync(join(root, path))),
  ]
}
