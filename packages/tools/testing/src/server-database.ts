/** Test databases on a real server: cloned from a migrated template, dropped with whoever is connected. */
import { randomBytes } from 'node:crypto'
import { connect, type Connection, type Database } from '@tenantry/core'
import type { Created, TemplateOptions, TestDatabaseOptions } from './database.ts'
import { fingerprint, templateKey } from './fingerprint.ts'
import type { TestServer } from './server.ts'

/** Clones carry the hour in which they were made, so that what a killed run left can be told and dropped. */
const CLONE_PREFIX = 'tenantry_test_'
const TEMPLATE_PREFIX = 'tenantry_template_'
/** No test run takes longer. */
const ABANDONED_AFTER_HOURS = 6
const HOUR_MS = 3_600_000

export async function createOnServer(
  server: TestServer & { kind: 'server' },
  { migrate, template }: TestDatabaseOptions,
): Promise<Created> {
  const admin = await connect({ url: server.url, maxConnections: 1 })
  const name = `${CLONE_PREFIX}${currentHour()}_${randomBytes(5).toString('hex')}`
  const url = withDatabase(server.url, name)
  const prepare = async (target: string) => {
    if (!migrate) return
    const database = await connect({ url: target })
    await migrate(database, target).finally(() => database.close())
  }
  const remove = async () => {
    await admin.driver.session((session) => dropDatabase(session, name)).finally(() => admin.close())
  }
  try {
    await admin.driver.session(async (session) => {
      if (template) await cloneTemplate(session, { template, name, url: server.url, prepare })
      else await session.script(`create database ${name} template template0`)
    })
    if (!template) await prepare(url)
    const rolesBefore = await allRoles(admin)
    return {
      url,
      poolerUrl: server.poolerUrl && withDatabase(server.poolerUrl, name),
      findLeaks: async () => [
        ...(await openSessions(admin, name)),
        ...(await rolesLeftBehind(admin, name, rolesBefore)),
      ],
      remove,
    }
  } catch (error) {
    await remove()
    throw error
  }
}

interface CloneOptions {
  readonly template: TemplateOptions
  readonly name: string
  readonly url: string
  prepare(url: string): Promise<void>
}

/** Under one lock for each key, so that a template is made once, and none is dropped while it is cloned. */
async function cloneTemplate(
  session: Connection,
  { template, name, url, prepare }: CloneOptions,
): Promise<void> {
  const family = `${TEMPLATE_PREFIX}${templateKey(template)}_`
  const source = family + fingerprint(template.sources)
  const lock = { params: [family] }
  await session.query({ text: `select pg_advisory_lock(hashtextextended($1, 0))`, ...lock })
  try {
    const { rows } = await session.query({
      text: `select datname, datistemplate from pg_database where datname ~ ('^' || $1 || '[0-9a-f]{12}$')`,
      params: [family],
    })
    // The mark of a template is set last: a database of that name without it was never finished.
    const finished = rows.some(([datname, isTemplate]) => datname === source && isTemplate === true)
    if (!finished) {
      await dropAbandonedClones(session)
      for (const [stale] of rows) await dropDatabase(session, String(stale))
      await session.script(`create database ${source} template template0`)
      await prepare(withDatabase(url, source))
      await session.script(`alter database ${source} with is_template true allow_connections false`)
    }
    await session.script(`create database ${name} template ${source}`)
  } finally {
    await session.query({ text: `select pg_advisory_unlock(hashtextextended($1, 0))`, ...lock })
  }
}

async function dropAbandonedClones(session: Connection): Promise<void> {
  const { rows } = await session.query({
    text: `select datname from pg_database
      where datname ~ ('^' || $1 || '[0-9]+_[0-9a-f]+$') and split_part(datname, '_', 3)::bigint < $2`,
    params: [CLONE_PREFIX, currentHour() - ABANDONED_AFTER_HOURS],
  })
  for (const [name] of rows) await dropDatabase(session, String(name))
}

/** Names are made here, of letters, digits and `_`: they need no quoting. */
async function dropDatabase(session: Connection, name: string): Promise<void> {
  const { rows } = await session.query({
    text: `select 1 from pg_database where datname = $1 and datistemplate`,
    params: [name],
  })
  if (rows.length > 0) await session.script(`alter database ${name} with is_template false`)
  await session.script(`drop database if exists ${name} with (force)`)
}

async function allRoles(admin: Database): Promise<readonly string[]> {
  const { rows } = await admin.driver.query({ text: `select rolname::text from pg_roles`, params: [] })
  return rows.map(([role]) => String(role))
}

/** A server process ends a moment after its client has gone, and nothing announces it: ask for up to 2 s. */
async function openSessions(admin: Database, name: string): Promise<readonly string[]> {
  const deadline = Date.now() + 2_000
  for (;;) {
    const { rows } = await admin.driver.query({
      text: `select pid, usename::text, application_name, state, query from pg_stat_activity
        where datname = $1 and backend_type = 'client backend'`,
      params: [name],
    })
    if (rows.length === 0) return []
    if (Date.now() > deadline) {
      return rows.map(
        ([pid, user, application, state, query]) =>
          `session ${pid} of ${user} (${application || 'no application name'}), ${state}; last statement: ${query}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function rolesLeftBehind(
  admin: Database,
  name: string,
  before: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await admin.driver.query({
    text: `select distinct r.rolname::text
      from pg_shdepend d
      join pg_database b on b.oid = d.dbid
      join pg_roles r on r.oid = d.refobjid
      where b.datname = $1 and d.refclassid = 'pg_authid'::regclass`,
    params: [name],
  })
  return rows
    .map(([role]) => String(role))
    .filter((role) => !before.includes(role))
    .map((role) => `role ${role}`)
}

function currentHour(): number {
  return Math.floor(Date.now() / HOUR_MS)
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
