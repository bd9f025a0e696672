import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { customer, type PilotDatabase, pilotDatabase, tomorrow } from './support/pilot.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
})
afterAll(() => place?.close())

const someone = (name: string = crypto.randomUUID()) => ({
  clerkId: `clerk_${name}`,
  email: `${name}@example.com`,
})

const countOf = async (clerkId: string) => {
  const [row] = await place.rows(
    `select count(*)::int as users,
       (select count(*)::int from profiles where user_id in (select id from users where clerk_id = $1)) as profiles,
       (select count(*)::int from subscriptions where user_id in (select id from users where clerk_id = $1)) as subscriptions
     from users where clerk_id = $1`,
    [clerkId],
  )
  return row
}
const ONE_OF_EACH = { users: 1, profiles: 1, subscriptions: 1 }
const NOTHING = { users: 0, profiles: 0, subscriptions: 0 }

test('signing up makes user, profile and a trial of whole days by the database’s clock', async () => {
  const input = { ...someone(), planType: 'growth' as const, trialDays: 30, profile: { writingStyle: 'dry' } }
  const { user, profile, subscription, created } = await place.pilot.asService().users.signUp(input)
  expect(created).toBe(true)
  expect(user).toMatchObject({ clerkId: input.clerkId, status: 'active', deletedAt: null })
  expect(profile).toMatchObject({ userId: user.id, writingStyle: 'dry', voiceConfidenceScore: 0 })
  expect(subscription).toMatchObject({ userId: user.id, planType: 'growth', status: 'trialing' })
  expect(
    await place.rows(
      `select current_period_start = created_at as now, trial_end - created_at = interval '720 hours' as month,
         current_period_end = trial_end as same from subscriptions where user_id = $1`,
      [user.id],
    ),
  ).toEqual([{ now: true, month: true, same: true }])
})

test('signing up again with the same Clerk id answers the account there is, unchanged', async () => {
  const { users } = place.pilot.asService()
  const input = someone()
  const first = await users.signUp(input)
  const again = await users.signUp({ ...input, email: `other-${input.email}`, planType: 'agency' })
  expect(again).toEqual({ ...first, created: false })
  expect(await countOf(input.clerkId)).toEqual(ONE_OF_EACH)
})

test('a taken e-mail address, in any case, is refused without a word about whose it is, and nothing is written', async () => {
  const { users } = place.pilot.asService()
  const taken = someone()
  const { user } = await users.signUp(taken)
  const late = { clerkId: `clerk_${crypto.randomUUID()}`, email: taken.email.toUpperCase() }
  const refusal = await users.signUp(late).then(
    () => undefined,
    (error: Error) => error,
  )
  expect(refusal).toMatchObject({ code: 'TENANTRY_UNIQUE', constraint: 'idx_users_email', table: 'users' })
  expect(JSON.stringify(refusal)).not.toContain(user.id)
  expect(`${refusal?.message} ${JSON.stringify(refusal)}`).not.toContain(taken.clerkId)
  expect(await countOf(late.clerkId)).toEqual(NOTHING)
})

test('a sign-up that fails at its last step leaves nothing', async () => {
  const input = someone()
  await place.rows(`alter table subscriptions add constraint no_agency check (plan_type <> 'agency')`)
  await expect(place.pilot.asService().users.signUp({ ...input, planType: 'agency' })).rejects.toMatchObject({
    code: 'TENANTRY_CHECK',
  })
  await place.rows('alter table subscriptions drop constraint no_agency')
  expect(await countOf(input.clerkId)).toEqual(NOTHING)
})

