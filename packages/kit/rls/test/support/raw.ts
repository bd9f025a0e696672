/** Raw SQL in a scope, and sessions as others open them. */
import type { Answer, Connection, Database, Executor } from '@tenantry/core'
import type { SQL } from 'drizzle-orm'
import { statementOf } from './setup.ts'

/** Runs a query of the host's own in a scope. */
export function run(executor: Executor, query: SQL): Promise<Answer> {
  return executor.run({ ...statementOf(query), gated: false, once: true })
}

/** The first column of the answer. */
export async function values(executor: Executor, query: SQL): Promise<readonly unknown[]> {
  return (await run(executor, query)).rows.map((row) => row[0])
}

/** A transaction of a role with some settings, as PostgREST opens it; null leaves a setting alone. */
export function session<T>(
  database: Database,
  role: string,
  settings: Readonly<Record<string, string | null>>,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  return database.driver.transaction({}, async (connection) => {
    for (const [name, value] of [...Object.entries(settings), ['role', role] as const]) {
      if (value === null) continue
      await connection.query({ text: 'select set_config($1, $2, true)', params: [name, value] })
    }
    return work(connection)
  })
}

export async function count(connection: Connection, table: string): Promise<number> {
  return Number((await connection.query({ text: `select count(*) from ${table}`, params: [] })).rows[0]?.[0])
}

/** Supabase's role for signed-in users, where a migration found none. Roles belong to the whole cluster. */
export async function makeAuthenticated(database: Database): Promise<void> {
  await database.driver.session((connection) =>
    connection.script(`
      do $$ begin create role authenticated nologin noinherit;
      exception when duplicate_object or unique_violation then null; end $$;
      do $$ begin
        if not pg_has_role('authenticated', 'tenantry_tenant', 'usage') then
          grant tenantry_tenant to authenticated with inherit true;
        end if;
      exception when duplicate_object or unique_violation then null; end $$`),
  )
}
