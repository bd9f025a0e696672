import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { connect, type Database, type Driver } from '@tenantry/core'

const given = process.env['TEST_DATABASE_URL'] ?? 'memory://'

/** Null where the tests run on the embedded server. */
export const serverUrl = given.startsWith('postgres') ? given : null
export const poolerUrl = serverUrl === null ? null : (process.env['TEST_POOLER_URL'] ?? null)

export interface TestPlace extends AsyncDisposable {
  readonly driver: Driver
  /** Of this database; `memory://` for the embedded one. */
  readonly url: string
  /** Unique on the server, for names of roles. */
  readonly prefix: string
  /** A folder of its own. */
  readonly folder: string
  /** The first column of the first row. */
  value(text: string): Promise<unknown>
  column(text: string): Promise<readonly unknown[]>
  script(text: string): Promise<void>
  /** Another empty database on the same server. */
  another(): Promise<TestPlace>
}

/** An empty database, which goes with its roles when the scope ends. */
export async function setup(): Promise<TestPlace> {
  const prefix = `ddltest_${randomBytes(5).toString('hex')}`
  return serverUrl === null ? embedded(prefix) : onServer(serverUrl, prefix)
}

let shared: Promise<Database> | undefined

/** One for all tests of a file, emptied after each: starting it takes seconds. */
async function embedded(prefix: string): Promise<TestPlace> {
  const { driver } = await (shared ??= connect('memory://'))
  return place(driver, 'memory://', prefix, () => driver.session((session) => session.script(EMPTY)))
}

const EMPTY = `
do $$
declare
  name text;
begin
  for name in select quote_ident(nspname) from pg_namespace where nspname !~ '^(pg_|information_schema)' loop
    execute 'drop schema ' || name || ' cascade';
  end loop;
  alter default privileges revoke all on tables from public;
  for name in select quote_ident(rolname) from pg_roles where rolname like 'ddltest%' loop
    execute 'drop owned by ' || name;
    execute 'drop role ' || name;
  end loop;
  create schema public;
  grant usage on schema public to public;
end
$$`

afterAll(async () => (await shared)?.close())

async function onServer(server: string, prefix: string): Promise<TestPlace> {
  const admin = await connect({ url: server, maxConnections: 1 })
  const name = `${prefix}_${randomBytes(3).toString('hex')}`
  await admin.driver.session((session) => session.script(`create database ${name} template template0`))
  const url = withDatabase(server, name)
  const database = await connect(url)
  return place(database.driver, url, prefix, async () => {
    await database.close()
    await admin.driver.session((session) => session.script(`drop database ${name} with (force)`))
    const { rows } = await admin.driver.query({
      text: 'select quote_ident(rolname) from pg_roles where starts_with(rolname, $1)',
      params: [prefix],
    })
    // Another database of the same test may still hold it; that one drops it then.
    for (const [role] of rows) {
      await admin.driver.session((session) => session.script(`drop role ${String(role)}`)).catch(() => {})
    }
    await admin.close()
  })
}

function place(driver: Driver, url: string, prefix: string, remove: () => Promise<void>): TestPlace {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-ddl-'))
  const column = async (text: string): Promise<readonly unknown[]> =>
    (await driver.query({ text, params: [] })).rows.map((row) => row[0])
  return {
    driver,
    url,
    prefix,
    folder,
    column,
    value: async (text) => (await column(text))[0],
    script: (text) => driver.transaction({}, (connection) => connection.script(text)),
    another: () => {
      if (serverUrl === null) throw new Error('The embedded server has one database')
      return onServer(serverUrl, prefix)
    },
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true })
      await remove()
    },
  }
}

/** The same database as an owner of it who may make roles and is no superuser, as on Supabase. */
export async function asPlainOwner(place: TestPlace): Promise<Database> {
  const owner = `${place.prefix}_owner`
  const name = new URL(place.url).pathname.slice(1)
  await place.script(`create role ${owner} login createrole; alter database ${name} owner to ${owner}`)
  const url = new URL(place.url)
  url.username = owner
  return connect(url.href)
}

export function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
