/** Outputs by plan: counted when they are asked for, given back when they are given up, whoever writes them. */
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { repostr } from '../src/index.ts'
import { setClock } from './support/clock.ts'
import { type Place, repostrDatabase, user, type User } from './support/place.ts'

let place: Place
beforeAll(async () => {
  place = await repostrDatabase()
})
afterAll(() => place?.close())
afterEach(() => setClock(place, null))

const ask = ({ scope, project }: User) => scope.outputs.request({ projectId: project.id, kind: 'blog' })

async function askFor(of: User, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) await ask(of)
}

const subscribe = (
  { service }: User,
  plan: 'free' | 'pro' | 'business',
  more: Partial<Parameters<User['service']['subscriptions']['sync']>[0]> = {},
) => service.subscriptions.sync({ plan, status: 'active', ...more })

const used = async ({ scope }: User) => (await scope.limits.usage()).used

/** Raw SQL as the user and as the owner of the tables. */
const insertions = ({ userId, project }: User, rows = 1) => {
  const insert = `insert into outputs (user_id, project_id, kind)
    select $1, $2, 'blog' from generate_series(1, ${rows})`
  return [
    () => place.rowsAs(userId, insert, [userId, project.id]),
    () => place.rows(insert, [userId, project.id]),
  ]
}

describe('a user without a subscription', () => {
  test('has ten outputs a calendar month, and is told what would be more', async () => {
    const ann = await user(place)
    await askFor(ann, 10)
    await expect(ask(ann)).rejects.toMatchObject({
      code: 'TENANTRY_LIMIT',
      feature: 'outputs',
      plan: 'free',
      limit: 10,
      used: 10,
      requested: 1,
      reason: 'limit',
      smallestPlan: 'pro',
      httpStatus: 402,
    })
    expect(await ann.scope.outputs.count()).toBe(10)
    const usage = await ann.scope.limits.usage()
    expect(usage).toMatchObject({ feature: 'outputs', plan: 'free', used: 10, limit: 10, percentage: 100 })
    const { startsAt, resetsAt } = usage
    expect([startsAt?.getUTCDate(), resetsAt?.getUTCDate(), resetsAt?.getUTCHours()]).toEqual([1, 1, 0])
  })

  test('gets no further by raw SQL, and of many rows at once none', async () => {
    const ann = await user(place)
    for (const insert of insertions(ann, 11)) {
      await expect(insert()).rejects.toMatchObject({ code: 'TENANTRY_LIMIT', requested: 11 })
    }
    expect(await used(ann)).toBe(0)
    await askFor(ann, 10)
    for (const insert of insertions(ann)) {
      await expect(insert()).rejects.toMatchObject({ code: 'TENANTRY_LIMIT' })
    }
    for (const statement of [
      `update tenantry.limit_counters set used = 0`,
      `insert into subscriptions (user_id, plan) values ('${ann.userId}', 'business')`,
      `update subscriptions set plan = 'business'`,
      `delete from tenantry.limit_counters`,
    ]) {
      await expect(place.rowsAs(ann.userId, statement), statement).rejects.toMatchObject({
        code: 'TENANTRY_ISOLATION',
      })
    }
    expect(await ann.scope.outputs.count()).toBe(10)
  })

  test('is not told by a refusal what another has, and a refused request counts nothing', async () => {
    const [ann, ben] = [await user(place), await user(place)]
    await askFor(ben, 3)
    await expect(
      ann.scope.outputs.request({ projectId: ben.project.id, kind: 'blog' }),
    ).rejects.toMatchObject({ code: 'TENANTRY_FOREIGN_KEY' })
    expect([await used(ann), await used(ben)]).toEqual([0, 3])
    expect(await place.rowsAs(ann.userId, 'select * from tenantry.limit_counters')).toEqual([])
  })
})

