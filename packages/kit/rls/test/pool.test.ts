/** A pooled connection keeps nothing of whom it last served, however that ended. */
import { compiledQuery, type Database, TimeoutError } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestDatabase } from '@tenantry/testing'
import { describeOnServer, describeThroughPooler } from '@tenantry/testing/vitest'
import { tenantExecutor } from '../src/index.ts'
import { type Logins, logins } from './support/logins.ts'
import * as notes from './support/notes.ts'
import { run } from './support/raw.ts'
import { ALICE, asOwner, BOB, createSystem } from './support/setup.ts'

const dialect = new PgDialect()
const TENANTS = 1000
const tenantAt = (index: number): string => `00000000-0000-4000-a000-${String(index).padStart(12, '0')}`

let test: TestDatabase
let logged: Logins
beforeAll(async () => {
  test = await createSystem('notes', notes)
  logged = logins(test)
  await asOwner(
    test.database,
    notes.seed(ALICE),
    notes.seed(BOB),
    sql`insert into users (id, email, name)
      select ('00000000-0000-4000-a000-' || lpad(n::text, 12, '0'))::uuid, n || '@example.org', 'user'
      from generate_series(0, ${TENANTS}::integer - 1) n`,
    sql`insert into notes (user_id, title) select id, 'note of ' || id from users where email like '%.org'`,
  )
})
afterAll(async () => {
  await logged[Symbol.asyncDispose]()
  await test.close()
})

const gateOf = (database: Database) =>
  tenantExecutor(database, notes.tenancy, { userId: ALICE }).gate ?? sql`true`
const gatedRead = (database: Database) =>
  compiledQuery(dialect.sqlToQuery(sql`select user_id, title from notes where ${gateOf(database)}`), {
    gated: true,
  })

describeOnServer('after a scoped call', () => {
  const LEFT = `select pg_backend_pid(), coalesce(current_setting('app.current_user_id', true), ''),
    coalesce(current_setting('request.jwt.claims', true), ''), current_user = session_user, (select count(*)::integer from notes)`

  async function leftBy(call: (database: Database) => Promise<unknown>): Promise<void> {
    const database = await logged.connect({ role: 'in role tenantry_tenant', maxConnections: 1 })
    const ask = async () => (await database.driver.query({ text: LEFT, params: [] })).rows
    const before = await ask()
    expect(before[0]?.slice(1)).toEqual(['', '', true, 0])
    await call(database)
    // The same session as before, with nothing in it.
    expect(await ask()).toEqual(before)
  }
  const as = (database: Database) => tenantExecutor(database, notes.tenancy, { userId: ALICE })
  const own = (database: Database) => run(as(database), sql`select title from notes`)

  it('that was gated, nothing is left', () => leftBy((database) => as(database).run(gatedRead(database))))

  it('that was gated and failed, nothing is left', () =>
    leftBy((database) =>
      expect(
        as(database).run(
          compiledQuery(
            dialect.sqlToQuery(sql`select 1 / (count(*) - 1) from notes where ${gateOf(database)}`),
            {
              gated: true,
            },
          ),
        ),
      ).rejects.toThrow(),
    ))

  it('that was committed, nothing is left', () => leftBy(own))

  it('that was rolled back, nothing is left', () =>
    leftBy((database) =>
      expect(
        as(database).transaction(async (inner) => {
          await run(inner, sql`select title from notes`)
          throw new Error('changed their mind')
        }),
      ).rejects.toThrow('changed their mind'),
    ))

  it('that failed, nothing is left', () =>
    leftBy((database) =>
      expect(as(database).transaction((inner) => run(inner, sql`select 1 / 0 from notes`))).rejects.toThrow(),
    ))

  it('that ran out of time, nothing is left', () =>
    leftBy((database) =>
      expect(
        as(database).transaction((inner) => run(inner, sql`select pg_sleep(30) from notes`), {
          statementTimeoutMs: 50,
        }),
      ).rejects.toBeInstanceOf(TimeoutError),
    ))

  it('that was cancelled, nothing is left', () =>
    leftBy(async (database) => {
      const running = as(database).transaction((inner) =>
        run(inner, sql`select pg_sleep(30) as cancel_me from notes`),
      )
      const outcome = running.catch((error: unknown) => error)
      const cancel = async () =>
        (
          await test.database.driver.query({
            text: `select pg_cancel_backend(pid) from pg_stat_activity
              where datname = current_database() and state = 'active' and query like '%cancel_me from notes'`,
            params: [],
          })
        ).count
      while ((await cancel()) === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      expect(await outcome).toBeInstanceOf(TimeoutError)
    }))
})

/** Every tenant at once, each in the three ways in which a statement can run. */
async function interleave(database: Database, tenants: number): Promise<void> {
  const read = gatedRead(database)
  const strangers: unknown[] = []
  await Promise.all(
    Array.from({ length: tenants }, async (_, index) => {
      const userId = tenantAt(index)
      const executor = tenantExecutor(database, notes.tenancy, { userId })
      const plain = sql`select user_id, title from notes`
      const answers =
        index % 3 === 0
          ? [await executor.run(read), await run(executor, plain)]
          : index % 3 === 1
            ? [await run(executor, plain), await executor.run(read)]
            : await executor.transaction(async (inner) => [await run(inner, plain), await run(inner, plain)])
      for (const { rows } of answers) {
        if (JSON.stringify(rows) !== JSON.stringify([[userId, `note of ${userId}`]]))
          strangers.push({ userId, rows })
      }
    }),
  )
  expect(strangers).toEqual([])
}

describeOnServer('a thousand interleaved tenants', () => {
  it.each([
    ['own', 'in role tenantry_tenant', 1],
    ['own', 'in role tenantry_tenant', 5],
    ['startup', 'bypassrls in role tenantry_tenant', 1],
    ['startup', 'bypassrls in role tenantry_tenant', 5],
  ])(
    'see their own rows, with a login of the kind %s (%s) and %i connections',
    async (_mode, role, maxConnections) => {
      await interleave(await logged.connect({ role, maxConnections }), TENANTS)
    },
  )
})

describeThroughPooler('a thousand interleaved tenants through PgBouncer', () => {
  it.each([
    ['own', 'in role tenantry_tenant', 1],
    ['own', 'in role tenantry_tenant', 5],
    ['transaction', 'bypassrls in role tenantry_tenant', 5],
  ])(
    'see their own rows, with a login of the kind %s (%s) and %i connections',
    async (_mode, role, maxConnections) => {
      await using own = logins(test)
      await interleave(
        await own.connect({ role, maxConnections, through: 'pooler', situation: 'pooler' }),
        TENANTS,
      )
    },
  )
})

describe('tenants that take turns', () => {
  it('see their own rows on any server', () => interleave(test.database, 50))
})
