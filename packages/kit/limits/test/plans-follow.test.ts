/** What an account may use follows its plan, its standing and the clock. */
import { PlanLimitError, ValidationError } from '@tenantry/core'
import { serviceExecutor } from '@tenantry/rls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createStudio, plans, type Studio } from './support/studio.ts'

let test: Studio
beforeAll(async () => {
  test = await createStudio()
})
afterAll(() => test.close())
afterEach(() => test.setClock(null))

const set = (account: string, assignment: string) =>
  test.raw(`update subscriptions set ${assignment} where user_id = $1`, account)

describe('a change of plan', () => {
  it('is in force at once, with what was used carried over', async () => {
    const account = await test.subscribe('starter')
    const limits = test.limits(account)
    await limits.consume('posts', 10)
    await expect(limits.consume('posts')).rejects.toThrow(PlanLimitError)
    await set(account, `plan = 'growth'`)
    expect(await limits.consume('posts', 20)).toMatchObject({ used: 30, limit: 30, plan: 'growth' })
    await set(account, `plan = 'starter'`)
    await expect(limits.consume('posts')).rejects.toMatchObject({
      used: 30,
      limit: 10,
      smallestPlan: 'agency',
    })
    await test.raw('delete from subscriptions where user_id = $1', account)
    await expect(limits.consume('posts')).rejects.toMatchObject({ plan: 'free', limit: 0 })
  })

  it('follows a subscription that goes from one account to another, and TRUNCATE', async () => {
    await using own = await createStudio()
    const [first, second] = [await own.subscribe('growth'), crypto.randomUUID()]
    await own.limits(first).consume('calls', 1)
    await own.limits(second).consume('calls', 1)
    await own.raw('update subscriptions set user_id = $2 where user_id = $1', first, second)
    await expect(own.limits(first).consume('calls')).rejects.toMatchObject({ plan: 'free' })
    expect(await own.limits(second).consume('calls')).toMatchObject({ plan: 'growth' })
    await own.raw('truncate subscriptions')
    await expect(own.limits(second).consume('calls')).rejects.toMatchObject({ plan: 'free' })
  })
})

describe('standing', () => {
  it('says by status whether anything may be consumed', async () => {
    const account = await test.subscribe('starter')
    const limits = test.limits(account)
    for (const [status, admits] of [
      ['trialing', true],
      ['paused', false],
      ['active', true],
    ] as const) {
      await set(account, `status = '${status}'`)
      const call = limits.consume('posts')
      if (admits) expect(await call).toMatchObject({ plan: 'starter' })
      else
        await expect(call).rejects.toMatchObject({
          reason: 'standing',
          plan: 'starter',
          smallestPlan: null,
          httpStatus: 402,
        })
    }
    // One that the declaration doesn't know may read.
    for (const unknown of ['incomplete', '']) {
      await set(account, `status = '${unknown}'`)
      await expect(limits.consume('posts')).rejects.toMatchObject({ reason: 'standing' })
    }
    expect((await limits.usage())[0]).toMatchObject({ used: 2, available: false })
  })

  it('past due consumes for 14 days, to the moment', async () => {
    const account = await test.subscribe('starter')
    const limits = test.limits(account)
    await test.setClock('2026-03-01T12:00:00Z')
    await limits.consume('calls')
    await set(account, `status = 'past_due', past_due_since = '2026-03-01T12:00:00Z'`)
    await test.setClock('2026-03-15T11:59:59.999Z')
    await limits.consume('calls')
    await test.setClock('2026-03-15T12:00:00Z')
    await expect(limits.consume('calls')).rejects.toMatchObject({ reason: 'standing' })
    await set(account, `status = 'active'`)
    await limits.consume('calls')
  })

  it('has its days of grace whatever the time zone of the session that asks', async () => {
    const account = await test.subscribe('starter', {
      status: 'past_due',
      past_due_since: '2026-03-01T12:00:00Z',
    })
    await test.setClock('2026-03-15T12:00:00Z')
    // One whose clocks go back by two days in the meantime would have two more.
    for (const zone of ['America/New_York', 'AAA-24BBB24,J65,J80']) {
      const call = test.rawAs(
        'tenantry_tenant',
        `select set_config('TimeZone', '${zone}', true), tenantry.limit_consume('${account}', 'calls', '', 1, null)`,
        account,
      )
      await expect(call).rejects.toMatchObject({ reason: 'standing' })
    }
  })

  it('canceled consumes until the paid period ends', async () => {
    const account = await test.subscribe('starter', { current_period_end: '2026-03-20T00:00:00Z' })
    const limits = test.limits(account)
    await test.setClock('2026-03-01T00:00:00Z')
    await set(account, `status = 'canceled'`)
    await limits.consume('posts')
    await test.setClock('2026-03-20T00:00:00Z')
    await expect(limits.consume('posts')).rejects.toMatchObject({ reason: 'standing' })
  })

  it('a plan that is paid until a time is the default plan from then on', async () => {
    const account = await test.subscribe('growth', { paid_until: '2026-03-20T00:00:00Z' })
    const limits = test.limits(account)
    await test.setClock('2026-03-19T23:59:59Z')
    expect(await limits.consume('calls')).toMatchObject({ plan: 'growth' })
    await test.setClock('2026-03-20T00:00:00Z')
    await expect(limits.consume('calls')).rejects.toMatchObject({ plan: 'free', limit: 1, used: 1 })
  })
})

