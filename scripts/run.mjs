/**
 * What package.json's scripts call. Plain JavaScript without dependencies: it works in a fresh clone on a
 * machine with Node alone, gets the pinned pnpm through npx, installs when the lockfile has changed since
 * the last time, and then runs the command.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const sources = '--conditions=@tenantry/source'

const commands = {
  test: (args) => tool('vitest', 'vitest.mjs', 'run', '--config', 'vitest.workspace.ts', ...args),
  build: (args) => script('scripts/build.ts', ...args),
  check: (args) => script('scripts/check.ts', ...args),
  'check:packages': (args) => script('scripts/build.ts') || script('scripts/packages.ts', ...args),
  format: (args) => tool('oxfmt', 'bin/oxfmt', ...args),
  quickstart: (args) =>
    script('scripts/build.ts', '--no-types') || script('examples/quickstart/src/main.ts', ...args),
  bench: (args) =>
    script('scripts/build.ts', '--no-types') || script('packages/tools/bench/src/main.ts', ...args),
  generate: (args) => node(sources, '--import', 'tsx', 'packages/tools/cli/src/bin.ts', 'generate', ...args),
  release: () =>
    commands.check([]) || commands['check:packages']([]) || tool('@changesets/cli', 'bin.js', 'publish'),
}

function run(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) throw error
  return status ?? 1
}

const node = (...args) => run(process.execPath, args)
/** A TypeScript file of this repository. */
const script = (file, ...args) => node('--import', 'tsx', file, ...args)
/** A tool's own file, so that no shell and no package manager stands between. */
const tool = (name, file, ...args) => node(join('node_modules', name, file), ...args)

/** On Windows pnpm and npx are scripts, which only a shell can start. */
const shell = process.platform === 'win32'

/** The pnpm on this machine if it is the pinned one, else the pinned one through npx. */
function findPnpm() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { stdout } = spawnSync('pnpm', ['--version'], { cwd: root, encoding: 'utf8', shell })
  return `pnpm@${stdout?.trim()}` === packageManager ? ['pnpm'] : ['npx', '--yes', packageManager]
}

function install(pnpm) {
  const lockfile = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .digest('hex')
  const stamp = join(root, 'node_modules', '.installed-lockfile')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lockfile) return
  const [program, ...args] = [...pnpm, 'install', '--frozen-lockfile', '--reporter=append-only']
  const status = run(program, args, { shell })
  if (status !== 0) process.exit(status)
  writeFileSync(stamp, lockfile)
}

const [, , name, ...args] = process.argv
const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined
if (!command) {
  console.error(`Usage: node scripts/run.mjs ${Object.keys(commands).join(' | ')}`)
  process.exit(2)
}
const pnpm = findPnpm()
install(pnpm)
// For the scripts that call it themselves.
process.env.TENANTRY_PNPM = pnpm.join(' ')
process.exit(command(args))
