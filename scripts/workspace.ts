/** The packages of this repository, as their manifests describe them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')

type ExportTarget = string | { readonly [condition: string]: string }

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports?: { readonly [entry: string]: ExportTarget }
  readonly publishConfig?: { readonly exports?: { readonly [entry: string]: ExportTarget } }
  readonly bin?: { readonly [command: string]: string }
  readonly scripts?: { readonly [name: string]: string }
  readonly dependencies?: { readonly [name: string]: string }
  readonly peerDependencies?: { readonly [name: string]: string }
  readonly peerDependenciesMeta?: { readonly [name: string]: { readonly optional?: boolean } }
  readonly devDependencies?: { readonly [name: string]: string }
}

export interface Package {
  /** Absolute. */
  readonly folder: string
  /** `packages/kit`, `packages/systems`, `packages/tools` or `examples`. */
  readonly group: string
  readonly manifest: Manifest
}

export function workspacePackages(): Package[] {
  return ['packages/kit', 'packages/systems', 'packages/tools', 'examples'].flatMap((group) =>
    readdirSync(join(root, group), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(root, group, entry.name, 'package.json')))
      .map(({ name }) => {
        const folder = join(root, group, name)
        return { folder, group, manifest: readManifest(folder) }
      }),
  )
}

/** Published means: not private, and something can be imported from it. */
export function publishedPackages(): Package[] {
  return workspacePackages().filter(({ manifest }) => !manifest.private && manifest.publishConfig?.exports)
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}
