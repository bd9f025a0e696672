/** What analytics say about small data that was counted by hand; and who may ask. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quasiIdentifierHash } from '../src/index.ts'
import { admin, customer, type Customer, type Place, placeOf } from './support/place.ts'

let place: Place
let service: Place['service']
/** Days since the sign-up of each, at the hour given; the day is UTC. */
const people: Record<'ann' | 'ben' | 'cay' | 'dot' | 'eve', Customer> = {} as never

beforeAll(async () => {
  place = await placeOf()
  service = place.service
  await place.rows(
    `select tenantry.ensure_partitions('analytics_events', 3, (now() - interval '5 months')::date)`,
  )
  for (const name of ['ann', 'ben', 'cay', 'dot', 'eve'] as const) people[name] = await customer(place)
  const { ann, ben, cay, dot, eve } = people
  // Ann and Ben signed up 80 days ago, Ann in business hours; Cay and Dot 10 days ago; Eve 400 days ago.
  for (const [of, days, hour] of [
    [ann, 80, 12],
    [ben, 80, 20],
    [cay, 10, 8],
    [dot, 10, 12],
    [eve, 400, 12],
  ] as const) {
    await place.rows(
      `update users set created_at = date_trunc('day', now(), 'UTC') - make_interval(days => $2) + make_interval(hours => $3) where id = $1`,
      [of.userId, days, hour],
    )
  }
  const after = (of: Customer, event: string, days: number) =>
    place
      .rows<{ at: string }>(
        `select (created_at + make_interval(days => $2))::text as at from users where id = $1`,
        [of.userId, days],
      )
      .then(([row]) =>
        service.analytics.track(
          { eventName: event, timestamp: new Date(row?.at ?? '') },
          { userId: of.userId },
        ),
      )
  // Ann came back after 30 days and after 59, Ben after 29 and after 60: one of the two was retained.
  for (const [of, days] of [
    [ann, 30],
    [ann, 59],
    [ben, 29],
    [ben, 60],
  ] as const) {
    await after(of, 'template_selected', days)
  }
  // Cay: resume, AI, export, payment. Dot: a resume, twice. Ben: an export without a resume.
  for (const event of ['resume_created', 'ai_enhancement_started', 'export_completed'])
    await after(cay, event, 1)
  await after(dot, 'resume_created', 1)
  await after(dot, 'resume_created', 2)
  await after(ben, 'export_completed', 1)
  const pay = (of: Customer, amount: number, status: 'succeeded' | 'failed' = 'succeeded') =>
    of.service.payments.record({
      stripePaymentIntentId: crypto.randomUUID(),
      product: 'export',
      amount,
      status,
    })
  // Cay came by Ann's code.
  const { code } = await ann.service.referralCodes.issue()
  await cay.scope.referrals.redeem(code)
  await pay(cay, 1000)
  await pay(cay, 500)
  await pay(dot, 900, 'failed')
  await pay(ann, 2000)
  await pay(eve, 7777)
})
afterAll(() => place?.close())

test('user growth: sign-ups by month, and who came back between the 30th and the 60th day', async () => {
  const months = await service.analytics.userGrowth()
  const [expected] = await place.rows<{ early: string; late: string }>(
    `select date_trunc('month', (now() at time zone 'UTC')::date - 80)::date::text as early,
       date_trunc('month', (now() at time zone 'UTC')::date - 10)::date::text as late`,
  )
  expect(months).toEqual([
    { signupMonth: expected?.early, newUsers: 2, retainedUsers: 1, retentionRate: 50 },
    { signupMonth: expected?.late, newUsers: 2, retainedUsers: 0, retentionRate: 0 },
  ])
  expect(await service.analytics.userGrowth({ months: 24 })).toHaveLength(3)
})

test('revenue attribution: by channel, with what each paid, and failed payments counting for nothing', async () => {
  expect(await service.analytics.revenueAttribution()).toEqual([
    {
      // Ann and Dot signed up at noon; Ann paid.
      acquisitionChannel: 'organic_business_hours',
      users: 2,
      payingUsers: 1,
      totalRevenue: 2000,
      avgRevenuePerPayingUser: 2000,
      conversionRate: 50,
      revenuePerUser: 1000,
    },
    {
      // Cay, by Ann's code, in two payments.
      acquisitionChannel: 'referral',
      users: 1,
      payingUsers: 1,
      totalRevenue: 1500,
      avgRevenuePerPayingUser: 1500,
      conversionRate: 100,
      revenuePerUser: 1500,
    },
    {
      // Ben, in the evening.
      acquisitionChannel: 'organic_other',
      users: 1,
      payingUsers: 0,
      totalRevenue: 0,
      avgRevenuePerPayingUser: null,
      conversionRate: 0,
      revenuePerUser: 0,
    },
  ])
  expect(await service.analytics.revenueAttribution({ days: 5 })).toEqual([])
})

