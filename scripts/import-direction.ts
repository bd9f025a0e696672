/**
 * Dependencies point one way, down the floors; ARCHITECTURE.md says why. Also checked: a package declares
 * what it imports, and reaches another one by its name only.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { basename, dirname, join, relative, sep } from 'node:path'
import ts from 'typescript'
import { type Package, readManifest, root, workspacePackages } from './workspace.ts'

interface ImportingFile {
  /** Relative to the package, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** A name such as `kit/core` for a package. */
function place({ folder, group }: Package): string {
  return `${basename(group)}/${basename(folder)}`
}

/** A package's code may import packages of lower floors only. */
function floor(pack: Package): number {
  const name = place(pack)
  if (name === 'kit/core') return 1
  if (name === 'kit/ddl' || name === 'kit/repository') return 2
  if (name === 'kit/system') return 4
  if (name.startsWith('kit/')) return 3
  if (name.startsWith('systems/') || name === 'tools/testing') return 5
  // What a host would write: it may configure the command line.
  if (name.startsWith('examples/')) return 7
  // What is only ever run: the command line, benchmarks.
  return 6
}

/** Why the code of one package may not import another, or undefined. */
function objection(from: Package, to: Package, inTest: boolean): string | undefined {
  const [source, target] = [place(from), place(to)]
  if (from.folder === to.folder) return undefined
  if (source === 'tools/cli' && to.group === 'packages/systems') return 'the command line knows no system'
  if (inTest) {
    if (target === 'tools/testing') return undefined
    if (from.group === 'packages/kit')
      return to.group === 'packages/kit'
        ? undefined
        : `${source} knows nothing of ${target}, nor do its tests`
  }
  if (floor(to) < floor(from)) return undefined
  return `${source} is on floor ${floor(from)} and ${target} on floor ${floor(to)}: imports point down`
}

/** One line for each import that breaks a rule. `provided`: what every test may use, from the root. */
export function findOffences(
  pack: Package,
  files: readonly ImportingFile[],
  packages: readonly Package[],
  provided: ReadonlySet<string>,
): string[] {
  const offences: string[] = []
  const { dependencies, peerDependencies, devDependencies } = pack.manifest
  const shipped = new Set(Object.keys({ ...dependencies, ...peerDependencies }))
  const declared = new Set([...shipped, ...Object.keys(devDependencies ?? {}), ...provided])
  for (const { path, text } of files) {
    const inTest = !path.startsWith('src/')
    const refuse = (specifier: string, why: string) =>
      offences.push(`${relative(root, pack.folder)}/${path}: '${specifier}': ${why}`)
    for (const { fileName: specifier } of ts.preProcessFile(text, true, true).importedFiles) {
      if (specifier.startsWith('.')) {
        if (relative(pack.folder, join(pack.folder, dirname(path), specifier)).startsWith('..')) {
          // A build file may use the shared scripts; code may not leave its package.
          if (!/^[^/]+\.config\.ts$/.test(path)) refuse(specifier, 'import another package by its name')
        }
        continue
      }
      if (isBuiltin(specifier)) {
        if (!specifier.startsWith('node:')) refuse(specifier, `write 'node:${specifier}'`)
        continue
      }
      const name = packageName(specifier)
      const sibling = packages.find(({ manifest }) => manifest.name === name)
      const why = sibling && objection(pack, sibling, inTest)
      if (why) refuse(specifier, why)
      if (!(inTest ? declared : shipped).has(name) && name !== pack.manifest.name && !isRun(pack, name)) {
        refuse(
          specifier,
          inTest ? 'not declared in package.json' : 'not among dependencies or peerDependencies',
        )
      }
    }
  }
  return offences
}

/** What is never published may keep all it needs among its devDependencies. */
function isRun(pack: Package, name: string): boolean {
  return pack.manifest.private === true && pack.manifest.devDependencies?.[name] !== undefined
}

function packageName(specifier: string): string {
  const [first = '', second] = specifier.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

function filesOf(folder: string): ImportingFile[] {
  const read = (path: string) => ({
    path: relative(folder, path).replaceAll(sep, '/'),
    text: readFileSync(path, 'utf8'),
  })
  const own = readdirSync(folder).filter((name) => name.endsWith('.ts'))
  const nested = ['src', 'test'].flatMap((name) => walk(join(folder, name)))
  return [...own.map((name) => join(folder, name)), ...nested].map(read)
}

function walk(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return walk(path)
    return entry.isFile() && entry.name.endsWith('.ts') ? [path] : []
  })
}

if (process.argv[1] === import.meta.filename) {
  const packages = workspacePackages()
  const provided = new Set(Object.keys(readManifest(root).devDependencies ?? {}))
  const offences = packages.flatMap((pack) => findOffences(pack, filesOf(pack.folder), packages, provided))
  for (const offence of offences) console.error(offence)
  process.exitCode = offences.length > 0 ? 1 : 0
}
