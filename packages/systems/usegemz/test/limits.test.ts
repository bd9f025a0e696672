/** Nothing runs after the trial, unless it was converted; and calls of the platforms' APIs, by the settings. */
import { runWorker } from '@tenantry/workflow'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { jobClaims } from '../src/index.ts'
import { API_CALLS_WINDOW_SECONDS, GRACE_DAYS } from '../src/types.ts'
import {
  byKeyword,
  claimed,
  type GemsDatabase,
  gemsDatabase,
  launched,
  newcomer,
  person,
  type Person,
} from './support/gems.ts'

let place: GemsDatabase
beforeAll(async () => {
  place = await gemsDatabase()
})
afterAll(() => place?.close())
beforeEach(async () => {
  await place.rows('truncate scraping_results, scraping_jobs')
})

const standing = { code: 'TENANTRY_LIMIT', reason: 'standing', httpStatus: 402, smallestPlan: null }

/** The trial began so many days ago, whatever has become of it; no verb can do that. */
async function trialBegan({ userId }: Person, daysAgo: number): Promise<void> {
  await place.rows('alter table user_profiles disable trigger keep_trial_dates')
  await place.rows('alter table user_profiles disable trigger set_runs_until')
  await place.rows(
    `update user_profiles set trial_start_date = now() - make_interval(days => $2),
       trial_end_date = now() - make_interval(days => $2) + interval '7 days',
       runs_until = now() - make_interval(days => $2) + interval '7 days'
     where user_id = $1`,
    [userId, daysAgo],
  )
  await place.rows('alter table user_profiles enable trigger set_runs_until')
  await place.rows('alter table user_profiles enable trigger keep_trial_dates')
}

async function onTrial(): Promise<Person> {
  const ann = await newcomer(place)
  await ann.service.profiles.startTrial()
  return ann
}

/** Every way to begin something: by the verbs, and by raw SQL as the person and as the owner of the tables. */
async function beginnings(of: Person): Promise<readonly (() => Promise<unknown>)[]> {
  const campaign = `insert into campaigns (user_id, name, search_type) values ($1, 'x', 'keyword')`
  const job = `insert into scraping_jobs (user_id, keywords) values ($1, '["x"]')`
  return [
    () => of.scope.campaigns.create({ name: 'x', searchType: 'keyword' }),
    () => of.scope.campaigns.launch({ name: 'x', search: byKeyword }),
    () => of.scope.jobs.create({ platform: 'TikTok', keywords: ['x'] }),
    ...[campaign, job].flatMap((statement) => [
      () => place.rowsAs(of.userId, statement, [of.userId]),
      () => place.rows(statement, [of.userId]),
    ]),
  ]
}

async function expectRunning(of: Person): Promise<void> {
  for (const begin of await beginnings(of)) await begin()
}

async function expectRefused(of: Person): Promise<void> {
  const count = async () => [await of.scope.campaigns.count(), await of.scope.jobs.count()]
  const before = await count()
  for (const [index, begin] of (await beginnings(of)).entries()) {
    await expect(begin(), `way ${index}`).rejects.toMatchObject(standing)
  }
  expect(await count()).toEqual(before)
  expect((await of.scope.limits.usage()).map(({ available }) => available)).toEqual([
    false,
    false,
    false,
    false,
  ])
}

