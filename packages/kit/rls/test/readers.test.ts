/** Readers, such as administrators, read every tenant's rows and write none but their own. */
import type { Answer } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { text as textColumn, pgTable } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  findLeaks,
  type IsolationTarget,
  type SeededTenants,
  seedTenants,
  type TestDatabase,
} from '@tenantry/testing'
import { bindReading, defineTenancy, serviceExecutor, tenantExecutor, verifyIsolation } from '../src/index.ts'
import { undone } from '../src/verify/undone.ts'
import * as desk from './support/desk.ts'
import * as handles from './support/handles.ts'
import { ALICE, asOwner, BOB, createSystem } from './support/setup.ts'

const ADMIN = '00000000-0000-4000-8000-0000000000ad'
const FIRED = '00000000-0000-4000-8000-0000000000fd'

describe('readers of a system with uuids', () => {
  let place: TestDatabase
  beforeAll(async () => {
    place = await createSystem('desk', desk)
    await asOwner(
      place.database,
      desk.seed(ALICE),
      desk.seed(BOB),
      sql`insert into public.admins (user_id, active) values (${ADMIN}, true), (${FIRED}, false)`,
      sql`insert into public.events default values`,
    )
  })
  afterAll(() => place?.close())

  const executor = (userId: string) => tenantExecutor(place.database, desk.tenancy, { userId })
  const ask = async (userId: string, text: string, params: readonly unknown[] = []): Promise<Answer> =>
    executor(userId).run({ text, params, gated: false, once: true })
  const count = async (userId: string, table: string): Promise<number> =>
    Number((await ask(userId, `select count(*) from ${table}`)).rows[0]?.[0])

  test('a reader sees the rows of all tenants, where the table allows readers', async () => {
    expect(await count(ADMIN, 'tickets')).toBe(2)
    expect(await count(ADMIN, 'customers')).toBe(2)
    expect(await count(ADMIN, 'admins')).toBe(2)
    expect(await count(ADMIN, 'events')).toBe(1)
    expect(await count(ADMIN, 'keys')).toBe(0)
    await expect(count(ADMIN, 'jobs')).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  })

  test('who is no reader, or no longer one, sees rows of their own alone', async () => {
    for (const [userId, tickets] of [
      [ALICE, 1],
      [FIRED, 0],
    ] as const) {
      expect(await count(userId, 'tickets')).toBe(tickets)
      expect(await count(userId, 'events')).toBe(0)
    }
    expect(await count(FIRED, 'admins')).toBe(1)
  })

  test('a reader is struck off from the next statement on, in an open transaction too', async () => {
    await place.database.driver.transaction({}, (connection) =>
      undone(connection, async (part) => {
        const seen = async () => {
          await part.query({
            text: `select set_config('app.current_user_id', $1, true), set_config('role', 'tenantry_tenant', true)`,
            params: [ADMIN],
          })
          const { rows } = await part.query({ text: 'select count(*) from tickets', params: [] })
          await part.query({ text: 'reset role', params: [] })
          return Number(rows[0]?.[0])
        }
        expect(await seen()).toBe(2)
        await part.query({ text: 'update admins set active = false where user_id = $1', params: [ADMIN] })
        expect(await seen()).toBe(0)
      }),
    )
  })

  test('without a context, or with a malformed one, nobody is a reader', async () => {
    for (const settings of [
      {},
      { 'app.current_user_id': '' },
      { 'app.current_user_id': `${ADMIN}'` },
      { 'request.jwt.claims': '{"sub":' },
    ]) {
      const seen = await place.database.driver.transaction({}, async (connection) => {
        for (const [name, value] of Object.entries(settings)) {
          await connection.query({ text: 'select set_config($1, $2, true)', params: [name, value] })
        }
        await connection.query({ text: `set local role tenantry_tenant`, params: [] })
        return (
          await connection.query({ text: 'select 1 from tickets union all select 1 from events', params: [] })
        ).rows
      })
      expect(seen).toEqual([])
    }
  })

  test('a reader is one by the claims of PostgREST too', async () => {
    const seen = await place.database.driver.transaction({}, async (connection) => {
      await connection.query({
        text: `select set_config('request.jwt.claims', $1, true), set_config('role', 'tenantry_tenant', true)`,
        params: [JSON.stringify({ sub: ADMIN })],
      })
      return (await connection.query({ text: 'select from tickets', params: [] })).rows.length
    })
    expect(seen).toBe(2)
  })

  test.each([
    ['updates nothing', `update tickets set subject = 'x'`],
    ['deletes nothing', 'delete from tickets'],
    ['locks nothing', 'select 1 from tickets for update'],
  ])('a reader %s of what they see', async (_what, text) => {
    expect((await ask(ADMIN, text)).rows).toEqual([])
    expect(
      await place.database.driver.query({ text: 'select from tickets where subject = $1', params: ['x'] }),
    ).toMatchObject({
      rows: [],
    })
    expect(await count(ADMIN, 'tickets')).toBe(2)
  })

  test('a reader may not merge into what they see', async () => {
    await expect(
      ask(ADMIN, 'merge into tickets using (select 1) as one on true when matched then delete'),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  })

  test('a reader inserts for nobody else, and moves no row of their own to a tenant', async () => {
    await expect(
      ask(ADMIN, `insert into tickets (user_id, subject) values ($1, 'x')`, [ALICE]),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await expect(ask(ADMIN, 'insert into admins (user_id) values ($1)', [ALICE])).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
  })

  test('a statement of a tenant is planned by index, with the context evaluated once', async () => {
    await asOwner(
      place.database,
      sql`insert into public.tickets (user_id, subject) select gen_random_uuid(), 'x' from generate_series(1, 5000)`,
      sql`analyze public.tickets`,
    )
    const { rows } = await ask(ALICE, 'explain (costs off) select * from tickets')
    const plan = rows.map(([line]) => String(line)).join('\n')
    expect(plan).toMatch(/Index Cond: \(\(user_id >= .*InitPlan.*\) AND \(user_id <= .*InitPlan.*\)\)/)
    expect(plan).not.toMatch(/Filter: .*current_user_reads_all/)
    await asOwner(place.database, sql`delete from public.tickets where subject = 'x'`)
  })

  test('a bound reader names the tenant, in transactions too, with their own context', async () => {
    const bound = bindReading(executor(ADMIN), desk.tenancy, ALICE.toUpperCase())
    expect(bound).toMatchObject({ role: 'tenant', tenant: ALICE })
    await bound.transaction(async (within) => {
      expect(within.tenant).toBe(ALICE)
      const query = { text: 'select tenantry.current_user_uuid()', params: [], gated: false }
      expect((await within.run(query)).rows).toEqual([[ADMIN]])
      await within.transaction(async (nested) => expect(nested.tenant).toBe(ALICE))
    })
    expect(() => bindReading(executor(ADMIN), desk.tenancy, "' or true")).toThrow('userId must be a uuid')
    expect(() => bindReading(serviceExecutor(place.database), desk.tenancy, ALICE)).toThrow('Nobody reads')
    expect(() => bindReading(executor(ADMIN), { kind: 'user-uuid', readers: null }, ALICE)).toThrow(
      'Nobody reads',
    )
  })

  test('what is declared for readers is verified', async () => {
    const findings = (mutation: string) =>
      place.database.driver.transaction({}, (connection) =>
        undone(connection, async (part) => {
          await part.script(mutation)
          return (await verifyIsolation(part, desk)).map(({ code }) => code)
        }),
      )
    expect(await findings('select 1')).toEqual([])
    for (const [mutation, code] of [
      ['drop policy tenant_isolation_update on tickets', 'policy-missing'],
      ['alter policy tenant_isolation_delete on tickets using (true)', 'policy-changed'],
      ['alter policy tenant_isolation on tickets using (true)', 'policy-changed'],
      ['alter policy tenant_select on events using (true)', 'policy-changed'],
      ['alter function tenantry.current_user_reads_all() reset search_path', 'function-search-path'],
      [
        `create or replace function tenantry.first_readable(own uuid) returns uuid language sql stable parallel safe
         return '00000000-0000-0000-0000-000000000000'::uuid`,
        'function-changed',
      ],
    ] as const) {
      expect(await findings(mutation), mutation).toContain(code)
    }
  })
})

describe('the walk over a system with readers', () => {
  let place: TestDatabase
  let seeded: SeededTenants
  beforeAll(async () => {
    place = await createSystem('desk', desk)
    const person = async (userId: string, active: boolean) => {
      await asOwner(
        place.database,
        desk.seed(userId),
        sql`insert into public.admins (user_id, active) values (${userId}, ${active})`,
      )
      return { userId }
    }
    const target: IsolationTarget = { database: place.database, definition: desk }
    seeded = await seedTenants(target, {
      seed: (tenant) => person(tenant === 1 ? ALICE : BOB, false),
      reader: () => person(ADMIN, true),
    })
  })
  afterAll(() => place?.close())

  const leaksAfter = (mutation: string, only: readonly string[]) =>
    place.database.driver.transaction({}, (connection) =>
      undone(connection, async (part) => {
        await part.script(mutation)
        return findLeaks(part, seeded, { only })
      }),
    )

  test('finds nothing: readers read what is for them, and write nothing', async () => {
    expect(
      await place.database.driver.transaction({}, (connection) => findLeaks(connection, seeded)),
    ).toEqual([])
  })

  const reads = '(select tenantry.current_user_reads_all())'
  test.each([
    [
      'readers who update',
      `drop policy tenant_isolation_update on tickets; alter policy tenant_update on tickets using (${reads}) with check (${reads})`,
      'public.tickets',
      /a reader: update of subject/,
    ],
    [
      'readers who delete',
      `drop policy tenant_isolation_delete on tickets; alter policy tenant_delete on tickets using (${reads})`,
      'public.tickets',
      /a reader: delete without/,
    ],
    [
      'readers who insert',
      `drop policy tenant_isolation_insert on tickets; alter policy tenant_insert on tickets with check (${reads})`,
      'public.tickets',
      /a reader: insert for/,
    ],
    [
      'a table that is not for readers',
      `drop policy tenant_isolation on keys; alter policy tenant_select on keys using (${reads})`,
      'public.keys',
      /a reader: select shows 2 rows that aren't for readers/,
    ],
    [
      'readers who see nothing',
      `alter policy tenant_isolation on tickets using (user_id = (select tenantry.current_user_uuid()))`,
      'public.tickets',
      /a reader: select shows none/,
    ],
  ])('finds %s', async (_what, mutation, table, leak) => {
    expect(await leaksAfter(mutation, [table])).toContainEqual(expect.stringMatching(leak))
  })
})

describe('readers of a system with text ids', () => {
  let place: TestDatabase
  beforeAll(async () => {
    place = await createSystem('handles', handles)
    await asOwner(
      place.database,
      handles.seed('user_zoe', false),
      handles.seed('Ann', false),
      handles.seed('méd', true),
      handles.seed('~', false),
    )
  })
  afterAll(() => place?.close())

  test('see all tenants whatever their ids; others see themselves', async () => {
    const seen = async (userId: string) => {
      const { rows } = await tenantExecutor(place.database, handles.tenancy, { userId }).run({
        text: 'select (select count(*) from people), (select count(*) from searches), tenantry.last_tenant()',
        params: [],
        gated: false,
      })
      return rows[0]?.map((value) => (value === null ? null : String(value)))
    }
    expect((await seen('méd'))?.slice(0, 2)).toEqual(['4', '4'])
    expect(await seen('Ann')).toEqual(['1', '1', null])
    expect(await seen('nobody')).toEqual(['0', '0', null])
  })

  test('the declaration is verified', async () => {
    expect(
      await place.database.driver.transaction({}, (connection) => verifyIsolation(connection, handles)),
    ).toEqual([])
  })
})

describe('a declaration of readers', () => {
  const people = pgTable('people', { userId: textColumn('user_id').primaryKey() })
  const log = pgTable('log', { id: textColumn('id').primaryKey() })

  test('of a text tenancy must say which column lists the tenants', () => {
    expect(() =>
      defineTenancy({
        kind: 'user-text',
        schema: { people },
        readers: { table: people, user: people.userId },
        tables: { people: { class: 'tenant', column: 'userId' } },
      }),
    ).toThrow('which column lists the tenants')
  })

  test('must be there for a table that is for them', () => {
    expect(() =>
      defineTenancy({
        kind: 'user-text',
        schema: { people, log },
        tables: { people: { class: 'tenant', column: 'userId' }, log: { class: 'internal', readers: true } },
      }),
    ).toThrow('log is for readers, but the tenancy declares none')
  })
})
