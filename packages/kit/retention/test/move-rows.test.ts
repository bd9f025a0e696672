/** Rows that go to another table: in one of the two at any moment, and never in both. */
import { createdAt, id, instant } from '@tenantry/core'
import { defineTenancy, tenancyObjects } from '@tenantry/rls'
import { describeOnServer } from '@tenantry/testing/vitest'
import { eq, sql } from 'drizzle-orm'
import { index, integer, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineRetention, moveRows, placeHold, releaseHold, retention } from '../src/index.ts'
import { moduleTableObjects } from './support/documents.ts'
import { createPlace, type Place } from './support/firm-place.ts'

const columns = () => ({
  id: id(),
  userId: uuid('user_id').notNull(),
  status: text('status').notNull().default('open'),
  amount: integer('amount'),
  createdAt: createdAt(),
})
const orders = pgTable('orders', columns(), (table) => [index('orders_created').on(table.createdAt)])
const ordersArchive = pgTable('orders_archive', {
  ...columns(),
  archivedAt: instant('archived_at')
    .notNull()
    .default(sql`now()`),
})
const schema = { orders, ordersArchive }
const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  tables: {
    orders: { class: 'tenant', column: 'userId' },
    ordersArchive: { class: 'tenant', column: 'userId', insert: false, update: false },
  },
})
const rules = retention({
  rules: [
    defineRetention(orders, {
      age: { column: 'createdAt', days: 90 },
      where: eq(orders.status, 'done'),
      action: moveRows(orders, ordersArchive),
      batch: { rows: 4, maxRows: 4 },
      floors: { maxFraction: null },
    }),
  ],
  schema,
  tenants: tenancy.tables,
})
const objects = [...tenancyObjects(tenancy), ...rules.module.objects, ...moduleTableObjects(rules.module)]

const [ANNA, BERT] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b']

let place: Place
beforeEach(async () => {
  place = await createPlace('moved', { schema, objects, module: rules.module })
  await place.raw(
    `insert into orders (user_id, status, amount, created_at)
     select case when n % 2 = 0 then '${ANNA}'::uuid else '${BERT}' end, case when n % 3 = 0 then 'open' else 'done' end,
       n, now() - interval '81 days' - n * interval '1 day'
     from generate_series(0, 29) as n`,
  )
})
afterEach(() => place.close())

const run = () => rules.run(place.database)
const COLUMNS = 'id, user_id, status, amount, created_at'
const everything = () =>
  place.raw(
    `select ${COLUMNS} from orders union all select ${COLUMNS} from orders_archive order by amount, id`,
  )
const moved = async () => Number(await place.value('select count(*)::int from orders_archive'))