describeOnServer('several at once', () => {
  test('sign up with one Clerk id: one account is made, and all get it', async () => {
    const input = someone()
    const accounts = await Promise.all(
      Array.from({ length: 8 }, () => place.pilot.asService().users.signUp(input)),
    )
    expect(new Set(accounts.map(({ user }) => user.id)).size).toBe(1)
    expect(accounts.filter(({ created }) => created)).toHaveLength(1)
    expect(await countOf(input.clerkId)).toEqual(ONE_OF_EACH)
  })

  test('sign up with one e-mail address: one account is made, the others get a typed refusal', async () => {
    const { email } = someone()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, () => place.pilot.asService().users.signUp({ ...someone(), email })),
    )
    const refused = outcomes.filter(({ status }) => status === 'rejected')
    expect(refused).toHaveLength(7)
    for (const each of refused) expect(each).toMatchObject({ reason: { code: 'TENANTRY_UNIQUE' } })
    expect(await place.rows('select count(*)::int as rows from users where email = $1', [email])).toEqual([
      { rows: 1 },
    ])
  })
})

test('what Clerk changes is mirrored, and only that', async () => {
  const { users } = place.pilot.asService()
  const { user } = await users.signUp({
    ...someone(),
    fullName: 'Ann',
    avatarUrl: 'https://example.com/a.png',
  })
  const mirrored = await users.mirror({ clerkId: user.clerkId, email: 'NEW@example.com', avatarUrl: null })
  expect(mirrored).toMatchObject({ id: user.id, email: 'new@example.com', fullName: 'Ann', avatarUrl: null })
  expect(await users.findByClerkId(user.clerkId)).toEqual(mirrored)
  expect(await users.findByClerkId('clerk_unknown')).toBeNull()
})

test('an e-mail address that another account has is not mirrored', async () => {
  const { users } = place.pilot.asService()
  const [ann, ben] = [await users.signUp(someone()), await users.signUp(someone())]
  await expect(users.mirror({ clerkId: ben.user.clerkId, email: ann.user.email })).rejects.toMatchObject({
    code: 'TENANTRY_UNIQUE',
  })
  expect(await users.findByClerkId(ben.user.clerkId)).toEqual(ben.user)
})

test('a deletion is marked once, and a late update does not bring the account back', async () => {
  const { users } = place.pilot.asService()
  const { user } = await users.signUp(someone())
  const deleted = await users.markDeleted(user.clerkId)
  expect(deleted).toMatchObject({ id: user.id, status: 'deleted' })
  expect(deleted.deletedAt).toBeInstanceOf(Date)
  expect(await users.markDeleted(user.clerkId)).toEqual(deleted)
  await expect(users.mirror({ clerkId: user.clerkId, fullName: 'Ann' })).rejects.toMatchObject({
    code: 'TENANTRY_NOT_FOUND',
  })
  expect(await users.findByClerkId(user.clerkId)).toEqual(deleted)
  await expect(users.markDeleted('clerk_unknown')).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
})

test('erasing a user takes all that hangs on them', async () => {
  const { userId, account, service } = await customer(place.pilot)
  await service.limits.override({ feature: 'posts', cap: 5 })
  const ofLimits = async () => {
    const found = await Promise.all(
      ['accounts', 'counters', 'overrides'].map((table) =>
        place.rows(`select 1 from tenantry.limit_${table} where account = $1`, [userId]),
      ),
    )
    return found.map((rows) => rows.length > 0)
  }
  expect(await ofLimits()).toEqual([true, true, true])
  await service.users.remove(userId)
  expect(await ofLimits()).toEqual([false, false, false])
  expect(await countOf(account.user.clerkId)).toEqual(NOTHING)
  expect(await place.rows('select from pillars where user_id = $1', [userId])).toEqual([])
})

test('billing replaces the trial, keeps what it leaves out, and takes no Stripe id that another account has', async () => {
  const [ann, ben] = [await customer(place.pilot), await customer(place.pilot)]
  const period = { currentPeriodStart: '2026-11-01T00:00:00Z', currentPeriodEnd: '2026-12-01T00:00:00Z' }
  const stripeCustomerId = `cus_${ann.userId}`
  const paid = await ann.service.subscriptions.sync({
    ...period,
    planType: 'growth',
    status: 'active',
    stripeCustomerId,
  })
  expect(paid).toMatchObject({ id: ann.account.subscription.id, planType: 'growth', status: 'active' })
  expect(paid.trialEnd).toEqual(ann.account.subscription.trialEnd)
  const late = await ann.service.subscriptions.sync({ ...period, planType: 'growth', status: 'past_due' })
  expect(late).toMatchObject({ status: 'past_due', stripeCustomerId })
  await expect(
    ben.service.subscriptions.sync({ ...period, planType: 'growth', status: 'active', stripeCustomerId }),
  ).rejects.toMatchObject({ code: 'TENANTRY_UNIQUE' })
  expect(await ben.scope.subscriptions.mine()).toEqual(ben.account.subscription)
})