describe('exceptions', () => {
  it('stand in for the plan of one account, until they expire', async () => {
    const account = await test.subscribe('starter')
    const limits = test.limits(account)
    await test.setClock('2026-03-01T00:00:00Z')
    await limits.consume('posts', 10)
    await test.raw(
      `insert into tenantry.limit_overrides (account, feature, cap, expires_at) values ($1, 'posts', 12, '2026-03-10T00:00:00Z')`,
      account,
    )
    expect(await limits.consume('posts')).toMatchObject({ used: 11, limit: 12 })
    await test.raw('update tenantry.limit_overrides set cap = null where account = $1', account)
    expect(await limits.consume('posts', 100)).toMatchObject({ limit: null })
    await test.setClock('2026-03-10T00:00:00Z')
    await expect(limits.consume('posts')).rejects.toMatchObject({ limit: 10, used: 111 })
    await test.raw('delete from tenantry.limit_overrides where account = $1', account)
    await test.setClock('2026-04-01T00:00:00Z')
    expect(await limits.consume('posts')).toMatchObject({ used: 1, limit: 10 })
  })
})

describe('periods', () => {
  it('start anew by the month, the day and the billing month from its anchor, the 31st included', async () => {
    const account = await test.subscribe('starter', { anchor: '2026-01-31T10:00:00Z' })
    const limits = test.limits(account)
    const at = async (time: string, feature: 'posts' | 'requests' | 'calls') => {
      await test.setClock(time)
      const { used, resetsAt } = await limits.consume(feature)
      return [used, resetsAt?.toISOString()]
    }
    expect(await at('2026-02-28T23:59:59Z', 'posts')).toEqual([1, '2026-03-01T00:00:00.000Z'])
    expect(await at('2026-03-01T00:00:00Z', 'posts')).toEqual([1, '2026-04-01T00:00:00.000Z'])
    expect(await at('2026-03-01T00:00:00Z', 'requests')).toEqual([1, '2026-03-02T00:00:00.000Z'])
    expect(await at('2026-02-28T09:59:59Z', 'calls')).toEqual([1, '2026-02-28T10:00:00.000Z'])
    expect(await at('2026-02-28T10:00:00Z', 'calls')).toEqual([1, '2026-03-31T10:00:00.000Z'])
    expect(await at('2026-03-31T09:59:59Z', 'calls')).toEqual([2, '2026-03-31T10:00:00.000Z'])
  })

  it('neither overlap nor start anew early when the anchor is moved in the middle of one', async () => {
    const account = await test.subscribe('starter', { anchor: '2026-01-10T00:00:00Z' })
    const limits = test.limits(account)
    await test.setClock('2026-02-12T00:00:00Z')
    await limits.consume('calls', 50)
    await set(account, `anchor = '2026-01-20T00:00:00Z'`)
    await test.setClock('2026-02-25T00:00:00Z')
    await expect(limits.consume('calls')).rejects.toMatchObject({ used: 50 })
    await test.setClock('2026-03-11T00:00:00Z')
    const { resetsAt } = await limits.consume('calls')
    expect(resetsAt?.toISOString()).toBe('2026-03-20T00:00:00.000Z')
    expect(
      await test.raw(
        `select count(*) from tenantry.limit_counters as one join tenantry.limit_counters as other
        on one.account = other.account and one.feature = other.feature and one.ends < other.ends and one.ends > other.starts
        where one.account = $1`,
        account,
      ),
    ).toEqual([['0']])
  })
})