test('feature adoption: each user counts once for each step, and a rate of nothing is null', async () => {
  // Cay and Dot signed up within 30 days.
  expect(await service.analytics.featureAdoption()).toEqual({
    totalSignups: 2,
    createdResume: 2,
    usedAi: 1,
    exported: 1,
    paid: 1,
    resumeCreationRate: 100,
    aiAdoptionRate: 50,
    exportRate: 50,
    paymentConversionRate: 100,
  })
  expect(await service.analytics.featureAdoption({ days: 90 })).toMatchObject({
    totalSignups: 4,
    createdResume: 2,
    exported: 2,
    paid: 2,
    resumeCreationRate: 50,
    paymentConversionRate: 100,
  })
  expect(await service.analytics.featureAdoption({ days: 1 })).toEqual({
    totalSignups: 0,
    createdResume: 0,
    usedAi: 0,
    exported: 0,
    paid: 0,
    resumeCreationRate: null,
    aiAdoptionRate: null,
    exportRate: null,
    paymentConversionRate: null,
  })
})

describe('cohorts', () => {
  test('by month: who signed up, who was seen in each month since, and what they paid in it', async () => {
    const fresh = await placeOf()
    try {
      const { service: of } = fresh
      await fresh.rows(
        `select tenantry.ensure_partitions('analytics_events', 3, (now() - interval '4 months')::date)`,
      )
      const [first, second, late] = [await customer(fresh), await customer(fresh), await customer(fresh)]
      const month = (ago: number) =>
        `date_trunc('month', now(), 'UTC') - make_interval(months => ${ago}) + interval '10 hours'`
      const signedUp = (of: Customer, ago: number) =>
        fresh.rows(`update users set created_at = ${month(ago)} where id = $1`, [of.userId])
      await signedUp(first, 2)
      await signedUp(second, 2)
      await signedUp(late, 1)
      const seen = async (who: Customer, ago: number) => {
        const [at] = await fresh.rows<{ at: string }>(`select (${month(ago)})::text as at`)
        await of.analytics.track(
          { eventName: 'resume_created', timestamp: new Date(at?.at ?? '') },
          { userId: who.userId },
        )
      }
      // The first in all three months, twice in one; the second in the first month alone; the late one in none.
      for (const ago of [2, 2, 1, 0]) await seen(first, ago)
      await seen(second, 2)
      await second.service.payments.record({
        stripePaymentIntentId: 'pi',
        product: 'x',
        amount: 501,
        status: 'succeeded',
      })
      await fresh.rows(`update payment_receipts set created_at = ${month(1)}`)

      // Three periods of the first cohort, two of the second.
      expect(await of.analytics.computeCohorts({ period: 'monthly' })).toBe(5)
      expect(await of.analytics.computeCohorts({ period: 'monthly' })).toBe(5)
      const { items } = await of.cohorts.list()
      expect(
        items.map((row) => [
          row.periodNumber,
          row.userCount,
          row.retainedUsers,
          row.retentionRate,
          row.revenueTotal,
          row.revenuePerUser,
        ]),
      ).toEqual([
        [0, 2, 2, 100, 0, 0],
        [1, 2, 1, 50, 501, 250.5],
        [2, 2, 1, 50, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
      ])
      const [starts] = await fresh.rows(
        `select (${month(2)})::date::text as first, (${month(1)})::date::text as second`,
      )
      expect([...new Set(items.map(({ cohortDate }) => cohortDate))]).toEqual([
        starts?.['first'],
        starts?.['second'],
      ])
      // Only those that began in the last two months.
      expect(await of.analytics.computeCohorts({ period: 'monthly', cohorts: 2 })).toBe(2)
    } finally {
      await fresh.close()
    }
  })

  test('by week begin on a Monday, and there are no others', async () => {
    await service.analytics.computeCohorts({ period: 'weekly', cohorts: 3 })
    const { items } = await service.cohorts.list({ where: { cohortPeriod: 'weekly' } })
    expect(items.length).toBeGreaterThan(0)
    expect(items.every(({ cohortDate }) => new Date(`${cohortDate}T00:00:00Z`).getUTCDay() === 1)).toBe(true)
    await expect(service.analytics.computeCohorts({ period: 'daily' as never })).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
      issues: [{ path: 'period' }],
    })
    await expect(place.rows(`select compute_cohort_analysis('daily')`)).rejects.toMatchObject({
      code: 'TENANTRY_CHECK',
    })
  })
})

