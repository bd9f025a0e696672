/** What a subscription goes through: upgrades, downgrades, payments that fail, cancellations, and the turn of months. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type Customer,
  customer,
  draftOf,
  type PilotDatabase,
  pilotDatabase,
  variant,
} from './support/pilot.ts'
import { manyDrafts, setClock, setSubscription, subscribed, used } from './support/plans.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
})
afterAll(() => place?.close())
afterEach(() => setClock(place, null))

const days = (count: number) => new Date(Date.now() + count * 86_400_000).toISOString()

/** Whether a post may be used now. */
async function mayPost(of: Customer): Promise<boolean> {
  const [id = ''] = await manyDrafts(place, of, 1)
  return of.scope.drafts.approve(id).then(
    () => true,
    (error: unknown) => {
      expect(error).toMatchObject({ code: 'TENANTRY_LIMIT', feature: 'posts', httpStatus: 402 })
      return false
    },
  )
}

/** Everything may be read, and what frees room may be done. */
async function mayRead({ scope }: Customer): Promise<void> {
  await scope.pillars.list()
  await scope.dashboard.live()
  const usage = await scope.limits.usage()
  expect(usage.every(({ available }) => !available)).toBe(true)
  const [draft] = (await scope.drafts.list({ where: { status: 'draft' } })).items
  if (draft !== undefined) await scope.drafts.reject(draft.id)
}

describe('an upgrade', () => {
  test('in the middle of a month is in force at once, with what was used carried over', async () => {
    const ann = await subscribed(place)
    const ids = await manyDrafts(place, ann, 31)
    for (const id of ids.slice(0, 10)) await ann.scope.drafts.approve(id)
    await expect(ann.scope.drafts.approve(ids[10] ?? '')).rejects.toMatchObject({ smallestPlan: 'growth' })
    await ann.service.subscriptions.sync({
      planType: 'growth',
      status: 'active',
      currentPeriodStart: new Date(),
      currentPeriodEnd: new Date(days(30)),
    })
    for (const id of ids.slice(10, 30)) await ann.scope.drafts.approve(id)
    await expect(ann.scope.drafts.approve(ids[30] ?? '')).rejects.toMatchObject({
      used: 30,
      limit: 30,
      smallestPlan: 'agency',
    })
    expect(await ann.scope.limits.usage()).toContainEqual(
      expect.objectContaining({ feature: 'posts', plan: 'growth', used: 30, limit: 30, percentage: 100 }),
    )
  })
})

describe('a downgrade below what is used', () => {
  test('deletes nothing, refuses more, and lets go of what is too much', async () => {
    const ann = await subscribed(place, { plan_type: 'growth' })
    for (const slug of ['b', 'c', 'd', 'e']) await ann.scope.pillars.create({ name: slug, slug })
    const ids = await manyDrafts(place, ann, 16)
    for (const id of ids.slice(0, 15)) await ann.scope.drafts.approve(id)
    await setSubscription(place, ann.userId, { plan_type: 'starter' })

    expect(await ann.scope.pillars.count()).toBe(5)
    expect(await ann.scope.limits.usage()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ feature: 'posts', used: 15, limit: 10, percentage: 150 }),
        expect.objectContaining({ feature: 'pillars', used: 5, limit: 2, percentage: 250 }),
      ]),
    )
    await expect(ann.scope.drafts.approve(ids[15] ?? '')).rejects.toMatchObject({ used: 15, limit: 10 })
    await ann.scope.drafts.publish(ids[0] ?? '')
    const pillars = (await ann.scope.pillars.list()).items
    const spare = pillars.filter(({ slug }) => slug.length === 1)
    for (const { id } of spare.slice(0, 3)) {
      await ann.scope.pillars.update(id, { tone: 'plain' })
      await expect(ann.scope.pillars.create({ name: 'x', slug: 'x' })).rejects.toThrow('pillars')
      await ann.scope.pillars.remove(id)
    }
    await ann.scope.pillars.remove(spare[3]?.id ?? '')
    await ann.scope.pillars.create({ name: 'x', slug: 'x' })
  })
})

describe('a payment that fails', () => {
  test('leaves the plan in force for 14 days from when it was reported, whatever is reported again', async () => {
    const ann = await subscribed(place)
    const report = (status: 'past_due' | 'active') =>
      ann.service.subscriptions.sync({
        planType: 'starter',
        status,
        currentPeriodStart: new Date(days(-20)),
        currentPeriodEnd: new Date(days(10)),
      })
    const first = await report('past_due')
    expect(first.pastDueSince).toEqual(expect.any(Date))
    expect((await report('past_due')).pastDueSince).toEqual(first.pastDueSince)
    expect(await mayPost(ann)).toBe(true)
    await setClock(place, days(13.9))
    expect(await mayPost(ann)).toBe(true)
    await setClock(place, days(14.1))
    expect(await mayPost(ann)).toBe(false)
    await mayRead(ann)
    // Paid after all.
    expect((await report('active')).pastDueSince).toBeNull()
    expect(await mayPost(ann)).toBe(true)
    expect((await report('past_due')).pastDueSince?.getTime()).toBeGreaterThan(
      first.pastDueSince?.getTime() ?? 0,
    )
  })
})