describe('campaigns and searches', () => {
  test('are begun by nobody before the trial, and by everybody during it', async () => {
    const ann = await newcomer(place)
    await expectRefused(ann)
    await ann.service.profiles.startTrial()
    await expectRunning(ann)
    expect(await ann.scope.limits.usage()).toMatchObject([
      { feature: 'searches', used: 4, limit: null, plan: 'trial', available: true },
      { feature: 'api_calls', used: 0 },
      { feature: 'campaigns', used: 4 },
      { feature: 'active_campaigns', used: 1 },
    ])
  })

  test('are refused once the trial has ended, whether or not the job has said so, and be it by raw SQL', async () => {
    const ann = await onTrial()
    const { campaign } = await launched(ann)
    const draft = await ann.scope.campaigns.create({ name: 'later', searchType: 'keyword' })
    await trialBegan(ann, 7)
    await expectRefused(ann)
    await place.gems.runJob('end trials')
    expect(await ann.scope.profiles.mine()).toMatchObject({ trialStatus: 'expired' })
    await expectRefused(ann)
    // What was begun earlier can be read, ended and put away, and not taken up.
    await expect(ann.scope.campaigns.activate(draft.id)).rejects.toMatchObject(standing)
    await expect(ann.scope.jobs.start({ campaignId: campaign.id, search: byKeyword })).rejects.toMatchObject(
      standing,
    )
    await ann.scope.campaigns.complete(campaign.id)
    await ann.scope.campaigns.archive(campaign.id)
    await expect(
      place.rows(`update campaigns set status = 'active' where id = $1`, [campaign.id]),
    ).rejects.toMatchObject(standing)
    await ann.scope.campaigns.remove(draft.id)
  })

  test('go on when the trial was converted, or is paid for later', async () => {
    const [ann, ben] = [await onTrial(), await onTrial()]
    await ann.service.profiles.convertTrial()
    for (const of of [ann, ben]) await trialBegan(of, 30)
    await place.rows(`update user_profiles set subscription_status = 'trialing' where user_id = $1`, [
      ann.userId,
    ])
    await place.gems.runJob('end trials')
    await expectRefused(ben)
    await ben.service.profiles.syncSubscription({ subscriptionStatus: 'active' })
    for (const of of [ann, ben]) await expectRunning(of)
    expect((await ann.scope.limits.usage())[0]).toMatchObject({ plan: 'full' })
  })

  test('stop at once when the trial is cancelled', async () => {
    const ann = await onTrial()
    await expectRunning(ann)
    await ann.service.profiles.cancelTrial()
    await expectRefused(ann)
  })

  test('go on for 14 days after a payment is missed, which no repeated webhook prolongs, and end when it is canceled', async () => {
    const ann = await person(place)
    const sync = (subscriptionStatus: 'past_due' | 'active' | 'canceled') =>
      ann.service.profiles.syncSubscription({ subscriptionStatus })
    const { runsUntil } = await sync('past_due')
    const grace = (runsUntil?.getTime() ?? 0) - Date.now()
    expect(Math.abs(grace - GRACE_DAYS * 86_400_000)).toBeLessThan(60_000)
    await expectRunning(ann)
    expect(await sync('past_due')).toMatchObject({ runsUntil })
    await place.rows(
      `update user_profiles set runs_until = runs_until + interval '1 day' where user_id = $1`,
      [ann.userId],
    )
    expect(await ann.scope.profiles.mine()).toMatchObject({ runsUntil })
    expect(await sync('active')).toMatchObject({ runsUntil: null, plan: 'full' })
    await sync('canceled')
    await expectRefused(ann)
  })

  test('of others are nobody’s concern: a trial that ends is one person’s', async () => {
    const [ann, ben] = [await onTrial(), await onTrial()]
    await trialBegan(ann, 8)
    await expectRefused(ann)
    await expectRunning(ben)
    for (const set of [`runs_until = null`, `trial_status = 'active'`, `subscription_status = 'active'`]) {
      await expect(place.rowsAs(ann.userId, `update user_profiles set ${set}`), set).rejects.toMatchObject({
        code: 'TENANTRY_ISOLATION',
      })
    }
    await expect(place.rowsAs(ann.userId, `update user_profiles set plan = 'full'`)).rejects.toThrow()
  })
})

describe('a search that waits, or runs, when the trial ends', () => {
  const service = () => place.gems.serviceExecutor()

  test('is worked on by nobody: whoever comes to it ends it, and goes on with those of others', async () => {
    const [ann, ben] = [await onTrial(), await onTrial()]
    const { job } = await launched(ann)
    await launched(ben)
    await trialBegan(ann, 7)
    const worked: string[] = []
    const stop = new AbortController()
    await runWorker({
      claims: jobClaims,
      system: place.gems,
      signal: stop.signal,
      async handler({ claim }) {
        worked.push(claim.tenant)
        stop.abort()
      },
    })
    expect(worked).toEqual([ben.userId])
    await jobClaims.claim(service(), { limit: 10 })
    expect(await ann.scope.jobs.get(job.id)).toMatchObject({
      status: 'error',
      error: 'nothing runs after the trial, unless it was converted',
      attempts: 0,
      startedAt: null,
      completedAt: expect.any(Date),
    })
  })

  test('has no lease that outlives the trial, renewed or not, and is ended by the job', async () => {
    const ann = await onTrial()
    const { job } = await launched(ann)
    await trialBegan(ann, 7)
    await place.rows('alter table user_profiles disable trigger set_runs_until')
    await place.rows(
      `update user_profiles set runs_until = now() + interval '20 seconds' where user_id = $1`,
      [ann.userId],
    )
    await place.rows('alter table user_profiles enable trigger set_runs_until')
    const ends = (await ann.scope.profiles.mine()).runsUntil
    const claim = await claimed(place, ann)
    expect(claim.row.availableAt).toEqual(ends)
    await jobClaims.renew(service(), claim, { leaseSeconds: 600 })
    expect(await ann.scope.jobs.get(job.id)).toMatchObject({ availableAt: ends })

    await ann.service.profiles.cancelTrial().catch(() => {})
    await place.rows('alter table user_profiles disable trigger set_runs_until')
    await place.rows(`update user_profiles set runs_until = now() where user_id = $1`, [ann.userId])
    await place.rows('alter table user_profiles enable trigger set_runs_until')
    // Its worker finds out by itself; until its lease has run out, nobody takes the search from it.
    await jobClaims.renew(service(), claim, { leaseSeconds: 600 })
    expect(await ann.scope.jobs.get(job.id)).toMatchObject({ availableAt: ends, status: 'processing' })
    expect(await place.gems.runJob('time out scraping jobs')).toMatch(/^0 /)
    await place.rows(
      `with presented as materialized (select set_config('tenantry.lease_tokens', $2, true) as tokens)
       update scraping_jobs set available_at = now() - interval '1 second' from presented
       where id = $1 and tokens is not null`,
      [job.id, claim.token],
    )
    expect(await place.gems.runJob('time out scraping jobs')).toMatch(/^1 /)
    expect(await ann.scope.jobs.get(job.id)).toMatchObject({ status: 'error' })
  })
})

