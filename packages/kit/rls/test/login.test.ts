/** Whatever the login, it is found out what it is, and scoped calls run in sessions that row security binds. */
import {
  compiledQuery,
  connect,
  ConfigurationError,
  ConnectionError,
  type Database,
  IsolationError,
  TimeoutError,
} from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '@tenantry/testing'
import { describeOnServer, describeThroughPooler } from '@tenantry/testing/vitest'
import { describeLogin, loginOf, serviceExecutor, tenantExecutor } from '../src/index.ts'
import { type Logins, logins } from './support/logins.ts'
import * as notes from './support/notes.ts'
import { run } from './support/raw.ts'
import { ALICE, asOwner, BOB, createSystem } from './support/setup.ts'

const dialect = new PgDialect()

let test: TestDatabase
beforeAll(async () => {
  test = await createSystem('notes', notes)
  await asOwner(test.database, notes.seed(ALICE), notes.seed(BOB))
})
afterAll(() => test.close())

const SEEN = sql`select count(*), row_security_active('notes'), bool_and(user_id = ${ALICE}) from notes`

/** Reads in each of the three ways that a scope can run a statement. */
async function expectBound(database: Database): Promise<void> {
  const executor = tenantExecutor(database, notes.tenancy, { userId: ALICE })
  const gated = compiledQuery(dialect.sqlToQuery(sql`${SEEN} where ${executor.gate ?? sql`true`}`), {
    gated: true,
  })
  const wanted = [['1', true, true]]
  expect((await executor.run(gated)).rows).toEqual(wanted)
  expect((await run(executor, SEEN)).rows).toEqual(wanted)
  expect(await executor.transaction(async (inner) => (await run(inner, SEEN)).rows)).toEqual(wanted)
  expect(
    await executor.transaction(
      async (inner) => (await inner.run(gated, { tenantry_user: ALICE, tenantry_claims: '' })).rows,
    ),
  ).toEqual(wanted)
}

/** Statements end at the database's limit in each of the ways that a scope can run them. */
async function expectLimited(database: Database): Promise<void> {
  const slow = sql`select pg_sleep(5)`
  const alice = tenantExecutor(database, notes.tenancy, { userId: ALICE })
  const gated = compiledQuery(dialect.sqlToQuery(sql`${slow} where ${alice.gate ?? sql`true`}`), {
    gated: true,
  })
  await expect(alice.run(gated)).rejects.toBeInstanceOf(TimeoutError)
  await expect(alice.transaction((inner) => run(inner, slow))).rejects.toBeInstanceOf(TimeoutError)
  await expect(run(serviceExecutor(database), slow)).rejects.toBeInstanceOf(TimeoutError)
}

it('the login of the test is privileged, and bound all the same', async () => {
  const mode = test.database.driver.traits.startupRole ? 'startup' : 'transaction'
  expect(await describeLogin(test.database)).toMatchObject({
    mode,
    bypassesRowSecurity: true,
    ownsTables: true,
    service: true,
  })
  await expectBound(test.database)
})

it('a database without our roles is said to be unmigrated', async () => {
  await using place = await createTestDatabase()
  const roles = await place.database.driver.query({
    text: "select count(*) from pg_roles where rolname = 'tenantry_service'",
    params: [],
  })
  // Roles belong to the whole server: other databases on it may have made them.
  if (roles.rows[0]?.[0] !== '0') return
  await expect(loginOf(place.database)).rejects.toBeInstanceOf(ConfigurationError)
  expect((await describeLogin(place.database)).mode).toBeNull()
})