describe('an output', () => {
  const claimed = async ({ service }: User) => {
    const [claim] = await service.outputs.claim()
    if (claim === undefined) throw new Error('nothing to claim')
    return claim
  }

  test('counts once, however often it is tried, edited, released and completed', async () => {
    const ann = await user(place)
    const { id } = await ask(ann)
    await ann.service.outputs.release([await claimed(ann)])
    await ann.service.outputs.fail(await claimed(ann), 'busy')
    expect(await used(ann)).toBe(1)
    await place.rows(`update outputs set available_at = now() where id = $1`, [id])
    await ann.service.outputs.complete(await claimed(ann), { body: 'x' })
    await ann.scope.outputs.edit(id, { body: 'y' })
    expect(await used(ann)).toBe(1)
  })

  test('that is given up gives its unit back, once; so does one whose last lease runs out', async () => {
    const ann = await user(place)
    await askFor(ann, 10)
    await ann.service.outputs.fail(await claimed(ann), 'no words', { final: true })
    expect(await used(ann)).toBe(9)
    await place.rows(
      `update outputs set metadata = '{"seen": true}' where status = 'failed' and user_id = $1`,
      [ann.userId],
    )
    expect(await used(ann)).toBe(9)

    const { id, token } = await claimed(ann)
    await place.rows(
      `with presented as materialized (select set_config('tenantry.lease_tokens', $2, true) as tokens)
       update outputs set available_at = now() - interval '3 hours' from presented where id = $1 and tokens is not null`,
      [id, token],
    )
    await place.rows('alter table outputs disable trigger guard_lease_of_status')
    await place.rows('update outputs set attempts = 3 where id = $1', [id])
    await place.rows('alter table outputs enable trigger guard_lease_of_status')
    expect((await place.repostr.verify()).map(({ code }) => code)).toEqual(['outputs-stuck'])
    expect(await place.repostr.runJob('give up stuck outputs')).toBe('1 stuck outputs are given up')
    expect(await place.repostr.verify()).toEqual([])
    expect(await ann.scope.outputs.get(id)).toMatchObject({ status: 'failed', lastError: expect.any(String) })
    expect(await used(ann)).toBe(8)
  })

  test('that is removed or archived gives nothing back', async () => {
    const ann = await user(place)
    const { id } = await ask(ann)
    await ann.service.outputs.complete(await claimed(ann), { body: 'x' })
    await place.rows(`update outputs set created_at = now() - interval '91 days' where id = $1`, [id])
    await repostr.retention.run(place.database)
    expect(await ann.scope.archivedOutputs.count()).toBe(1)
    const second = await ask(ann)
    await ann.scope.outputs.remove(second.id)
    await ann.scope.projects.remove(ann.project.id)
    expect(await used(ann)).toBe(2)
  })

  test('that is given up in a later month gives back to the one in which it counted', async () => {
    const ann = await user(place)
    await setClock(place, '2026-03-31T23:59:59Z')
    await askFor(ann, 2)
    await setClock(place, '2026-04-01T00:00:00Z')
    await ask(ann)
    for (let n = 0; n < 2; n += 1) {
      await ann.service.outputs.fail(await claimed(ann), 'no words', { final: true })
    }
    expect(await used(ann)).toBe(1)
    await setClock(place, '2026-03-31T23:59:59Z')
    expect(await used(ann)).toBe(0)
  })
})