describe('calls of the platforms’ APIs', () => {
  const service = () => place.gems.asService()
  const set = (key: string, value: number) =>
    service().configuration.set({ category: 'api', key, valueType: 'number', value })
  const mode = (value: 'testing' | 'production') =>
    service().configuration.set({ category: 'api', key: 'mode', valueType: 'string', value })
  afterEach(async () => {
    await set('max_api_calls_testing', 1)
    await set('max_api_calls_production', 999)
    await mode('production')
  })

  test('are as many in an hour as the setting says, and counted for the month', async () => {
    const ann = await person(place)
    expect(await ann.scope.limits.apiCalls()).toMatchObject({ quota: 999, remaining: 999 })
    expect(await ann.service.limits.takeApiCalls(998)).toMatchObject({ remaining: 1 })
    await expect(ann.service.limits.takeApiCalls(2)).rejects.toMatchObject({ reason: 'rate', remaining: 1 })
    await ann.service.limits.takeApiCalls()
    const refused = await ann.service.limits.takeApiCalls().catch((error: unknown) => error)
    expect(refused).toMatchObject({ httpStatus: 429, limit: 'api_calls', quota: 999, requested: 1 })
    const { retryAfterMs } = refused as { retryAfterMs: number }
    expect(retryAfterMs).toBeGreaterThan((API_CALLS_WINDOW_SECONDS - 60) * 1000)
    expect(retryAfterMs).toBeLessThanOrEqual(API_CALLS_WINDOW_SECONDS * 1000)
    expect((await ann.scope.limits.usage())[1]).toMatchObject({ feature: 'api_calls', used: 999 })
    const ben = await person(place)
    expect(await ben.scope.limits.apiCalls()).toMatchObject({ remaining: 999 })
  })

  test('follow the settings at once, without a restart: the mode, and the numbers', async () => {
    const ann = await person(place)
    const take = () => ann.service.limits.takeApiCalls()
    await take()
    await mode('testing')
    await expect(take()).rejects.toMatchObject({ quota: 1, remaining: 0 })
    await set('max_api_calls_testing', 3)
    expect(await take()).toMatchObject({ quota: 3, remaining: 1 })
    await place.rows(`update system_configurations set value = '2' where key = 'max_api_calls_testing'`)
    await expect(take()).rejects.toMatchObject({ quota: 2, remaining: 0 })
    await place.rows(`update system_configurations set value = '0' where key = 'max_api_calls_testing'`)
    await expect(take()).rejects.toMatchObject({ quota: 0, retryAfterMs: null })
    await place.rows(`delete from system_configurations where key = 'max_api_calls_testing'`)
    await expect(take()).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION' })
    await mode('production')
    expect(await take()).toMatchObject({ quota: 999, remaining: 996 })
  })

  test('are counted in a window that slides: no two calls are nearer than the limit lets them be', async () => {
    const ann = await person(place)
    await set('max_api_calls_production', 2)
    const take = () => ann.service.limits.takeApiCalls()
    const pass = (seconds: number) =>
      place.rows(
        `update tenantry.api_call_windows set instants = (
           select array_agg(instant - make_interval(secs => $2) order by instant) from unnest(instants) as instant
         ) where tenant = $1`,
        [ann.userId, seconds],
      )
    await take()
    await pass(API_CALLS_WINDOW_SECONDS / 2)
    await take()
    await pass(API_CALLS_WINDOW_SECONDS / 2 - 30)
    await expect(take()).rejects.toMatchObject({ remaining: 0 })
    await pass(31)
    await take()
    await expect(take()).rejects.toMatchObject({ remaining: 0 })
  })

  test('are refused after the trial, counted for nothing', async () => {
    const ann = await onTrial()
    await ann.service.limits.takeApiCalls()
    await trialBegan(ann, 7)
    await expect(ann.service.limits.takeApiCalls()).rejects.toMatchObject(standing)
    expect((await ann.scope.limits.usage())[1]).toMatchObject({ used: 1 })
  })

  test('are the service role’s to take, in whole numbers, by settings that a window can hold', async () => {
    const ann = await person(place)
    const isolated = { code: 'TENANTRY_ISOLATION' }
    await expect(ann.scope.limits.takeApiCalls()).rejects.toMatchObject(isolated)
    await expect(ann.scope.limits.usageByPlan()).rejects.toMatchObject(isolated)
    await expect(service().limits.takeApiCalls()).rejects.toMatchObject({ code: 'TENANTRY_CONFIGURATION' })
    for (const calls of [0, -1, 1.5, Number.NaN, 1001]) {
      await expect(ann.service.limits.takeApiCalls(calls)).rejects.toMatchObject({
        code: 'TENANTRY_VALIDATION',
      })
    }
    await expect(
      place.rowsAs(ann.userId, 'update tenantry.api_call_windows set instants = default'),
    ).rejects.toMatchObject(isolated)
    for (const [key, value, type] of [
      ['max_api_calls_production', '1001', 'number'],
      ['max_api_calls_production', '1.5', 'number'],
      ['max_api_calls_testing', '-1', 'number'],
      ['max_api_calls_testing', '1', 'string'],
      ['mode', 'staging', 'string'],
    ]) {
      await expect(
        place.rows(
          `update system_configurations set value = $2, value_type = $3 where category = 'api' and key = $1`,
          [key, value, type],
        ),
        `${key} ${value}`,
      ).rejects.toMatchObject({ constraint: 'system_configurations_api_calls_check' })
    }
  })
})