describeOnServer('on a server', () => {
  let logged: Logins
  beforeAll(() => {
    logged = logins(test)
  })
  afterAll(() => logged[Symbol.asyncDispose]())

  it('a login of its own is subject to row security itself', async () => {
    const database = await logged.connect({ role: 'in role tenantry_tenant' })
    expect(await describeLogin(database)).toMatchObject({
      mode: 'own',
      bypassesRowSecurity: false,
      ownsTables: false,
      service: false,
    })
    expect((await loginOf(database)).driver).toBe(database.driver)
    await expectBound(database)
    const unscoped = await database.driver.query({ text: 'select count(*) from notes', params: [] })
    expect(unscoped.rows).toEqual([['0']])
  })

  it.each([
    ['with BYPASSRLS', { role: 'bypassrls in role tenantry_tenant' }],
    ['that is a superuser', { role: 'superuser' }],
    ['that is a service', { role: 'in role tenantry_tenant, tenantry_service' }],
    [
      'that owns tables',
      {
        role: 'in role tenantry_tenant',
        also: 'create schema %; create table %.t (); alter table %.t owner to %',
      },
    ],
    ['without inheritance', { role: 'noinherit in role tenantry_tenant' }],
  ])('a login %s gets sessions that start as the tenant role', async (_what, options) => {
    const database = await logged.connect(options)
    const login = await loginOf(database)
    expect(login.mode).toBe('startup')
    expect(login.driver).not.toBe(database.driver)
    await expectBound(database)
    const unscoped = await login.driver.query({
      text: 'select current_user::text, count(*) from notes',
      params: [],
    })
    expect(unscoped.rows).toEqual([['tenantry_tenant', '0']])
  })

  it.each([
    [
      'its own',
      { role: 'in role tenantry_tenant', also: 'grant tenantry_service to % with inherit false, set true' },
    ],
    ['a superuser', { role: 'superuser' }],
  ])(
    'a single statement of the service role runs in a session that starts as it: %s',
    async (_what, options) => {
      const service = serviceExecutor(await logged.connect(options))
      const text = "select current_user::text, current_setting('role'), 0, pg_backend_pid()"
      const asked = { text, params: [], gated: false }
      const { rows } = await service.run(asked)
      expect(rows[0]?.slice(0, 2)).toEqual(['tenantry_service', 'tenantry_service'])
      // A text of the host's own might change its session: it runs in a transaction of the login's, which is looked at.
      const { rows: own } = await service.run({ ...asked, once: true })
      expect(own[0]?.[0]).toBe('tenantry_service')
      expect(own[0]?.[3]).not.toBe(rows[0]?.[3])
    },
  )

  it('a client of the host with a privileged login takes the tenant role in each transaction', async () => {
    const client = postgres(test.url, { max: 1, onnotice: () => {} })
    const pool = new pg.Pool({ connectionString: test.url, max: 1 })
    try {
      for (const host of [client, pool] as const) {
        const database = await connect({ client: host })
        expect((await loginOf(database)).mode).toBe('transaction')
        await expectBound(database)
        const after = await database.driver.query({
          text: "select current_user = session_user, coalesce(current_setting('app.current_user_id', true), '')",
          params: [],
        })
        expect(after.rows).toEqual([[true, '']])
      }
    } finally {
      await client.end()
      await pool.end()
    }
  })

  it.each([
    ['privileged', { role: 'superuser' }, 'set role none'],
    [
      'its own, and the service at times',
      {
        role: 'in role tenantry_tenant',
        also: 'grant tenantry_service to % with inherit false, set true',
      },
      'set role tenantry_service',
    ],
  ])(
    'a session that took another role is not given back to the pool, the login being %s',
    async (_what, options, text) => {
      const database = await logged.connect({ ...options, maxConnections: 1 })
      const alice = tenantExecutor(database, notes.tenancy, { userId: ALICE })
      await expect(run(alice, sql.raw(text))).rejects.toBeInstanceOf(ConnectionError)
      await expect(alice.transaction((inner) => run(inner, sql.raw(text)))).rejects.toBeInstanceOf(
        ConnectionError,
      )
      await expectBound(database)
    },
  )

  it('a client of the host is held to the limit for statements in scopes, and only there', async () => {
    const pool = new pg.Pool({ connectionString: test.url, max: 1 })
    try {
      await expectLimited(await connect({ client: pool, statementTimeoutMs: 50 }))
      const { rows } = await pool.query<{ statement_timeout: string }>('show statement_timeout')
      expect(rows).toEqual([{ statement_timeout: '0' }])
    } finally {
      await pool.end()
    }
  })

  it('a login that may not act as a tenant is told what to grant', async () => {
    const database = await logged.connect({ role: '' })
    await expect(loginOf(database)).rejects.toThrow(/may not act as a tenant.*grant tenantry_tenant to/)
    expect(await describeLogin(database)).toMatchObject({ mode: null, service: false })
    await expect(run(tenantExecutor(database, notes.tenancy, { userId: ALICE }), SEEN)).rejects.toThrow(
      ConfigurationError,
    )
  })

  it('a login that may not act as the service is refused its work', async () => {
    const database = await logged.connect({ role: 'in role tenantry_tenant' })
    await expect(run(serviceExecutor(database), SEEN)).rejects.toThrow(IsolationError)
    const trusted = await logged.connect({
      role: 'in role tenantry_tenant',
      also: 'grant tenantry_service to % with inherit false, set true',
    })
    expect((await loginOf(trusted)).mode).toBe('own')
    expect((await run(serviceExecutor(trusted), sql`select count(*) from notes`)).rows).toEqual([['2']])
    await expectBound(trusted)
  })
})

describeThroughPooler('through PgBouncer', () => {
  it.each([
    ['own', 'in role tenantry_tenant'],
    ['transaction', 'bypassrls in role tenantry_tenant'],
  ])('a login is bound in the mode %s', async (mode, role) => {
    await using logged = logins(test)
    const database = await logged.connect({ role, through: 'pooler', situation: 'pooler' })
    expect((await loginOf(database)).mode).toBe(mode)
    await expectBound(database)
  })

  it('statements in scopes are held to the limit that the pooler does not pass on', async () => {
    await using logged = logins(test)
    const options = {
      role: 'superuser',
      through: 'pooler',
      situation: 'pooler',
      statementTimeoutMs: 50,
    } as const
    await expectLimited(await logged.connect(options))
  })
})

describe('a login', () => {
  it('is asked again once the database was migrated', async () => {
    await expectBound(test.database)
    expect(await loginOf(test.database)).toBe(await loginOf(test.database))
  })
})
