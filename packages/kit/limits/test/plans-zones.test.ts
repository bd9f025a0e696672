/** The turn of a month where the customers live: the first caller after midnight there begins a new count. */
import { id } from '@tenantry/core'
import { contextExpressions } from '@tenantry/rls'
import { pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { definePlans, guard } from '../src/index.ts'
import { createSystem, type TestSystem } from './support/system.ts'

const subscriptions = pgTable('subscriptions', {
  userId: uuid('user_id').primaryKey(),
  plan: text('plan').notNull(),
})
const posts = pgTable('posts', { id: id(), userId: uuid('user_id').notNull() })
const month = (zone: string) => ({ kind: 'metered', per: 'calendar_month', zone }) as const

const plans = definePlans({
  features: {
    auckland: month('Pacific/Auckland'),
    kolkata: month('Asia/Kolkata'),
    new_york: month('America/New_York'),
  },
  plans: { starter: { auckland: 1, kolkata: 1, new_york: 1 } },
  subscription: { table: subscriptions, account: 'userId', plan: 'plan' },
  tenant: { expression: contextExpressions({ kind: 'user-uuid' }).tenant, type: 'uuid' },
  guards: [guard({ table: posts, account: 'userId', counts: [{ feature: 'kolkata' }] })],
})
const tenant = { class: 'tenant', column: 'userId' } as const
const readOnly = { insert: false, update: false, delete: false } as const

let test: TestSystem
beforeAll(async () => {
  test = await createSystem(
    'zones',
    [plans.module],
    { subscriptions, posts },
    { subscriptions: { ...tenant, ...readOnly }, posts: tenant },
  )
})
afterAll(() => test?.close())

const setClock = (at: string) =>
  test.raw(
    `create or replace function tenantry.limit_clock() returns timestamptz language sql stable as $$ select timestamptz '${at}' $$`,
  )

async function subscribed() {
  const [[userId] = []] = await test.raw(
    `insert into subscriptions values (gen_random_uuid(), 'starter') returning user_id`,
  )
  return String(userId)
}

// Auckland is 13 hours ahead in summer and 12 in winter, New York 4 behind and then 5; Kolkata always 5:30 ahead.
it.each([
  ['auckland', '2027-03-31T11:00:00Z', '2027-04-30T12:00:00Z'],
  ['auckland', '2026-12-31T11:00:00Z', '2027-01-31T11:00:00Z'],
  ['kolkata', '2027-02-28T18:30:00Z', '2027-03-31T18:30:00Z'],
  ['new_york', '2026-11-01T04:00:00Z', '2026-12-01T05:00:00Z'],
  ['new_york', '2027-02-01T05:00:00Z', '2027-03-01T05:00:00Z'],
] as const)('in %s a month begins at %s and ends at %s', async (feature, begins, ends) => {
  const userId = await subscribed()
  const limits = plans.bind(test.as(userId))
  for (const boundary of [begins, ends]) {
    await setClock(new Date(Date.parse(boundary) - 1).toISOString())
    // What is left of the month before; after the first boundary this month's unit is used.
    if (boundary === begins) await limits.consume(feature)
    await expect(limits.consume(feature)).rejects.toMatchObject({ used: 1, resetsAt: new Date(boundary) })
    await setClock(boundary)
    await limits.consume(feature)
  }
})

it('is the same for rows, and for whatever zone a session is in', async () => {
  const userId = await subscribed()
  const insert = (zone: string) =>
    test.rawAs(
      'tenantry_tenant',
      `with zone as materialized (select set_config('TimeZone', '${zone}', true))
       insert into posts (user_id) select '${userId}' from zone`,
      userId,
    )
  await setClock('2027-02-28T18:29:59.999999Z')
  await insert('Pacific/Auckland')
  await expect(insert('Pacific/Honolulu')).rejects.toMatchObject({ used: 1, limit: 1 })
  await setClock('2027-02-28T18:30:00Z')
  await insert('Pacific/Honolulu')
  await expect(insert('Pacific/Auckland')).rejects.toMatchObject({ used: 1, limit: 1 })
})