describe('moving', () => {
  it('takes what the rule says, whole, and the plan has said so before', async () => {
    const before = await everything()
    const [plan] = await rules.plan(place.database)
    expect(plan).toMatchObject({ action: 'move', phases: [{ effect: 'move', rows: 14 }], blockers: [] })
    expect(await moved()).toBe(0)
    expect(await run()).toMatchObject([{ ended: 'done', changed: { move: 14 }, kept: 0 }])
    expect(await moved()).toBe(14)
    expect(await everything()).toEqual(before)
    expect(
      await place.value(
        `select count(*)::int from orders where status = 'done' and created_at < now() - interval '90 days'`,
      ),
    ).toBe(0)
    expect(await run()).toMatchObject([{ changed: { move: 0 } }])
    expect(await place.value('select sum(changed)::int from tenantry.retention_batches')).toBe(14)
  })

  it('leaves a row that refuses where it is, names it by its key, and moves those behind it', async () => {
    await place.raw(
      `create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$`,
    )
    await place.raw(
      `create trigger refuse before delete on orders for each row when (old.amount = 20) execute function public.refuse()`,
    )
    const key = await place.value('select id::text from orders where amount = 20')
    await expect(run()).rejects.toMatchObject({
      code: 'TENANTRY_RETENTION_ROWS',
      rows: [{ key: { id: key } }],
      report: { ended: 'done', changed: { move: 13 }, kept: 1 },
    })
    expect(await moved()).toBe(13)
  })

  it('leaves what is held where it is, until it is released', async () => {
    const { id: hold } = await placeHold(place.service, { tenant: ANNA, reason: 'matter 1', by: 'counsel' })
    await run()
    expect(await place.raw('select distinct user_id::text from orders_archive')).toEqual([[BERT]])
    await releaseHold(place.service, { id: hold, by: 'counsel', reason: 'settled' })
    await run()
    expect(await moved()).toBe(14)
  })

  it('is one statement, for pg_cron, that leaves what is held as well', async () => {
    const before = await everything()
    const hold = await placeHold(place.service, { tenant: ANNA, reason: 'matter 1', by: 'counsel' })
    const statement = rules.module.jobs?.[0]?.sql ?? ''
    await place.database.driver.session((session) => session.script(statement))
    expect(await place.raw('select distinct user_id::text from orders_archive')).toEqual([[BERT]])
    await releaseHold(place.service, { id: hold.id, by: 'counsel', reason: 'settled' })
    await place.database.driver.session((session) => session.script(statement))
    expect(await moved()).toBe(14)
    expect(await everything()).toEqual(before)
    expect(await run()).toMatchObject([{ changed: { move: 0 } }])
  })

  it('takes nothing when rows would be lost on the way', async () => {
    await place.raw(`create function public.swallow() returns trigger language plpgsql as
      $$ begin return case when new.amount < 20 then new end; end $$`)
    await place.raw(
      'create trigger swallow before insert on orders_archive for each row execute function swallow()',
    )
    const before = await everything()
    await expect(run()).rejects.toMatchObject({ code: 'TENANTRY_RETENTION_REFUSED' })
    await place.raw('update tenantry.retention_leases set expires_at = now()')
    const statement = rules.module.jobs?.[0]?.sql ?? ''
    await expect(place.database.driver.session((session) => session.script(statement))).rejects.toThrow()
    expect(await everything()).toEqual(before)
  })

  it('takes nothing while the table has a column that is not declared, which would be lost', async () => {
    await place.raw(`alter table orders add column remark text default 'precious'`)
    await expect(run()).rejects.toThrow(/remark/)
    await place.raw('update tenantry.retention_leases set expires_at = now()')
    await place.database.driver.session((session) => session.script(rules.module.jobs?.[0]?.sql ?? ''))
    expect(await moved()).toBe(0)
    await place.raw('alter table orders drop column remark')
    expect(await run()).toMatchObject([{ changed: { move: 14 } }])
  })

  it('takes nothing that is there already', async () => {
    await place.raw(`insert into orders_archive (${COLUMNS}) select ${COLUMNS} from orders where amount = 29`)
    const before = await everything()
    await expect(run()).rejects.toMatchObject({
      rows: [{ error: { code: 'TENANTRY_UNIQUE' } }],
      report: { changed: { move: 13 } },
    })
    expect(await everything()).toHaveLength(before.length)
    expect(await place.value('select count(*)::int from orders where amount = 29')).toBe(1)
  })
})

describeOnServer('while rows are moved', () => {
  it('each is in one of the tables, whoever looks and however many move', async () => {
    const before = await everything()
    let running = true
    const watching = (async () => {
      let looks = 0
      for (; running; looks++) expect(await everything()).toEqual(before)
      return looks
    })()
    await Promise.all(Array.from({ length: 3 }, run)).finally(() => (running = false))
    expect(await watching).toBeGreaterThan(0)
    await run()
    expect(await moved()).toBe(14)
  })
})

describe('a table that rows would not fit into is refused when it is declared', () => {
  const like = (extra: object) => pgTable('other', { ...columns(), ...extra })

  it.each([
    ['lacks a column', pgTable('other', { id: id() }), /no column user_id/],
    ['has another type', like({ amount: text('amount') }), /its amount is text/],
    ['takes no null', like({ amount: integer('amount').notNull() }), /may not be null/],
    ['needs more', like({ note: text('note').notNull() }), /note would have no value/],
  ] as const)('%s', (_, into, message) => {
    expect(() => moveRows(orders, into)).toThrow(message)
  })

  it('or belongs to another rule’s table', () => {
    const action = moveRows(
      ordersArchive,
      pgTable('third', { ...columns(), archivedAt: instant('archived_at') }),
    )
    expect(() => defineRetention(orders, { age: { column: 'createdAt', days: 1 }, action })).toThrow(
      /moves rows of public.orders_archive/,
    )
  })
})
