import {
  ConfigurationError,
  MigrationError,
  ValidationError,
  type Connection,
  type Driver,
} from '@tenantry/core'
import {
  createHistory,
  historyExists,
  pendingMigrations,
  readHistory,
  recordProgress,
  recordStart,
} from './history.ts'
import { LOCK_WAIT_MS, withLockedSession, withLockedTransaction } from './lock.ts'
import type { Migration } from './migration.ts'
import { preflight } from './preflight.ts'
import { readMigrations } from './readMigrations.ts'

export interface MigrationSource {
  /** Whose migrations these are: several systems may live in one database. */
  readonly system: string
  /** A folder that `generateMigration` wrote, or its files as `readMigrations` read them. */
  readonly migrations: URL | string | readonly Migration[]
}

export interface MigrateOptions extends MigrationSource {
  /** How long to wait for another process that is migrating. Default: ten minutes. */
  readonly lockWaitMs?: number
}

export interface MigrateResult {
  /** Names of the files that this call applied, in order; empty when there was nothing to do. */
  readonly applied: readonly string[]
}

/**
 * Brings a database up to the last migration. Each file runs in a transaction of its own, under one lock, so
 * any number of processes may call this at once: one applies a file, the others find it done. A file that
 * says `-- tenantry: no-transaction` runs statement by statement; if it is interrupted, the next call goes
 * on at the first statement that wasn't noted as done, so each of its statements must bear to run twice.
 *
 * Row policies never hide rows from a migration: a statement that they would filter fails instead. A table's
 * owner puts `alter table … no force row level security` before it and `force` after it, in the same file.
 *
 * @throws MigrationError for an edited file, one out of order, a database newer than the files, and a
 *   statement that fails. The message names the file.
 * @throws ConfigurationError before anything runs, for a missing extension, a server older than
 *   PostgreSQL 16, or a no-transaction file through a pooler.
 * @throws TimeoutError when another process holds the lock for longer than `lockWaitMs`.
 */
export async function migrate(driver: Driver, options: MigrateOptions): Promise<MigrateResult> {
  const { system, lockWaitMs = LOCK_WAIT_MS } = options
  const migrations = loadMigrations(options.migrations)
  const history = (await historyExists(driver)) ? await readHistory(driver, system) : []
  const todo = pendingMigrations(migrations, history)
  await preflight(driver, todo)
  const outside = todo.find((migration) => !migration.transactional)
  if (outside !== undefined && driver.traits.pooled) {
    throw new ConfigurationError(
      `${outside.name}.sql runs outside a transaction, which a pooler can't carry`,
      {
        hint: 'Migrate through a direct connection to the server',
      },
    )
  }
  const applied: string[] = []
  for (const migration of todo) {
    const apply = migration.transactional ? applyInTransaction : applyInSession
    if (await apply(driver, { system, lockWaitMs, migrations, migration })) applied.push(migration.name)
  }
  return { applied }
}

export function loadMigrations(source: MigrationSource['migrations']): readonly Migration[] {
  return typeof source === 'string' || source instanceof URL ? readMigrations(source) : source
}

interface Step {
  readonly system: string
  readonly lockWaitMs: number
  readonly migrations: readonly Migration[]
  readonly migration: Migration
}

/** Answers whether it was applied here, and not by another process meanwhile. */
async function applyInTransaction(driver: Driver, step: Step): Promise<boolean> {
  const { system, migration } = step
  return withLockedTransaction(driver, step.lockWaitMs, async (connection) => {
    await createHistory(connection)
    if ((await stillToDo(connection, step)) === undefined) return false
    await recordStart(connection, system, migration)
    for (const index of migration.statements.keys()) await runStatement(connection, migration, index)
    await recordProgress(connection, system, migration, migration.statements.length)
    return true
  })
}

async function applyInSession(driver: Driver, step: Step): Promise<boolean> {
  const { system, migration } = step
  await withLockedTransaction(driver, step.lockWaitMs, createHistory)
  return withLockedSession(driver, step.lockWaitMs, async (connection) => {
    const first = await stillToDo(connection, step)
    if (first === undefined) return false
    await recordStart(connection, system, migration)
    for (let index = first; index < migration.statements.length; index += 1) {
      await runStatement(connection, migration, index)
      await recordProgress(connection, system, migration, index + 1)
    }
    return true
  })
}

/** Asks the history again, now under the lock: the statement to begin with, or nothing. */
async function stillToDo(connection: Connection, step: Step): Promise<number | undefined> {
  const history = await readHistory(connection, step.system)
  const pending = pendingMigrations(step.migrations, history)
  if (!pending.includes(step.migration)) return undefined
  return history.find((row) => row.id === step.migration.id)?.statementsDone ?? 0
}

async function runStatement(connection: Connection, migration: Migration, index: number): Promise<void> {
  const text = migration.statements[index] ?? ''
  try {
    await connection.script(text)
  } catch (error) {
    const done = migration.transactional
      ? 'Nothing of this file was applied'
      : `The ${index} statements before it stay applied; the next run begins with this one`
    throw new MigrationError(
      `${migration.name}.sql failed at statement ${index + 1} of ${migration.statements.length} ("${firstLine(text)}"): ${reasonOf(error)}`,
      { cause: error, hint: done },
    )
  }
}

/** The server's own words help most here; only where they may quote a row's value are they left out. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error instanceof ValidationError || !(error.cause instanceof Error)
    ? error.message
    : error.cause.message
}

const FIRST_LINE_CHARACTERS_MAX = 120

function firstLine(text: string): string {
  const line =
    text.split('\n').find((candidate) => candidate.trim() !== '' && !candidate.startsWith('--')) ?? ''
  return line.length > FIRST_LINE_CHARACTERS_MAX ? `${line.slice(0, FIRST_LINE_CHARACTERS_MAX)}…` : line
}
