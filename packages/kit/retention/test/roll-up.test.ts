import { describeOnServer } from '@tenantry/testing/vitest'
import { bigint, date, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { placeHold, releaseHold, rollUp } from '../src/index.ts'
import { createPlace, type Place } from './support/firm-place.ts'
import { objects, rules, schema, usage, usageMonthly } from './support/metered.ts'

const [ANNA, BERT] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b']

/** Everything that was ever metered, over both tables, by customer and resource. */
const TOTALS = `
select customer_id::text, resource, sum(calls)::int, sum(cost)::int, sum(tokens)::text
from (
  select customer_id, resource, 1 as calls, cost_cents as cost, coalesce(tokens, 0) as tokens from usage
  union all
  select customer_id, resource, calls, cost_cents, tokens from usage_monthly
) as metered
group by 1, 2 order by 1, 2`

let place: Place
beforeEach(async () => {
  place = await createPlace('metered', { schema, objects, module: rules.module })
  await place.raw(`insert into customers (id) values ('${ANNA}'), ('${BERT}')`)
  await place.raw(`select tenantry.ensure_partitions('usage', 3, (now() - interval '28 months')::date)`)
  await place.raw(
    `insert into usage (customer_id, resource, cost_cents, tokens, created_at)
     select case when n % 2 = 0 then '${ANNA}'::uuid else '${BERT}' end, 'r' || n % 3, n,
       case when n % 5 > 0 then n / 8.0 end,
       date_trunc('month', now(), 'UTC') - interval '26 months' + n * interval '1 day'
     from generate_series(0, 99) as n`,
  )
})
afterEach(() => place.close())

const run = () => rules.run(place.database)
const old = () =>
  place.value(
    `select count(*)::int from usage where created_at < date_trunc('month', now() - interval '2 years', 'UTC')`,
  )
const monthly = () =>
  place.raw(
    `select customer_id::text, resource, month::text, calls::int, cost_cents::int, tokens::text from usage_monthly order by 1, 2, 3`,
  )

describe('a roll-up', () => {
  it('moves months that have passed the age whole, and changes no total', async () => {
    const before = await place.raw(TOTALS)
    const expected = await place.raw(
      `select customer_id::text, resource, date_trunc('month', created_at at time zone 'UTC')::date::text,
         count(*)::int, sum(cost_cents)::int, coalesce(sum(tokens), 0)::text
       from usage where created_at < date_trunc('month', now() - interval '2 years', 'UTC') group by 1, 2, 3 order by 1, 2, 3`,
    )
    const [report] = await run()
    expect(report).toMatchObject({ ended: 'done' })
    expect(report?.changed['roll-up']).toBeGreaterThan(50)
    expect(await monthly()).toEqual(expected.map((row) => [...row]))
    expect(await old()).toBe(0)
    expect(await place.raw(TOTALS)).toEqual(before)
  })

  it('repeated, changes nothing', async () => {
    await run()
    const rows = await monthly()
    expect((await run())[0]).toMatchObject({ ended: 'done', changed: {} })
    expect(await monthly()).toEqual(rows)
  })

  it('drops the months that have become empty', async () => {
    const months = () =>
      place.value(`select count(*)::int from pg_inherits where inhparent = 'usage'::regclass`)
    const before = Number(await months())
    const [report] = await run()
    expect(report?.changed['drop-partition']).toBeGreaterThan(1)
    expect(Number(await months())).toBeLessThan(before)
  })

  it('adds rows that come late to a month that is rolled up', async () => {
    await run()
    await place
      .raw(
        `insert into usage (customer_id, resource, cost_cents, created_at)
       select '${ANNA}', 'late', n, date_trunc('month', now(), 'UTC') - interval '25 months' from generate_series(1, 3) as n`,
      )
      .catch(async () => {
        // Its partition is gone: it is made anew.
        await place.raw(`select tenantry.ensure_partitions('usage', 3, (now() - interval '28 months')::date)`)
        await place.raw(
          `insert into usage (customer_id, resource, cost_cents, created_at)
         select '${ANNA}', 'late', n, date_trunc('month', now(), 'UTC') - interval '25 months' from generate_series(1, 3) as n`,
        )
      })
    const before = await place.raw(TOTALS)
    await run()
    expect(await place.raw(TOTALS)).toEqual(before)
    expect((await monthly()).filter(([, resource]) => resource === 'late')).toHaveLength(1)
    await place.raw(`select tenantry.ensure_partitions('usage', 3, (now() - interval '28 months')::date)`)
    await place.raw(
      `insert into usage (customer_id, resource, cost_cents, created_at)
       values ('${ANNA}', 'late', 10, date_trunc('month', now(), 'UTC') - interval '25 months')`,
    )
    await run()
    expect((await monthly()).filter(([, resource]) => resource === 'late')).toEqual([
      [ANNA, 'late', expect.any(String), 4, 16, '0'],
    ])
  })

  it('leaves held rows where they are, and their month with them', async () => {
    const before = await place.raw(TOTALS)
    const { id } = await placeHold(place.service, { tenant: ANNA, reason: 'matter 12', by: 'counsel' })
    await run()
    expect((await monthly()).every(([customer]) => customer === BERT)).toBe(true)
    expect(Number(await old())).toBeGreaterThan(20)
    expect(await place.raw(TOTALS)).toEqual(before)
    await releaseHold(place.service, { id, by: 'counsel', reason: 'settled' })
    await run()
    expect(await old()).toBe(0)
    expect(await place.raw(TOTALS)).toEqual(before)
  })

  it('moves nothing when the sums would not be equal', async () => {
    await place.raw(`create function public.cheat() returns trigger language plpgsql as
      $$ begin new.cost_cents := new.cost_cents - 1; return new; end $$`)
    await place.raw(
      'create trigger cheat before insert or update on usage_monthly for each row execute function cheat()',
    )
    await expect(run()).rejects.toMatchObject({ code: 'TENANTRY_RETENTION_REFUSED' })
    expect(await monthly()).toEqual([])
    expect(await place.value('select count(*)::int from usage')).toBe(100)
  })
})

describeOnServer('while it runs', () => {
  it('no total changes for anybody at any moment', async () => {
    const before = await place.raw(TOTALS)
    let running = true
    const watching = (async () => {
      let looks = 0
      for (; running; looks++) expect(await place.raw(TOTALS)).toEqual(before)
      return looks
    })()
    await run().finally(() => (running = false))
    expect(await watching).toBeGreaterThan(2)
  })
})

describe('what could not add up is refused when it is declared', () => {
  const options = {
    month: 'month',
    groupBy: { customerId: 'customerId', resource: 'resource' },
    sums: { costCents: 'costCents' },
    count: 'calls',
  } as const
  const monthlyLike = (extra: object = {}) =>
    pgTable(
      'other_monthly',
      {
        customerId: uuid('customer_id').notNull(),
        resource: text('resource').notNull(),
        month: date('month', { mode: 'string' }).notNull(),
        calls: bigint('calls', { mode: 'number' }).notNull(),
        costCents: bigint('cost_cents', { mode: 'number' }).notNull(),
        ...extra,
      },
      (table) => [primaryKey({ columns: [table.customerId, table.resource, table.month] })],
    )

  it('takes what fits', () => {
    expect(rollUp(usage, monthlyLike(), options).kind).toBe('roll-up')
  })

  it('a group or month left out of the key, or a key beyond them', () => {
    expect(() => rollUp(usage, usageMonthly, { ...options, groupBy: { customerId: 'customerId' } })).toThrow(
      /no unique key/,
    )
  })

  it('sums that overflow or round, and columns that would have no value', () => {
    expect(() => rollUp(usage, monthlyLike({ costCents: integer('cost_cents').notNull() }), options)).toThrow(
      /bigint or numeric/,
    )
    expect(() => rollUp(usage, monthlyLike({ note: text('note').notNull() }), options)).toThrow(/no value/)
    expect(() => rollUp(usage, monthlyLike(), { month: 'month', groupBy: options.groupBy })).toThrow(
      /nothing is added/,
    )
  })
})