describe('a funnel', () => {
  const steps = ['seen', 'asked', 'paid'].map((step) => ({ step, name: step.toUpperCase() }))
  const days = { from: '2026-03-01', to: '2026-03-02' }

  test('counts who took each step after all before it, once, within the days', async () => {
    await service.funnels.define({ funnelName: 'small', steps })
    const { ann, ben, cay, dot } = people
    for (const [of, stepName, timestamp] of [
      // Ann takes all three, the first one twice.
      [ann, 'seen', '2026-03-01T00:00:00Z'],
      [ann, 'seen', '2026-03-01T01:00:00Z'],
      [ann, 'asked', '2026-03-01T02:00:00Z'],
      [ann, 'paid', '2026-03-02T23:59:59Z'],
      // Ben pays before he asks: he has not come to the third step.
      [ben, 'seen', '2026-03-01T00:00:00Z'],
      [ben, 'paid', '2026-03-01T01:00:00Z'],
      [ben, 'asked', '2026-03-01T02:00:00Z'],
      // Cay asks without having seen; Dot sees it too early, and pays too late.
      [cay, 'asked', '2026-03-01T02:00:00Z'],
      [dot, 'seen', '2026-02-28T23:59:59Z'],
      [dot, 'paid', '2026-03-03T00:00:00Z'],
    ] as const) {
      await service.funnels.reach(
        { funnelName: 'small', stepName, timestamp: new Date(timestamp) },
        { userId: of.userId },
      )
    }
    await service.funnels.reach({
      funnelName: 'small',
      stepName: 'seen',
      timestamp: new Date('2026-03-01T05:00:00Z'),
    })
    expect(await service.funnels.conversion('small', days)).toEqual([
      { number: 1, step: 'seen', name: 'SEEN', users: 2, conversionRate: null, totalConversionRate: 100 },
      { number: 2, step: 'asked', name: 'ASKED', users: 2, conversionRate: 100, totalConversionRate: 100 },
      { number: 3, step: 'paid', name: 'PAID', users: 1, conversionRate: 50, totalConversionRate: 50 },
    ])
    expect(await service.funnels.conversion('small', { from: '2020-01-01', to: '2020-01-02' })).toMatchObject(
      [
        { users: 0, conversionRate: null, totalConversionRate: null },
        { users: 0, conversionRate: null },
        { users: 0, conversionRate: null },
      ],
    )
  })

  test('must exist, and have the step; days must not run backwards', async () => {
    await expect(service.funnels.conversion('none', days)).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    await expect(service.funnels.reach({ funnelName: 'small', stepName: 'none' })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    await expect(service.funnels.conversion('small', { from: days.to, to: days.from })).rejects.toMatchObject(
      { code: 'TENANTRY_VALIDATION', issues: [{ path: 'to' }] },
    )
    await expect(
      service.funnels.define({
        funnelName: 'x',
        steps: [steps[0] ?? { step: '', name: '' }, steps[0] ?? { step: '', name: '' }],
      }),
    ).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION', issues: [{ path: 'steps' }] })
  })
})

test('daily metrics and events by day are as of the last refresh', async () => {
  const { cay } = people
  const [day] = await place.rows<{ day: string; events: string; all: string }>(
    `select ((now() at time zone 'UTC')::date - 10)::text as day, ((now() at time zone 'UTC')::date - 9)::text as events,
       ((now() at time zone 'UTC')::date - 400)::text as all`,
  )
  const range = { from: day?.all ?? '', to: day?.events ?? '' }
  expect(await service.analytics.dailyMetrics(range).catch((error: { code: string }) => error.code)).toBe(
    'TENANTRY_DATABASE',
  )
  const resume = await cay.scope.resumes.create({})
  await cay.scope.exports.request({ resumeId: resume.id })
  await place.system.runJob('refresh daily_metrics')
  const metrics = await service.analytics.dailyMetrics(range)
  // The latest first: Cay and Dot, then Ann and Ben, then Eve.
  expect(
    metrics.map(({ signups, weeklySignups, activatedUsers }) => [signups, weeklySignups, activatedUsers]),
  ).toEqual([
    [2, 0, 1],
    [2, 0, 0],
    [1, 0, 0],
  ])
  expect(metrics[0]?.date).toBe(day?.day)
  await service.users.signUp({ email: 'today@example.com' })
  await place.system.runJob('daily maintenance')
  const [today] = await place.rows<{ day: string }>(`select (now() at time zone 'UTC')::date::text as day`)
  expect(
    await service.analytics.dailyMetrics({ from: today?.day ?? '', to: today?.day ?? '' }),
  ).toMatchObject([{ weeklySignups: 1, signups: 1 }])
  expect(
    await service.analytics.eventSummary({ from: day?.events ?? '', to: day?.events ?? '' }),
  ).toMatchObject([
    { eventName: 'resume_created', events: 2, sessions: 0, subjects: 2 },
    { eventName: 'ai_enhancement_started', events: 1, subjects: 1 },
    { eventName: 'export_completed', events: 1, subjects: 1 },
  ])
})

describe('an event', () => {
  test('holds no personal data and no user, but one pseudonym for each', async () => {
    const { ann } = people
    const hash = quasiIdentifierHash('0123456789abcdef')
    const properties = {
      template: 'modern',
      Email: 'ann@example.com',
      contacts: [{ 'user-name': 'Ann', note: 'write to ann@example.com!' }],
      device: { ipAddress: '203.0.113.7', 'user.location': 'Berlin' },
    }
    const event = await service.analytics.track(
      { eventName: 'x', properties, sessionId: 's' },
      { userId: ann.userId, hash },
    )
    const again = await service.analytics.track({ eventName: 'x', properties }, { userId: ann.userId })
    expect(event.subjectId).toBe(again.subjectId)
    expect(event.subjectId).not.toBe(ann.userId)
    const [stored] = await place.rows<{ row: string }>(
      'select row_to_json(e)::text as row from analytics_events as e where id = $1',
      [event.id],
    )
    for (const secret of ['ann@example.com', 'Ann', '203.0.113.7', 'Berlin', ann.userId]) {
      expect(stored?.row).not.toContain(secret)
    }
    expect(event.properties).toEqual({
      template: 'modern',
      contacts: [{ note: 'write to [removed]!' }],
      device: {
        ipAddress: hash('ipAddress', '203.0.113.7'),
        'user.location': hash('location', ' BERLIN '),
      },
    })
    expect(again.properties).toEqual({
      template: 'modern',
      contacts: [{ note: 'write to [removed]!' }],
      device: {},
    })
    expect(await service.analytics.track({ eventName: 'x' })).toMatchObject({ subjectId: null })
  })

  test('of an unknown user, of no name, or of a month without a partition is refused', async () => {
    await expect(
      service.analytics.track({ eventName: 'x' }, { userId: crypto.randomUUID() }),
    ).rejects.toMatchObject({ code: 'TENANTRY_FOREIGN_KEY' })
    await expect(service.analytics.track({ eventName: ' ' })).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
    })
    await expect(
      service.analytics.track({ eventName: 'x', timestamp: new Date('2020-01-01') }),
    ).rejects.toMatchObject({ code: 'TENANTRY_CHECK' })
  })
})