describe('a subscription', () => {
  test('that is upgraded in mid-month counts at once, with what was used', async () => {
    const ann = await user(place)
    await askFor(ann, 10)
    await subscribe(ann, 'pro')
    await ask(ann)
    expect(await ann.scope.limits.usage()).toMatchObject({ plan: 'pro', used: 11, limit: 100 })
    await subscribe(ann, 'business')
    expect(await ann.scope.limits.usage()).toMatchObject({ plan: 'business', limit: null, percentage: null })
  })

  test('that is downgraded below what is used takes nothing away, and admits nothing more', async () => {
    const ann = await user(place)
    await subscribe(ann, 'pro')
    await askFor(ann, 12)
    await subscribe(ann, 'free')
    await expect(ask(ann)).rejects.toMatchObject({ reason: 'limit', used: 12, limit: 10 })
    expect(await ann.scope.outputs.count()).toBe(12)
    const [output] = (await ann.scope.outputs.list()).items
    await ann.scope.outputs.remove(output?.id ?? '')
  })

  test('past due keeps its plan for 14 days, which no repeated webhook prolongs', async () => {
    const ann = await user(place)
    await subscribe(ann, 'pro', { billingAnchor: '2026-01-15T00:00:00Z' })
    await subscribe(ann, 'pro', { status: 'past_due' })
    const first = await ann.scope.subscriptions.get(ann.userId)
    expect(first.pastDueSince).toBeInstanceOf(Date)
    await subscribe(ann, 'pro', { status: 'past_due' })
    await place.rows(
      `update subscriptions set past_due_since = past_due_since + interval '1 day' where user_id = $1`,
      [ann.userId],
    )
    expect((await ann.scope.subscriptions.get(ann.userId)).pastDueSince).toEqual(first.pastDueSince)
    const graceEnds = new Date((first.pastDueSince?.getTime() ?? 0) + 14 * 86_400_000)
    await setClock(place, new Date(graceEnds.getTime() - 1).toISOString())
    await ask(ann)
    await setClock(place, new Date(graceEnds.getTime() + 1).toISOString())
    await expect(ask(ann)).rejects.toMatchObject({ reason: 'standing', plan: 'pro', smallestPlan: null })
    await subscribe(ann, 'pro')
    expect((await ann.scope.subscriptions.get(ann.userId)).pastDueSince).toBeNull()
    await ask(ann)
  })

  test('that is canceled keeps its plan to the end of what is paid, and then it is the free one', async () => {
    const ann = await user(place)
    await setClock(place, '2026-03-10T00:00:00Z')
    await subscribe(ann, 'pro', { billingAnchor: '2026-01-20T00:00:00Z' })
    await askFor(ann, 11)
    await subscribe(ann, 'pro', { status: 'canceled', endsAt: '2026-03-20T00:00:00Z' })
    await setClock(place, '2026-03-19T23:59:59Z')
    await ask(ann)
    await setClock(place, '2026-03-20T00:00:00Z')
    expect(await ann.scope.limits.usage()).toMatchObject({ plan: 'free', limit: 10, used: 0 })
    await askFor(ann, 10)
    await expect(ask(ann)).rejects.toMatchObject({ plan: 'free', limit: 10 })
    await expect(
      place.rows(`update subscriptions set ends_at = null where user_id = $1`, [ann.userId]),
    ).rejects.toMatchObject({ code: 'TENANTRY_CHECK', constraint: 'subscriptions_ends_at_check' })
  })

  test('that is paused lets nothing be asked for', async () => {
    const ann = await user(place)
    await subscribe(ann, 'business', { status: 'paused' })
    await expect(ask(ann)).rejects.toMatchObject({ reason: 'standing' })
    expect(await ann.scope.limits.usage()).toMatchObject({ available: false })
  })

  test('has months of its own from its anchor, the 31st included, which a webhook leaves as they are', async () => {
    const ann = await user(place)
    await subscribe(ann, 'pro', { billingAnchor: '2026-01-31T10:00:00Z' })
    await subscribe(ann, 'pro')
    const resetAt = async (time: string) => {
      await setClock(place, time)
      await ask(ann)
      const { used: count, resetsAt } = await ann.scope.limits.usage()
      return [count, resetsAt?.toISOString()]
    }
    expect(await resetAt('2026-02-28T09:59:59Z')).toEqual([1, '2026-02-28T10:00:00.000Z'])
    expect(await resetAt('2026-02-28T10:00:00Z')).toEqual([1, '2026-03-31T10:00:00.000Z'])
    expect(await resetAt('2026-03-31T09:59:59Z')).toEqual([2, '2026-03-31T10:00:00.000Z'])
    expect(await resetAt('2026-03-31T10:00:00Z')).toEqual([1, '2026-04-30T10:00:00.000Z'])
  })

  test('is found by its Stripe customer, and is the service role’s to write and its user’s to read', async () => {
    const [ann, ben] = [await user(place), await user(place)]
    await subscribe(ann, 'pro', { stripeCustomerId: `cus_${ann.userId}`, stripeSubscriptionId: 'sub_1' })
    await subscribe(ann, 'business')
    const found = await ben.service.subscriptions.findByStripeCustomer(`cus_${ann.userId}`)
    expect(found).toMatchObject({ userId: ann.userId, plan: 'business', stripeSubscriptionId: 'sub_1' })
    expect(await ann.service.subscriptions.findByStripeCustomer('cus_nobody')).toBeNull()
    expect(await ben.scope.subscriptions.find()).toBeNull()
    for (const call of [
      () => ann.scope.subscriptions.sync({ plan: 'business', status: 'active' }),
      () => ann.scope.subscriptions.findByStripeCustomer('x'),
      () => ann.scope.limits.nearLimits(),
      () => ann.scope.limits.usageByPlan(),
      () => ann.scope.limits.dropOverride('outputs'),
      () => ann.scope.limits.forget(),
      () => ann.scope.subscriptions.create({ plan: 'business' }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
    for (const input of [
      { plan: 'gold', status: 'active' },
      { plan: 'pro', status: 'unpaid' },
      { plan: 'pro', status: 'canceled' },
      { plan: 'pro', status: 'active', endsAt: 'tomorrow' },
    ]) {
      await expect(
        ann.service.subscriptions.sync(input as Parameters<typeof ann.service.subscriptions.sync>[0]),
      ).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION' })
    }
  })
})

test('an operator sees who is near the end of the month’s outputs, and what each plan used', async () => {
  const ann = await user(place)
  await setClock(place, '2027-05-10T00:00:00Z')
  await askFor(ann, 8)
  const service = place.repostr.asService()
  expect((await service.limits.nearLimits()).find(({ account }) => account === ann.userId)).toMatchObject({
    plan: 'free',
    used: 8,
    percentage: 80,
  })
  expect((await service.limits.nearLimits({ percent: 81 })).map(({ account }) => account)).not.toContain(
    ann.userId,
  )
  expect(await service.limits.usageByPlan()).toEqual([
    { plan: 'free', feature: 'outputs', kind: 'metered', accounts: 1, used: 8, overage: 0 },
  ])
  expect(await service.limits.usageByPlan({ month: '2027-04' })).toEqual([])
  await expect(service.limits.nearLimits({ percent: 0 })).rejects.toMatchObject({
    code: 'TENANTRY_VALIDATION',
  })
})

test('an operator gives one user another number of outputs, and takes it back', async () => {
  const [ann, ben] = [await user(place), await user(place)]
  await ann.service.limits.override({ feature: 'outputs', cap: 11, reason: 'an outage' })
  await askFor(ann, 11)
  await expect(ask(ann)).rejects.toMatchObject({ limit: 11, smallestPlan: null })
  await expect(askFor(ben, 11)).rejects.toMatchObject({ limit: 10 })
  await ann.service.limits.dropOverride('outputs')
  await expect(ask(ann)).rejects.toMatchObject({ limit: 10, used: 11, smallestPlan: 'pro' })
  await expect(ann.service.limits.override({ feature: 'outputs', cap: 1.5 })).rejects.toMatchObject({
    code: 'TENANTRY_VALIDATION',
  })
  await expect(ann.scope.limits.override({ feature: 'outputs', cap: null })).rejects.toMatchObject({
    code: 'TENANTRY_ISOLATION',
  })
})

describeOnServer('many who ask at once', () => {
  test('get exactly as many outputs as there are left', async () => {
    const ann = await user(place)
    await askFor(ann, 3)
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => ask(ann)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(7)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'TENANTRY_LIMIT' })
    }
    expect([await ann.scope.outputs.count(), await used(ann)]).toEqual([10, 10])
  })

  test('and workers that give outputs up meanwhile make room for exactly as many', async () => {
    const ann = await user(place)
    await askFor(ann, 10)
    const claims = await ann.service.outputs.claim({ limit: 5 })
    const work = claims.map((claim) => ann.service.outputs.fail(claim, 'x', { final: true }))
    const asked = Array.from({ length: 20 }, () => ask(ann))
    const outcomes = await Promise.allSettled(asked)
    await Promise.all(work)
    const made = outcomes.filter(({ status }) => status === 'fulfilled').length
    expect(made).toBeLessThanOrEqual(5)
    expect(await used(ann)).toBe(5 + made)
    await askFor(ann, 5 - made)
    await expect(ask(ann)).rejects.toMatchObject({ used: 10 })
  })
})
