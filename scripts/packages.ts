/**
 * Looks at every published package the way a host meets it: packed, installed into an empty project,
 * imported, required, type-checked and bundled. Run `npm run check:packages`, which builds first.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { type Package, publishedPackages, root } from './workspace.ts'

/** Entries whose very purpose is an optional peer. Every other entry must do without optional peers. */
const OPTIONAL_PEERS_OF_ENTRIES = ['drizzle-kit', 'libpg-query', 'vitest']
/** What a browser must never be sent. */
const SERVER_ONLY =
  /(?:^|\/)node_modules\/(postgres|pg|pg-[a-z]+|drizzle-[a-z]+|@electric-sql\/[a-z-]+)\/|^(node:.+)/

const problems: string[] = []
const [pnpm = 'pnpm', ...pnpmArgs] = (process.env.TENANTRY_PNPM ?? 'pnpm').split(' ')
const project = mkdtempSync(join(tmpdir(), 'tenantry-packages-'))
const packages = publishedPackages()
const entries = packages.flatMap(({ manifest }) =>
  Object.keys(manifest.publishConfig?.exports ?? {})
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry) => manifest.name + entry.slice(1)),
)

function run(program: string, args: readonly string[], cwd = project): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8' })
  if (error) throw error
  if (status !== 0) throw new Error(`${basename(program)} ${args.join(' ')}\n${stdout}${stderr}`)
  return stdout
}

async function step(name: string, work: () => void | Promise<void>): Promise<void> {
  const started = performance.now()
  const before = problems.length
  try {
    await work()
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error))
  }
  for (const problem of problems.slice(before)) console.error(problem)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${problems.length === before ? 'ok' : 'FAILED'}  ${name}  ${seconds} s`)
}

/** The version that this repository itself uses, so that nothing has to be fetched. */
function installedVersion(dependency: string, from: string): string {
  const folder = createRequire(join(from, 'package.json'))
    .resolve.paths(dependency)
    ?.map((path) => join(path, dependency, 'package.json'))
    .find((path) => readText(path) !== undefined)
  if (folder === undefined) throw new Error(`${dependency} isn't installed for ${from}`)
  return (JSON.parse(readFileSync(folder, 'utf8')) as { version: string }).version
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

const tarballs = new Map<Package, string>()
const tarballFolder = join(project, 'tarballs')

await step(`pack ${packages.length} packages`, () => {
  mkdirSync(tarballFolder)
  for (const pack of packages) {
    const before = new Set(readdirSync(tarballFolder))
    run(pnpm, [...pnpmArgs, 'pack', '--pack-destination', tarballFolder], pack.folder)
    const made = readdirSync(tarballFolder).find((name) => !before.has(name))
    if (made === undefined) throw new Error(`${pack.manifest.name} wasn't packed`)
    tarballs.set(pack, join(tarballFolder, made))
  }
})

await step('what each package holds beside its code', () => {
  for (const [{ manifest }, tarball] of tarballs) {
    const files = new Set(run('tar', ['-tzf', tarball]).split('\n'))
    // The license is the root's: pnpm puts it into each package.
    for (const file of ['README.md', 'LICENSE'])
      if (!files.has(`package/${file}`)) problems.push(`${manifest.name} is packed without ${file}`)
  }
})

await step('publint', async () => {
  for (const [{ manifest }, tarball] of tarballs) {
    const bytes = readFileSync(tarball)
    const { messages, pkg } = await publint({
      strict: true,
      pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
    })
    for (const message of messages)
      problems.push(`${manifest.name}: ${formatMessage(message, pkg) ?? message.code}`)
  }
})

await step('types as resolved by each kind of host (attw)', () => {
  const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
  for (const tarball of tarballs.values()) {
    try {
      run(process.execPath, [attw, tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-emoji'])
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error))
    }
  }
})

await step('install into an empty project', () => {
  const dependencies: Record<string, string> = { '@types/node': installedVersion('@types/node', root) }
  for (const [{ folder, manifest }, tarball] of tarballs) {
    dependencies[manifest.name] = `file:${tarball}`
    for (const peer of Object.keys(manifest.peerDependencies ?? {})) {
      const optional = manifest.peerDependenciesMeta?.[peer]?.optional === true
      if (peer.startsWith('@tenantry/') || (optional && !OPTIONAL_PEERS_OF_ENTRIES.includes(peer))) continue
      dependencies[peer] = installedVersion(peer, folder)
    }
  }
  // Each tarball asks for its siblings by version; unpublished, those are found here.
  const overrides = Object.fromEntries(
    Object.entries(dependencies).filter(([, at]) => at.startsWith('file:')),
  )
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies, pnpm: { overrides } }, undefined, 2),
  )
  const flags = [
    '--prefer-offline',
    '--ignore-workspace',
    '--ignore-scripts',
    '--config.auto-install-peers=false',
  ]
  run(pnpm, [...pnpmArgs, 'install', ...flags, '--config.strict-peer-dependencies=true'])
})

await step(`import ${entries.length} entries`, () => {
  writeFileSync(
    join(project, 'import.js'),
    `for (const entry of ${JSON.stringify(entries)}) {
      const names = Object.keys(await import(entry))
      if (names.length === 0) throw new Error(entry + ' exports nothing')
    }`,
  )
  run(process.execPath, ['import.js'])
})

await step('require() them', () => {
  const script = `for (const entry of ${JSON.stringify(entries)}) require(entry)`
  writeFileSync(join(project, 'require.cjs'), script)
  run(process.execPath, ['require.cjs'])
})

await step('run what has a command', () => {
  for (const { manifest } of packages) {
    for (const name of Object.keys(manifest.bin ?? {}))
      run(join(project, 'node_modules/.bin', name), ['--help'])
  }
})

for (const [module, moduleResolution] of [
  ['nodenext', 'nodenext'],
  ['preserve', 'bundler'],
] as const) {
  await step(`type-check a host (${moduleResolution})`, () => {
    const names = entries.map((entry, index) => `import * as entry${index} from '${entry}'`)
    const uses = entries.map((_, index) => `entry${index}`)
    writeFileSync(join(project, 'host.ts'), [...names, `export const all = [${uses.join(', ')}]`].join('\n'))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    const options = ['--module', module, '--moduleResolution', moduleResolution, '--target', 'es2022']
    run(process.execPath, [
      tsc,
      '--strict',
      '--noEmit',
      '--skipLibCheck',
      '--types',
      'node',
      ...options,
      'host.ts',
    ])
  })
}

await step('bundle what is for browsers', async () => {
  for (const entry of entries.filter((name) => name.endsWith('/types'))) {
    const { metafile, outputFiles } = await build({
      stdin: { contents: `export * from '${entry}'`, resolveDir: project },
      bundle: true,
      minify: true,
      platform: 'browser',
      format: 'esm',
      metafile: true,
      write: false,
      logLevel: 'silent',
    })
    const wrong = Object.keys(metafile.inputs).map((path) => SERVER_ONLY.exec(path)?.slice(1).find(Boolean))
    for (const name of new Set(wrong)) if (name) problems.push(`${entry} brings ${name} into a browser`)
    const kilobytes = (outputFiles.reduce((sum, file) => sum + file.contents.length, 0) / 1024).toFixed(0)
    console.log(`    ${entry}: ${kilobytes} kB minified, ${Object.keys(metafile.inputs).length} files`)
  }
})

if (problems.length > 0) {
  console.error(`${problems.length} problems; the project is left in ${project}`)
  process.exitCode = 1
} else {
  rmSync(project, { recursive: true })
}