describe('a cancellation', () => {
  test('at the end of the period takes effect there, with or without a webhook that says so', async () => {
    const ann = await subscribed(place, { current_period_end: days(5), cancel_at_period_end: true })
    expect(await mayPost(ann)).toBe(true)
    await setClock(place, days(4.9))
    expect(await mayPost(ann)).toBe(true)
    await setClock(place, days(5.1))
    expect(await mayPost(ann)).toBe(false)
    await setSubscription(place, ann.userId, { status: 'canceled' })
    expect(await mayPost(ann)).toBe(false)
    await mayRead(ann)
  })

  test('now leaves what was paid for', async () => {
    const ann = await subscribed(place, { status: 'canceled', current_period_end: days(5) })
    expect(await mayPost(ann)).toBe(true)
  })

  test('that was taken back changes nothing', async () => {
    const ann = await subscribed(place, { current_period_end: days(5), cancel_at_period_end: true })
    await setSubscription(place, ann.userId, { cancel_at_period_end: false })
    await setClock(place, days(40))
    expect(await mayPost(ann)).toBe(true)
  })
})

describe('a pause', () => {
  test('lets everything be read and nothing be used: no post, no pillar, no example, no generation', async () => {
    const ann = await subscribed(place)
    const draft = await draftOf(ann)
    await setSubscription(place, ann.userId, { status: 'paused' })
    const { scope } = ann
    for (const call of [
      () => scope.drafts.approve(draft.id),
      () => scope.pillars.create({ name: 'x', slug: 'x' }),
      () => scope.voiceExamples.create({ postText: 'x' }),
      () => scope.drafts.regenerate({ topicId: draft.topicId, ...variant('A', 'new') }),
      () => scope.drafts.generate({ topicId: draft.topicId, variants: [variant('B')] }),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: 'TENANTRY_LIMIT',
        plan: 'starter',
        reason: 'standing',
      })
    }
    await mayRead(ann)
    await setSubscription(place, ann.userId, { status: 'active' })
    await scope.pillars.create({ name: 'x', slug: 'x' })
  })
})

describe('a trial', () => {
  test('counts as subscribed until its end, by the database’s clock', async () => {
    const ann = await customer(place.pilot, 'starter')
    expect(await mayPost(ann)).toBe(true)
    await setClock(place, days(13.9))
    expect(await mayPost(ann)).toBe(true)
    await setClock(place, days(14.1))
    expect(await mayPost(ann)).toBe(false)
    await mayRead(ann)
    await setSubscription(place, ann.userId, { status: 'active' })
    expect(await mayPost(ann)).toBe(true)
  })
})

describe('the turn of a month', () => {
  test('by the calendar is midnight of the first in UTC, wherever sessions are', async () => {
    await place.rows(`set timezone to 'Pacific/Auckland'`)
    const ann = await subscribed(place)
    await setClock(place, '2027-01-31T23:59:59.999Z')
    for (let n = 0; n < 10; n += 1) expect(await mayPost(ann)).toBe(true)
    expect(await mayPost(ann)).toBe(false)
    expect(await ann.scope.limits.usage()).toContainEqual(
      expect.objectContaining({
        feature: 'posts',
        startsAt: new Date('2027-01-01T00:00:00Z'),
        resetsAt: new Date('2027-02-01T00:00:00Z'),
      }),
    )
    await setClock(place, '2027-02-01T00:00:00Z')
    expect(await used(ann, 'posts')).toBe(0)
    expect(await mayPost(ann)).toBe(true)
    await place.rows('reset timezone')
  })

  test('by billing periods follows the original anchor: the 31st comes back after February', async () => {
    const ann = await subscribed(place)
    await ann.service.subscriptions.sync({
      planType: 'starter',
      status: 'active',
      currentPeriodStart: '2027-02-28T10:30:00Z',
      currentPeriodEnd: '2027-03-31T10:30:00Z',
      billingAnchor: '2026-08-31T10:30:00Z',
    })
    const period = async (at: string) => {
      await setClock(place, at)
      const posts = (await ann.scope.limits.usage()).find(({ feature }) => feature === 'posts')
      return [posts?.startsAt, posts?.resetsAt].map((date) => date?.toISOString().slice(0, 16))
    }
    expect(await period('2027-01-31T10:29:59Z')).toEqual(['2026-12-31T10:30', '2027-01-31T10:30'])
    expect(await period('2027-02-27T00:00:00Z')).toEqual(['2027-01-31T10:30', '2027-02-28T10:30'])
    expect(await period('2027-03-01T00:00:00Z')).toEqual(['2027-02-28T10:30', '2027-03-31T10:30'])
    expect(await period('2027-04-30T10:30:00Z')).toEqual(['2027-04-30T10:30', '2027-05-31T10:30'])

    await setClock(place, '2027-02-28T10:29:59Z')
    for (let n = 0; n < 10; n += 1) await mayPost(ann)
    expect(await mayPost(ann)).toBe(false)
    await setClock(place, '2027-02-28T10:30:00Z')
    expect(await mayPost(ann)).toBe(true)
    // A report without the anchor leaves it; null is the calendar again.
    const rest = {
      planType: 'starter',
      status: 'active',
      currentPeriodStart: '2027-02-28T10:30:00Z',
    } as const
    const kept = await ann.service.subscriptions.sync({ ...rest, currentPeriodEnd: '2027-03-31T10:30:00Z' })
    expect(kept.billingAnchor).toEqual(new Date('2026-08-31T10:30:00Z'))
  })

  test('by billing periods begins with the trial where that is asked for', async () => {
    const { user, subscription } = await place.pilot.asService().users.signUp({
      clerkId: crypto.randomUUID(),
      email: `${crypto.randomUUID()}@example.com`,
      postsPer: 'billing_month',
    })
    expect(subscription.billingAnchor).toEqual(subscription.currentPeriodStart)
    const usage = await place.pilot.as({ userId: user.id }).limits.usage()
    expect(usage.find(({ feature }) => feature === 'posts')?.startsAt).toEqual(
      subscription.currentPeriodStart,
    )
  })
})

