import { MigrationError, type Connection, type Driver } from '@tenantry/core'
import { dollarQuote } from '../identifiers.ts'
import { compareIds, type Migration } from './migration.ts'

/** A row of `tenantry.migrations`. */
export interface AppliedMigration {
  readonly id: string
  readonly name: string
  readonly hash: string
  /** The server's text; null while a file that runs outside a transaction is unfinished. */
  readonly finishedAt: string | null
  readonly statementsDone: number
}

export type Querying = Pick<Connection, 'query'>

export async function historyExists(on: Querying | Driver): Promise<boolean> {
  const { rows } = await on.query({
    text: `select to_regclass('tenantry.migrations') is not null`,
    params: [],
  })
  return rows[0]?.[0] === true
}

/** To be run under the migration lock: IF NOT EXISTS alone doesn't survive two processes at once. */
export async function createHistory(connection: Connection): Promise<void> {
  if (await historyExists(connection)) return
  const lockDown = `
declare
  holder text;
begin
  for holder in
    select distinct pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(entry.grantee))
    from pg_catalog.pg_class as relation
    cross join lateral pg_catalog.aclexplode(relation.relacl) as entry
    where relation.oid = 'tenantry.migrations'::regclass and entry.grantee not in (0, relation.relowner)
  loop
    execute 'revoke all privileges on table tenantry.migrations from ' || holder;
  end loop;
end`
  await connection.script(
    [
      'create schema if not exists tenantry',
      `create table tenantry.migrations (
  system text not null,
  id text not null,
  name text not null,
  hash text not null,
  started_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  statements_done integer not null default 0,
  constraint migrations_pkey primary key (system, id)
)`,
      'revoke all privileges on table tenantry.migrations from public',
      `do ${dollarQuote(lockDown, 'lock_down')}`,
    ].join(';\n'),
  )
}

export async function readHistory(
  on: Querying | Driver,
  system: string,
): Promise<readonly AppliedMigration[]> {
  const { rows } = await on.query({
    text: `select id, name, hash, finished_at::text, statements_done from tenantry.migrations where system = $1`,
    params: [system],
  })
  return rows
    .map(([id, name, hash, finishedAt, done]) => ({
      id: String(id),
      name: String(name),
      hash: String(hash),
      finishedAt: finishedAt === null ? null : String(finishedAt),
      statementsDone: Number(done),
    }))
    .toSorted(compareIds)
}

/**
 * What is still to be run, in order. Throws MigrationError, naming the file, when the files and the
 * history can't both be right.
 */
export function pendingMigrations(
  migrations: readonly Migration[],
  history: readonly AppliedMigration[],
): readonly Migration[] {
  const files = new Map(migrations.map((migration) => [migration.id, migration]))
  for (const applied of history) {
    const file = files.get(applied.id)
    if (file === undefined) {
      throw new MigrationError(`The database has ${applied.name}, which is not among the migrations here`, {
        hint: 'The database is newer than this code: deploy the code that it was migrated by',
      })
    }
    if (file.hash !== applied.hash) {
      throw new MigrationError(`${file.name}.sql differs from what the database was migrated with`, {
        hint:
          applied.finishedAt === null
            ? `Its first ${applied.statementsDone} statements were run. Restore the file; or undo them and delete its row from tenantry.migrations`
            : 'Restore the file as it was released, and put the change into a new migration',
      })
    }
  }
  const done = new Set(history.filter((row) => row.finishedAt !== null).map((row) => row.id))
  const newest = history.at(-1)
  const pending = migrations.filter((migration) => !done.has(migration.id))
  for (const migration of pending) {
    if (newest !== undefined && compareIds(migration, newest) < 0) {
      throw new MigrationError(`${migration.name}.sql was not applied, but the later ${newest.name} was`, {
        hint: 'Give it a number after the newest migration',
      })
    }
  }
  return pending
}

export async function recordStart(connection: Querying, system: string, migration: Migration): Promise<void> {
  await connection.query({
    text: `insert into tenantry.migrations (system, id, name, hash) values ($1, $2, $3, $4) on conflict do nothing`,
    params: [system, migration.id, migration.name, migration.hash],
  })
}

export async function recordProgress(
  connection: Querying,
  system: string,
  migration: Migration,
  statementsDone: number,
): Promise<void> {
  await connection.query({
    text: `update tenantry.migrations
set statements_done = $3::integer,
  finished_at = case when $3::integer = $4::integer then clock_timestamp() end
where system = $1 and id = $2`,
    params: [system, migration.id, statementsDone, migration.statements.length],
  })
}