describe('the declaration', () => {
  it('is the rows of the database after sync, and open counters follow', async () => {
    await using own = await createStudio()
    const account = await own.subscribe('starter')
    const limits = own.limits(account)
    await limits.consume('posts', 3)
    expect(await plans.sync(serviceExecutor(own.database))).toBe(0)
    await own.raw(`update tenantry.limit_caps set cap = 2 where plan = 'starter' and feature = 'posts'`)
    await expect(limits.consume('posts')).rejects.toMatchObject({ limit: 2, used: 3 })
    expect(await plans.sync(serviceExecutor(own.database))).toBe(1)
    expect(await limits.consume('posts')).toMatchObject({ limit: 10, used: 4 })
  })

  it('lets nobody use a feature that is gone, and keeps what features are', async () => {
    await using own = await createStudio()
    const account = await own.subscribe('starter')
    await own.limits(account).consume('calls')
    const [[declared] = []] = await own.raw(
      `select jsonb_build_object('features', (select jsonb_object_agg(feature, jsonb_build_object('kind', kind, 'period', period, 'zone', zone, 'bySubject', by_subject, 'position', position)) from tenantry.limit_features where feature <> 'calls'),
        'plans', (select jsonb_object_agg(plan, jsonb_build_object('rank', rank, 'caps', (select jsonb_object_agg(feature, cap) from tenantry.limit_caps as cap where cap.plan = known.plan and feature <> 'calls'))) from tenantry.limit_plans as known))`,
    )
    await own.raw('select tenantry.limit_declare($1)', JSON.stringify(declared))
    await expect(own.limits(account).consume('calls')).rejects.toThrow(ValidationError)
    await plans.sync(serviceExecutor(own.database))
    expect(await own.limits(account).consume('calls')).toMatchObject({ used: 2 })
    await expect(
      own.raw(
        `select tenantry.limit_declare(jsonb_set($1::jsonb, '{features,calls}', '{"kind": "costed", "period": "billing_month", "zone": "UTC", "bySubject": false, "position": 6}'))`,
        JSON.stringify(declared),
      ),
    ).rejects.toThrow(ValidationError)
  })

  it('keeps a plan that subscriptions name', async () => {
    await using own = await createStudio()
    await own.subscribe('legacy')
    await own.raw(`insert into tenantry.limit_plans (plan, rank) values ('legacy', 9)`)
    await expect(plans.sync(serviceExecutor(own.database))).rejects.toThrow(ValidationError)
    expect(await own.raw('select count(*) from tenantry.limit_plans')).toEqual([['5']])
  })

  it('gives nothing to a plan that it does not know, and a check says so', async () => {
    await using own = await createStudio()
    const account = await own.subscribe('vanished')
    await expect(own.limits(account).consume('posts')).rejects.toMatchObject({
      plan: 'vanished',
      reason: 'standing',
    })
    const findings = await Promise.all(
      (plans.module.checks ?? []).map((check) =>
        own.database.driver.transaction({}, (connection) => check.run(connection)),
      ),
    )
    expect(findings.flat().map(({ code }) => code)).toEqual(['limit-plan-unknown'])
  })
})
