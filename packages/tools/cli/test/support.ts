import { spawn, type ChildProcess } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, type Database } from '@tenantry/core'
import { migrate } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { createTestDatabase, testServer } from '@tenantry/testing'
import { onTestFinished } from 'vitest'
import { notebook } from './host/system.ts'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const BIN = join(PACKAGE, 'src/bin.ts')
const PEERS = ['core', 'ddl', 'rls', 'repository', 'retention', 'system'].map((name) => `@tenantry/${name}`)

export interface Result {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Host extends AsyncDisposable {
  readonly folder: string
  /** An empty database of its own; on the embedded server a folder, used by one process after another. */
  readonly url: string
  /** Runs the command line in the host's folder, with `DATABASE_URL` set to `url`. */
  tenantry(...args: readonly string[]): Promise<Result>
  /** The same, for a test that talks to the process while it runs. */
  start(...args: readonly string[]): { readonly child: ChildProcess; readonly result: Promise<Result> }
  /** Looks at, or changes, the host's database beside the command line. */
  withDatabase<T>(use: (database: Database) => Promise<T>): Promise<T>
  edit(file: string, change: (text: string) => string): void
  read(file: string): string
}

/** A project as a host has it: a configuration, a schema, and the packages in node_modules. */
export async function setup(which = 'host'): Promise<Host> {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-cli-'))
  cpSync(join(PACKAGE, 'test', which), folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  linkModules(folder, [...PEERS, 'drizzle-orm'])
  symlinkSync(PACKAGE, join(folder, 'node_modules/@tenantry/cli'))
  const place = await emptyDatabase(folder)
  const sources = ['--conditions=@tenantry/source', '--import', import.meta.resolve('tsx'), BIN]
  const start = (...args: readonly string[]) =>
    startNode([...sources, ...args], folder, { DATABASE_URL: place.url })
  return {
    folder,
    url: place.url,
    start,
    tenantry: (...args) => start(...args).result,
    async withDatabase(use) {
      const database = await connect(place.url)
      return use(database).finally(() => database.close())
    },
    edit(file, change) {
      const path = join(folder, file)
      const text = readFileSync(path, 'utf8')
      const changed = change(text)
      if (changed === text) throw new Error(`${file} has nothing of what was to be changed`)
      writeFileSync(path, changed)
    },
    read: (file) => readFileSync(join(folder, file), 'utf8'),
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true })
      await place.close()
    },
  }
}

/** The same, with its first migration; made here, because a process for each step would take seconds. */
export async function setupGenerated(): Promise<Host> {
  const host = await setup()
  const { name, objects, schema } = notebook.definition
  await generateMigration({ name, objects, schema, directory: join(host.folder, 'migrations') })
  return host
}

/** The same, with that migration applied. */
export async function setupMigrated(): Promise<Host> {
  const host = await setupGenerated()
  const source = { system: notebook.definition.name, migrations: join(host.folder, 'migrations') }
  await host.withDatabase(({ driver }) => migrate(driver, source))
  return host
}

/** Makes packages of ours, or that we depend on, importable from a folder. */
export function linkModules(folder: string, names: readonly string[]): void {
  for (const name of names) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(PACKAGE, 'node_modules', name), link)
  }
}

export function startNode(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): { readonly child: ChildProcess; readonly result: Promise<Result> } {
  const child = spawn(process.execPath, args, { cwd, env: { PATH: process.env['PATH'] ?? '', ...env } })
  // A test that runs out of time never comes to its own end.
  onTestFinished(() => void child.kill('SIGKILL'))
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const result = new Promise<Result>((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ code, stdout, stderr }))
  })
  return { child, result }
}

async function emptyDatabase(folder: string): Promise<{ url: string; close(): Promise<void> }> {
  if (testServer().kind === 'embedded') return { url: `file:${join(folder, 'data')}`, close: async () => {} }
  return createTestDatabase()
}