describeOnServer('many callers at once', () => {
  test('take exactly as many API calls as there are', async () => {
    const ann = await person(place)
    await place.gems
      .asService()
      .configuration.set({ category: 'api', key: 'max_api_calls_production', valueType: 'number', value: 7 })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => ann.service.limits.takeApiCalls()),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(7)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ reason: 'rate' })
    }
    expect((await ann.scope.limits.usage())[1]).toMatchObject({ used: 7 })
  })

  test('begin nothing beside a trial that is being cancelled', async () => {
    const ann = await onTrial()
    const insert = () =>
      place.rows(`insert into scraping_jobs (user_id, keywords) values ($1, '["x"]')`, [ann.userId])
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 10 }, insert),
      ann.service.profiles.cancelTrial(),
      ...Array.from({ length: 10 }, insert),
    ])
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(standing)
    }
    const made = outcomes.filter(({ status }) => status === 'fulfilled').length - 1
    expect((await ann.scope.limits.usage())[0]).toMatchObject({ used: made, available: false })
    await expect(insert()).rejects.toMatchObject(standing)
  })
})

test('an operator limits what one person may begin, where no plan does', async () => {
  const ann = await person(place)
  await ann.service.limits.override({ feature: 'searches', cap: 1 })
  await launched(ann)
  await expect(launched(ann)).rejects.toMatchObject({ feature: 'searches', limit: 1, smallestPlan: null })
  expect(await ann.service.limits.nearLimits()).toContainEqual(
    expect.objectContaining({ account: ann.userId, feature: 'searches', percentage: 100 }),
  )
  await ann.service.limits.dropOverride('searches')
  await launched(ann)
  await expect(ann.scope.limits.override({ feature: 'searches', cap: null })).rejects.toMatchObject({
    code: 'TENANTRY_ISOLATION',
  })
})

test('an operator sees what people used in a month', async () => {
  await person(place).then(launched)
  const usage = await place.gems.asService().limits.usageByPlan()
  expect(usage.map(({ plan, feature }) => [plan, feature])).toEqual(
    expect.arrayContaining([['full', 'searches']]),
  )
  expect(await place.gems.asService().limits.usageByPlan({ month: '2020-01' })).toEqual([])
  await expect(place.gems.asService().limits.usageByPlan({ month: '2020' })).rejects.toMatchObject({
    code: 'TENANTRY_VALIDATION',
  })
})
