/** Everything about the code that can be said without running it. `npm run check -- lint types` runs some. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from './workspace.ts'

const node = process.execPath
const tool = (path: string, ...args: string[]) => [node, join('node_modules', path), ...args]
const script = (path: string) => [node, '--import', 'tsx', path]

// What didn't change since the last run needs no second look.
const buildInfo = 'node_modules/.cache/check.tsbuildinfo'
// The slow ones first: two run at a time.
const checks: Readonly<Record<string, readonly string[]>> = {
  types: tool('typescript/bin/tsc', '-p', 'tsconfig.json', '--incremental', '--tsBuildInfoFile', buildInfo),
  unused: tool('knip/bin/knip.js', '--no-progress'),
  lint: tool('oxlint/bin/oxlint', '--deny-warnings'),
  format: tool('oxfmt/bin/oxfmt', '--check'),
  imports: script('scripts/import-direction.ts'),
  migrations: script('scripts/migration-lint.ts'),
  diagrams: [node, '--conditions=@tenantry/source', '--import', 'tsx', 'scripts/er-diagram.ts', '--check'],
}

interface Outcome {
  readonly name: string
  readonly passed: boolean
  readonly seconds: number
  readonly output: string
}

function run(name: string, command: readonly string[]): Promise<Outcome> {
  const [program = node, ...args] = command
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.once('error', reject).once('close', (code) => {
      resolve({ name, passed: code === 0, seconds: (performance.now() - started) / 1000, output })
    })
  })
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !Object.hasOwn(checks, name))
if (unknown.length > 0) {
  console.error(`No check named ${unknown.join(', ')}; there are ${Object.keys(checks).join(', ')}.`)
  process.exit(2)
}
const queue = Object.entries(checks).filter(([name]) => asked.length === 0 || asked.includes(name))
async function work(): Promise<void> {
  for (let next = queue.shift(); next; next = queue.shift()) {
    const { name, passed, seconds, output } = await run(...next)
    if (!passed) {
      console.log(output.trimEnd())
      process.exitCode = 1
    }
    console.log(`${passed ? 'ok' : 'FAILED'}  ${name}  ${seconds.toFixed(1)} s`)
  }
}
await Promise.all([work(), work()])
