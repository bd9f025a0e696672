/** People: sign-up, onboarding, trial, subscription, and what becomes of them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tiktokKeyword } from './support/creators.ts'
import {
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

const WEEK_MS = 7 * 24 * 3_600_000

/** Has the person's trial begun so long ago; no verb can, nor any statement but with the triggers off. */
async function ageTrial({ userId }: Person, interval: string): Promise<void> {
  await place.database.driver.transaction({}, async (connection) => {
    await connection.script('alter table user_profiles disable trigger keep_trial_dates')
    await connection.query({
      text: `update user_profiles set trial_start_date = trial_start_date - $2::interval,
        trial_end_date = trial_end_date - $2::interval where user_id = $1`,
      params: [userId, interval],
    })
    await connection.script('alter table user_profiles enable trigger keep_trial_dates')
  })
}

describe('signing up', () => {
  test('makes a profile once; a repeated webhook changes nothing', async () => {
    const { profiles } = place.gems.asService()
    const first = await profiles.signUp({
      userId: 'user_2repeated',
      email: 'Ann@Example.com',
      fullName: 'Ann',
    })
    expect(first).toMatchObject({
      created: true,
      profile: {
        email: 'ann@example.com',
        onboardingStep: 'pending',
        trialStatus: 'pending',
        isAdmin: false,
      },
    })
    const again = await profiles.signUp({ userId: 'user_2repeated', fullName: 'Somebody else' })
    expect(again).toEqual({ created: false, profile: first.profile })
  })

  test('takes over an account that has come further', async () => {
    const { profile } = await newcomer(place, { onboardingStep: 'completed', businessName: 'Acme' })
    expect(profile).toMatchObject({ onboardingStep: 'completed', businessName: 'Acme' })
  })

  test('is the service role’s, as is what Clerk, Stripe and the mail provider say', async () => {
    const { scope, userId } = await newcomer(place)
    for (const attempt of [
      () => scope.profiles.signUp({ userId }),
      () => scope.profiles.mirror({ email: 'x@example.com' }),
      () => scope.profiles.startTrial(),
      () => scope.profiles.convertTrial(),
      () => scope.profiles.cancelTrial(),
      () => scope.profiles.syncSubscription({ subscriptionStatus: 'active' }),
      () => scope.profiles.findByStripeCustomer('cus_1'),
      () => scope.profiles.noteEmail('trial_day_2', { status: 'sent' }),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
    for (const column of ['is_admin', 'trial_end_date', 'trial_status', 'stripe_customer_id', 'email']) {
      await expect(
        place.rowsAs(userId, `update user_profiles set ${column} = ${column}`),
        column,
      ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
    await expect(
      place.rowsAs(userId, `insert into user_profiles (user_id, is_admin) values ($1, true)`, ['user_new']),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  })
})

describe('onboarding', () => {
  test('goes forward, step by step, with what each step captures', async () => {
    const { scope } = await newcomer(place)
    expect(await scope.profiles.captureInfo({ fullName: 'Ann', businessName: 'Acme' })).toMatchObject({
      onboardingStep: 'info_captured',
      fullName: 'Ann',
      businessName: 'Acme',
    })
    expect(await scope.profiles.captureIntent({ brandDescription: 'Shoes' })).toMatchObject({
      onboardingStep: 'intent_captured',
      brandDescription: 'Shoes',
    })
    expect(await scope.profiles.completeOnboarding()).toMatchObject({ onboardingStep: 'completed' })
  })

  test('never goes back, and a step that was made is not made again', async () => {
    const { scope } = await newcomer(place)
    await scope.profiles.captureIntent({ brandDescription: 'Shoes' })
    const stale = { code: 'TENANTRY_STALE_TRANSITION', table: 'user_profiles' }
    await expect(scope.profiles.captureInfo({ fullName: 'A', businessName: 'B' })).rejects.toMatchObject(
      stale,
    )
    await expect(scope.profiles.captureIntent({ brandDescription: 'Boots' })).rejects.toMatchObject(stale)
    await scope.profiles.completeOnboarding()
    await expect(scope.profiles.completeOnboarding()).rejects.toMatchObject(stale)
    expect(await scope.profiles.mine()).toMatchObject({ fullName: null, brandDescription: 'Shoes' })
  })

  test('of two racers for one step one wins, the other gets a conflict', async () => {
    const { scope } = await newcomer(place)
    const outcomes = await Promise.allSettled(
      ['One', 'Two'].map((fullName) => scope.profiles.captureInfo({ fullName, businessName: 'Acme' })),
    )
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'TENANTRY_STALE_TRANSITION' },
    })
  })

  test('what a person says of themselves can be changed at any time', async () => {
    const { scope, profile } = await newcomer(place)
    expect(await scope.profiles.describe({ industry: 'Sport', companyName: 'Acme' })).toMatchObject({
      industry: 'Sport',
      companyName: 'Acme',
      onboardingStep: 'pending',
    })
    expect(await scope.profiles.update(profile.id, { industry: null })).toMatchObject({ industry: null })
  })
})

describe('a trial', () => {
  test('lasts seven days from its start, by the database’s clock', async () => {
    const { service, scope } = await newcomer(place)
    expect(await scope.profiles.trial()).toEqual({
      status: 'pending',
      startDate: null,
      endDate: null,
      secondsLeft: 0,
    })
    const started = await service.profiles.startTrial({ stripeCustomerId: 'cus_trial' })
    expect(started).toMatchObject({
      trialStatus: 'active',
      subscriptionStatus: 'trialing',
      stripeCustomerId: 'cus_trial',
    })
    expect(Number(started.trialEndDate) - Number(started.trialStartDate)).toBe(WEEK_MS)
    const trial = await scope.profiles.trial()
    expect(trial).toMatchObject({ status: 'active', endDate: started.trialEndDate })
    expect(trial.secondsLeft).toBeGreaterThan(7 * 86_400 - 60)
    expect(trial.secondsLeft).toBeLessThanOrEqual(7 * 86_400)
  })

  test('begins once, whatever Stripe sends again', async () => {
    const { service } = await newcomer(place)
    const { trialEndDate } = await service.profiles.startTrial()
    await expect(service.profiles.startTrial()).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
    expect(await service.profiles.mine()).toMatchObject({ trialEndDate })
  })

  test('keeps its dates against everybody: nobody extends it, by raw SQL either', async () => {
    const { service, userId } = await newcomer(place)
    const { trialStartDate, trialEndDate } = await service.profiles.startTrial()
    await place.rows(
      `update user_profiles set trial_start_date = now() + interval '1 day', trial_end_date = now() + interval '8 days'
       where user_id = $1`,
      [userId],
    )
    expect(await service.profiles.mine()).toMatchObject({ trialStartDate, trialEndDate })
    await expect(
      place.rows(
        `insert into user_profiles (user_id, trial_status, trial_start_date, trial_end_date)
         values ('user_long', 'active', now(), now() + interval '30 days')`,
      ),
    ).rejects.toMatchObject({ constraint: 'user_profiles_trial_dates_check' })
  })

  test('is over when its end has come, whether or not the job has run', async () => {
    const ann = await newcomer(place)
    await ann.service.profiles.startTrial()
    await ageTrial(ann, '7 days')
    expect(await ann.scope.profiles.mine()).toMatchObject({ trialStatus: 'active' })
    expect(await ann.scope.profiles.trial()).toMatchObject({ status: 'expired', secondsLeft: 0 })
    const stale = { code: 'TENANTRY_STALE_TRANSITION' }
    await expect(ann.service.profiles.convertTrial()).rejects.toMatchObject(stale)
    await expect(ann.service.profiles.cancelTrial()).rejects.toMatchObject(stale)
    for (const status of ['converted', 'cancelled']) {
      await expect(
        place.rows('update user_profiles set trial_status = $2 where user_id = $1', [ann.userId, status]),
      ).rejects.toMatchObject({ constraint: 'user_profiles_trial_end' })
    }
    expect(await place.gems.runJob('end trials')).toMatch(/^[1-9]\d* trials whose end has come are expired$/)
    expect(await ann.scope.profiles.mine()).toMatchObject({ trialStatus: 'expired' })
    expect(await ann.scope.profiles.trial()).toMatchObject({ status: 'expired' })
  })

  test('isn’t over before', async () => {
    const ann = await newcomer(place)
    await ann.service.profiles.startTrial()
    await ageTrial(ann, '6 days 23 hours')
    await place.gems.runJob('end trials')
    expect(await ann.scope.profiles.trial()).toMatchObject({ status: 'active' })
    await expect(
      place.rows(`update user_profiles set trial_status = 'expired' where user_id = $1`, [ann.userId]),
    ).rejects.toMatchObject({ constraint: 'user_profiles_trial_end' })
  })

  test('converts or is cancelled while it runs, and stays what it became', async () => {
    const [ann, ben] = [await newcomer(place), await newcomer(place)]
    for (const { service } of [ann, ben]) await service.profiles.startTrial({ stripeCustomerId: 'cus_x' })
    expect(await ann.service.profiles.convertTrial({ stripeSubscriptionId: 'sub_1' })).toMatchObject({
      trialStatus: 'converted',
      subscriptionStatus: 'active',
      stripeCustomerId: 'cus_x',
      stripeSubscriptionId: 'sub_1',
    })
    expect(await ben.service.profiles.cancelTrial()).toMatchObject({
      trialStatus: 'cancelled',
      subscriptionStatus: 'canceled',
    })
    await ageTrial(ann, '30 days')
    await place.gems.runJob('end trials')
    expect(await ann.scope.profiles.trial()).toMatchObject({ status: 'converted', secondsLeft: 0 })
  })

  test('of a person who has none is an error that says so', async () => {
    const stranger = place.gems.as({ userId: 'user_unknown' })
    await expect(stranger.profiles.trial()).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await expect(stranger.profiles.mine()).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await expect(stranger.profiles.describe({ name: 'x' })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    await expect(stranger.profiles.completeOnboarding()).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  })
})

describe('what others say', () => {
  test('of a subscription is taken over, and finds the person by their customer', async () => {
    const { service, userId } = await newcomer(place)
    await service.profiles.syncSubscription({
      subscriptionStatus: 'past_due',
      stripeCustomerId: `cus_${userId}`,
      stripeSubscriptionId: 'sub_9',
    })
    await service.profiles.syncSubscription({ subscriptionStatus: 'active' })
    const { profiles } = place.gems.asService()
    expect(await profiles.findByStripeCustomer(`cus_${userId}`)).toMatchObject({
      userId,
      subscriptionStatus: 'active',
      stripeSubscriptionId: 'sub_9',
      trialStatus: 'pending',
    })
    expect(await profiles.findByStripeCustomer('cus_nobody')).toBeNull()
  })

  test('of e-mails is noted one by one, and none is lost when they are noted at once', async () => {
    const { service, scope } = await newcomer(place)
    const names = ['welcome', 'trial_day_2', 'trial_day_5', 'trial_expiry']
    await Promise.all(names.map((name) => service.profiles.noteEmail(name, { status: 'scheduled' })))
    await service.profiles.noteEmail('welcome', { status: 'sent', messageId: 'm1' })
    expect((await scope.profiles.mine()).emailScheduleStatus).toEqual({
      welcome: { status: 'sent', messageId: 'm1' },
      trial_day_2: { status: 'scheduled' },
      trial_day_5: { status: 'scheduled' },
      trial_expiry: { status: 'scheduled' },
    })
  })

  test('of a name or an address is mirrored', async () => {
    const { service } = await newcomer(place)
    expect(await service.profiles.mirror({ email: 'New@Example.com', fullName: 'Ann' })).toMatchObject({
      email: 'new@example.com',
      fullName: 'Ann',
    })
  })
})

test('a person who is removed is gone with all that hangs on them', async () => {
  const ann = await person(place)
  await launched(ann)
  await ann.service.jobs.record(await claimed(place, ann), { creators: [tiktokKeyword()] })
  await ann.service.limits.takeApiCalls()
  const kept = ['limit_counters', 'limit_accounts', 'api_call_windows']
  const ofLimits = async (table: string) =>
    place.rows(`select 1 from tenantry.${table} as kept where to_jsonb(kept)::text like '%' || $1 || '"%'`, [
      ann.userId,
    ])
  for (const table of kept) expect(await ofLimits(table), table).not.toEqual([])
  await ann.service.profiles.remove(ann.profile.id)
  for (const table of kept) expect(await ofLimits(table), table).toEqual([])
  for (const table of ['user_profiles', 'campaigns', 'scraping_jobs', 'scraping_results']) {
    expect(await place.rows(`select 1 from ${table} where user_id = $1`, [ann.userId]), table).toEqual([])
  }
})