test('a customer may not do what Clerk and Stripe do, by verb, method or raw SQL', async () => {
  const { userId, account, scope } = await customer(place.pilot)
  const { users, subscriptions } = scope
  const { clerkId } = account.user
  const period = { currentPeriodStart: new Date(), currentPeriodEnd: tomorrow() }
  const attempts: (() => Promise<unknown>)[] = [
    () => users.signUp(someone()),
    () => users.findByClerkId(clerkId),
    () => users.mirror({ clerkId, fullName: 'Ann' }),
    () => users.markDeleted(clerkId),
    () => users.create(someone()),
    () => users.update(userId, { status: 'suspended' }),
    () => users.remove(userId),
    () => subscriptions.startTrial({ planType: 'agency', trialDays: 90 }),
    () => subscriptions.sync({ ...period, planType: 'agency', status: 'active' }),
    () => subscriptions.update(account.subscription.id, { planType: 'agency' }),
    () => subscriptions.remove(account.subscription.id),
    () => scope.dashboard.stats(),
    () => place.rowsAs(userId, `update subscriptions set status = 'active'`),
    () => place.rowsAs(userId, `update users set status = 'deleted'`),
  ]
  for (const attempt of attempts) {
    await expect(attempt(), attempt.toString()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  }
  expect(await users.get(userId)).toEqual(account.user)
  expect(await subscriptions.mine()).toEqual(account.subscription)
  expect(await users.update(userId, { fullName: 'Ann' })).toMatchObject({ fullName: 'Ann' })
})

test('the service role suspends an account, and does not delete it by a change of status', async () => {
  const { userId, service } = await customer(place.pilot)
  expect(await service.users.update(userId, { status: 'suspended' })).toMatchObject({ status: 'suspended' })
  await expect(service.users.update(userId, { status: 'deleted' })).rejects.toMatchObject({
    code: 'TENANTRY_VALIDATION',
    issues: [{ path: 'status' }],
  })
})

test('profiles: one per user, made or changed by upsert, and confidence is not for the customer to write', async () => {
  const { scope, account, userId } = await customer(place.pilot)
  const changed = await scope.profiles.upsert({ writingStyle: 'dry', preferences: { theme: 'dark' } })
  expect(changed).toMatchObject({
    id: account.profile.id,
    writingStyle: 'dry',
    preferences: { theme: 'dark' },
  })
  expect(await scope.profiles.upsert({ targetAudience: 'founders' })).toMatchObject({ writingStyle: 'dry' })
  expect(await scope.profiles.count()).toBe(1)
  await scope.profiles.mine()
  await place.rows('delete from profiles where user_id = $1', [userId])
  await expect(scope.profiles.mine()).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  await expect(scope.profiles.trainVoice()).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  await scope.profiles.upsert({ writingStyle: 'new' })
  expect(await scope.profiles.mine()).toMatchObject({ writingStyle: 'new', userId })
})

test('pillars: defined by name, changed under the same slug, apart for every customer', async () => {
  const [ann, ben] = [await customer(place.pilot), await customer(place.pilot)]
  expect(ann.pillar.slug).toBe(ben.pillar.slug)
  const changed = await ann.scope.pillars.define({
    name: 'Founder journey!',
    tone: 'plain',
    status: 'inactive',
  })
  expect(changed).toMatchObject({
    id: ann.pillar.id,
    name: 'Founder journey!',
    tone: 'plain',
    status: 'inactive',
  })
  expect(await ben.scope.pillars.get(ben.pillar.id)).toEqual(ben.pillar)
  await expect(ann.scope.pillars.create({ name: 'Another', slug: ann.pillar.slug })).rejects.toMatchObject({
    code: 'TENANTRY_UNIQUE',
  })
})