describe('who may ask', () => {
  test('admins see what the service role sees', async () => {
    const { scope } = await admin(place)
    expect(await scope.analytics.revenueAttribution()).toMatchObject(
      (await service.analytics.revenueAttribution()).map(({ acquisitionChannel, totalRevenue }) => ({
        acquisitionChannel,
        totalRevenue,
      })),
    )
    expect(await scope.analytics.userGrowth()).toEqual(await service.analytics.userGrowth())
    expect(await scope.analytics.featureAdoption()).toEqual(await service.analytics.featureAdoption())
    expect(
      await scope.funnels.conversion('user_onboarding', { from: '2026-01-01', to: '2026-01-02' }),
    ).toHaveLength(5)
    expect(await scope.cohorts.count()).toBe(await service.cohorts.count())
  })

  test('customers do not, by verb or raw SQL, and what they see of the tables is nothing', async () => {
    const { scope, userId } = people.ann
    const days = { from: '2026-01-01', to: '2026-01-02' }
    const attempts: (() => Promise<unknown>)[] = [
      () => scope.analytics.userGrowth(),
      () => scope.analytics.revenueAttribution(),
      () => scope.analytics.featureAdoption(),
      () => scope.analytics.computeCohorts({ period: 'weekly' }),
      () => scope.analytics.dailyMetrics(days),
      () => scope.analytics.eventSummary(days),
      () => scope.analytics.track({ eventName: 'x' }),
      () => scope.funnels.conversion('small', days),
      () =>
        scope.funnels.define({
          funnelName: 'x',
          steps: [
            { step: 'a', name: 'a' },
            { step: 'b', name: 'b' },
          ],
        }),
      () => scope.funnels.reach({ funnelName: 'small', stepName: 'seen' }),
      () => place.rowsAs(userId, 'select * from daily_metrics'),
      () => place.rowsAs(userId, 'select * from analytics_summary'),
      () => place.rowsAs(userId, 'select refresh_daily_metrics()'),
      () => place.rowsAs(userId, `select compute_cohort_analysis('weekly')`),
      () => place.rowsAs(userId, `insert into analytics_events (event_name, timestamp) values ('x', now())`),
    ]
    for (const attempt of attempts) {
      await expect(attempt(), attempt.toString()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
    for (const name of ['analytics', 'cohorts', 'subjects', 'funnelSteps', 'anomalies'] as const) {
      expect(await scope[name].count(), name).toBe(0)
    }
  })
})