describe('the operator', () => {
  test('sees who is near a limit, what plans use and cost, and makes an exception for one customer', async () => {
    const ann = await subscribed(place)
    const ids = await manyDrafts(place, ann, 11)
    for (const id of ids.slice(0, 8)) await ann.scope.drafts.approve(id)
    await draftOf(ann)
    await ann.scope.usage.record({ resourceType: 'generation', costCents: 7 })
    const service = place.pilot.asService()
    expect(await service.limits.nearLimits({ percent: 80 })).toContainEqual(
      expect.objectContaining({ account: ann.userId, feature: 'posts', used: 8, limit: 10, percentage: 80 }),
    )
    const ofPlan = await service.limits.usageByPlan()
    expect(
      ofPlan.find(({ plan, feature }) => plan === 'starter' && feature === 'posts')?.used,
    ).toBeGreaterThanOrEqual(8)
    expect(ofPlan.map(({ feature }) => feature)).toContain('generations')

    await place.rows(`insert into usage_monthly values ($1, 'generation', '2020-01-01', 40, 200)`, [
      ann.userId,
    ])
    expect(await service.limits.costByPlan({ to: '2020-12' })).toEqual([
      {
        planType: 'starter',
        resourceType: 'generation',
        month: '2020-01-01',
        customers: 1,
        count: 40,
        costCents: 200,
      },
    ])
    const month = new Date().toISOString().slice(0, 7)
    const costs = await service.limits.costByPlan({ from: month })
    expect(
      costs.find(({ planType, resourceType }) => planType === 'starter' && resourceType === 'generation')
        ?.costCents,
    ).toBeGreaterThanOrEqual(7)

    await ann.service.limits.override({ feature: 'posts', cap: 9, reason: 'disputed payment' })
    await ann.scope.drafts.approve(ids[8] ?? '')
    await expect(ann.scope.drafts.approve(ids[9] ?? '')).rejects.toMatchObject({ limit: 9 })
    await ann.service.limits.override({ feature: 'posts', cap: null, expiresAt: days(1) })
    await ann.scope.drafts.approve(ids[9] ?? '')
    await ann.service.limits.dropOverride('posts')
    await expect(ann.scope.drafts.approve(ids[10] ?? '')).rejects.toMatchObject({ limit: 10, used: 10 })
  })

  test('is the service role alone, and input is checked', async () => {
    const ann = await subscribed(place)
    const { limits } = ann.scope
    for (const call of [
      () => limits.nearLimits(),
      () => limits.usageByPlan(),
      () => limits.costByPlan(),
      () => limits.override({ feature: 'posts', cap: null }),
      () => limits.dropOverride('posts'),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
    const wrong = <T>(value: unknown): T => value as T
    for (const [path, input] of [
      ['feature', { feature: 'seats', cap: 1 }],
      ['cap', { feature: 'posts', cap: -1 }],
      ['cap', { feature: 'posts', cap: 1.5 }],
      ['expiresAt', { feature: 'posts', cap: 1, expiresAt: 'soon' }],
    ] as const) {
      await expect(ann.service.limits.override(wrong(input))).rejects.toMatchObject({ issues: [{ path }] })
    }
    // Unbound, there is nobody whose exception it would be.
    await expect(place.pilot.asService().limits.override({ feature: 'posts', cap: 1 })).rejects.toMatchObject(
      { code: 'TENANTRY_CONFIGURATION' },
    )
  })
})
