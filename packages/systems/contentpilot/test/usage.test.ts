import { afterAll, beforeAll, expect, test } from 'vitest'
import { customer, type PilotDatabase, pilotDatabase } from './support/pilot.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
  // Two years of months, as a product that has been running has them.
  await place.rows(`select tenantry.ensure_partitions('public.usage_tracking', 3, '2025-01-01')`)
})
afterAll(() => place?.close())

const tracked = (userId: string, resource: string, at: string, cents: number) =>
  place.rows(
    `insert into usage_tracking (user_id, resource_type, created_at, cost_cents) values ($1, $2, $3, $4)`,
    [userId, resource, at, cents],
  )

const summed = (userId: string, resource: string, month: string, count: number, cents: number) =>
  place.rows(`insert into usage_monthly values ($1, $2, $3, $4, $5)`, [userId, resource, month, count, cents])

async function setup() {
  const [ann, ben] = [await customer(place.pilot), await customer(place.pilot)]
  for (const { userId } of [ann, ben]) {
    // The last moment of January in UTC, which is February in many time zones.
    await tracked(userId, 'generation', '2026-01-31T23:59:59.999999Z', 5)
    await tracked(userId, 'generation', '2026-02-01T00:00:00Z', 7)
    await tracked(userId, 'generation', '2026-02-28T10:00:00Z', 8)
    await tracked(userId, 'export', '2026-02-10T10:00:00Z', 0)
    await summed(userId, 'generation', '2024-12-01', 40, 200)
    await summed(userId, 'generation', '2026-02-01', 3, 10)
  }
  return ann
}

const FEBRUARY = [
  { resourceType: 'export', month: '2026-02-01', count: 1, costCents: 0 },
  { resourceType: 'generation', month: '2026-02-01', count: 5, costCents: 25 },
]
const JANUARY = [{ resourceType: 'generation', month: '2026-01-01', count: 1, costCents: 5 }]
const DECEMBER_24 = [{ resourceType: 'generation', month: '2024-12-01', count: 40, costCents: 200 }]

test('totals add tracked calls and monthly sums by resource and UTC month, for one customer', async () => {
  const { scope, service } = await setup()
  const all = [...FEBRUARY, ...JANUARY, ...DECEMBER_24]
  expect(await scope.usage.totals()).toEqual(all)
  expect(await service.usage.totals()).toEqual(all)
  expect(await scope.usage.totals({ from: '2026-01' })).toEqual([...FEBRUARY, ...JANUARY])
  expect(await scope.usage.totals({ to: '2026-01' })).toEqual([...JANUARY, ...DECEMBER_24])
  expect(await scope.usage.totals({ from: '2026-02', to: '2026-02' })).toEqual(FEBRUARY)
  expect(await scope.usage.totals({ from: '2030-01' })).toEqual([])
})

test('totals do not change when a month is rolled up', async () => {
  const { scope, userId } = await setup()
  const before = await scope.usage.totals()
  await place.rows(
    `with gone as (
       delete from usage_tracking where user_id = $1 and created_at < '2026-02-01' returning *
     )
     insert into usage_monthly
     select user_id, resource_type, '2026-01-01', count(*), sum(cost_cents) from gone group by 1, 2`,
    [userId],
  )
  expect(await scope.usage.totals()).toEqual(before)
})

test('totals hold more than 32 bits of cents', async () => {
  const { scope, userId } = await customer(place.pilot)
  for (let call = 0; call < 3; call += 1)
    await tracked(userId, 'generation', '2026-03-01T00:00:00Z', 2_147_483_647)
  await summed(userId, 'generation', '2026-03-01', 1, 9_000_000_000)
  expect(await scope.usage.totals()).toMatchObject([
    { count: 4, costCents: 3 * 2_147_483_647 + 9_000_000_000 },
  ])
})

test('a call is recorded at the database’s time, under a host’s own name too, and found by its id', async () => {
  const { scope, userId } = await customer(place.pilot)
  const call = await scope.usage.record({
    resourceType: 'pdf_export',
    costCents: 2,
    metadata: { latency_ms: 12 },
  })
  expect(call).toMatchObject({
    userId,
    resourceType: 'pdf_export',
    costCents: 2,
    metadata: { latency_ms: 12 },
  })
  expect(await scope.usage.find({ where: { id: call.id } })).toEqual(call)
  expect(await scope.usage.record({ resourceType: 'pdf_export' })).toMatchObject({
    costCents: 0,
    resourceId: null,
  })
})

test('a customer can neither change nor remove what was recorded, nor write monthly sums', async () => {
  const { scope, userId } = await customer(place.pilot)
  const { id } = await scope.usage.record({ resourceType: 'generation', costCents: 2 })
  for (const statement of [
    'update usage_tracking set cost_cents = 0',
    'delete from usage_tracking',
    `insert into usage_monthly values ('${userId}', 'generation', '2026-01-01', 1, -5)`,
    `insert into usage_tracking (user_id, resource_type, created_at) values ('${userId}', 'x', '2026-01-01')`,
  ]) {
    await expect(place.rowsAs(userId, statement), statement).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
  }
  expect(await scope.usage.find({ where: { id } })).toMatchObject({ costCents: 2 })
})
