/** Credits, referrals, achievements, entitlements, payments: paid once, never below zero, by whom it may be. */
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REFERRAL_CODE_ALPHABET } from '../src/types.ts'
import { customer, NOBODY, type Place, placeOf } from './support/place.ts'

let place: Place
beforeAll(async () => {
  place = await placeOf()
})
afterAll(() => place?.close())

describe('credits', () => {
  test('are the sum of their entries, each with the balance that it left', async () => {
    const { scope, service } = await customer(place)
    expect(await scope.credits.balance()).toBe(0)
    expect(await service.credits.award({ amount: 10, source: 'welcome', description: 'Hello' })).toBe(10)
    expect(await scope.credits.spend({ amount: 4, source: 'export' })).toBe(6)
    const { items } = await scope.credits.list({ sort: [{ balanceAfter: 'desc' }] })
    expect(items).toMatchObject([
      { transactionType: 'earned', amount: 10, balanceAfter: 10, source: 'welcome', description: 'Hello' },
      { transactionType: 'spent', amount: -4, balanceAfter: 6, source: 'export', description: null },
    ])
  })

  test('never fall below zero: too few are a LimitError, and nothing is written', async () => {
    const { scope, service } = await customer(place)
    await service.credits.award({ amount: 2, source: 'welcome' })
    await expect(scope.credits.spend({ amount: 3, source: 'export' })).rejects.toMatchObject({
      code: 'TENANTRY_LIMIT',
    })
    expect(await scope.credits.balance()).toBe(2)
    expect(await scope.credits.count()).toBe(1)
  })

  test('are posted once for one key; the key of another entry is refused', async () => {
    const { scope, service } = await customer(place)
    const award = { amount: 5, source: 'welcome', idempotencyKey: 'k' }
    expect(await service.credits.award(award)).toBe(5)
    expect(await service.credits.award(award)).toBe(5)
    await expect(service.credits.award({ ...award, amount: 6 })).rejects.toMatchObject({
      code: 'TENANTRY_IDEMPOTENCY',
    })
    expect(await scope.credits.count()).toBe(1)
  })

  test.each([0, -1, 1.5, 2 ** 31])('are counted in whole ones from one up: not %d', async (amount) => {
    const { scope, service } = await customer(place)
    for (const post of [
      () => service.credits.award({ amount, source: 'x' }),
      () => scope.credits.spend({ amount, source: 'x' }),
    ]) {
      await expect(post()).rejects.toMatchObject({
        code: 'TENANTRY_VALIDATION',
        issues: [{ path: 'amount' }],
      })
    }
    if (!Number.isInteger(amount) || amount > 0) return
    await expect(
      place.rowsAs(
        (await customer(place)).userId,
        `select spend_credits(tenantry.current_user_uuid(), ${amount}, 'x', 'x')`,
      ),
    ).rejects.toMatchObject({ code: 'TENANTRY_CHECK' })
  })

  test('are no customer’s to award, to spend for another, or to write by raw SQL', async () => {
    const [ann, ben] = [await customer(place), await customer(place)]
    await ben.service.credits.award({ amount: 9, source: 'welcome' })
    for (const text of [
      `select award_credits($1, 5, 'x', 'x')`,
      `select spend_credits($1, 5, 'x', 'x')`,
      `select tenantry.post_credits($1, 'earned', 5, 'x', 'x', null, null)`,
      `select tenantry.reverse_credits($1, 1, null)`,
      `insert into credit_transactions (user_id, transaction_type, amount, source, balance_after, version) values ($1, 'earned', 5, 'x', 5, 1)`,
      `update credit_balances set balance = 99 where user_id <> $1`,
    ]) {
      await expect(place.rowsAs(ann.userId, text, [ben.userId]), text).rejects.toMatchObject({
        code: 'TENANTRY_ISOLATION',
      })
    }
    await expect(ann.scope.credits.award({ amount: 1, source: 'x' })).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
    expect(await ben.scope.credits.balance()).toBe(9)
  })

  test('by the documented functions are the same: paid, spent as far as there are any, once for one key', async () => {
    const { scope, userId } = await customer(place)
    const call = (name: string, args: string) =>
      place.rowsAsService(`select ${name}($1, ${args})::text as answer`, [userId])
    await call('award_credits', `5, 'welcome', 'Hello'`)
    await call('award_credits', `2, 'gift', null, 'k'`)
    await call('award_credits', `2, 'gift', null, 'k'`)
    expect(await scope.credits.balance()).toBe(7)
    await expect(call('award_credits', `3, 'gift', null, 'k'`)).rejects.toMatchObject({
      code: 'TENANTRY_IDEMPOTENCY',
    })
    expect(await call('spend_credits', `4, 'export', 'PDF'`)).toEqual([{ answer: 'true' }])
    expect(await call('spend_credits', `4, 'export', 'PDF'`)).toEqual([{ answer: 'false' }])
    expect(
      await place.rowsAs(
        userId,
        `select spend_credits(tenantry.current_user_uuid(), 3, 'export', 'PDF') as done`,
      ),
    ).toEqual([{ done: true }])
    const { items } = await scope.credits.list({ sort: [{ version: 'asc' }] })
    expect(items.map(({ version, amount, balanceAfter }) => [version, amount, balanceAfter])).toEqual([
      [1, 5, 5],
      [2, 2, 7],
      [3, -4, 3],
      [4, -3, 0],
    ])
    expect(await place.system.verify()).toEqual([])
  })

  test('that were spent or paid are refunded once, and those with an end go by themselves', async () => {
    const { scope, service, userId } = await customer(place)
    await service.credits.award({ amount: 5, source: 'welcome' })
    await service.credits.award({ amount: 3, source: 'gift', expiresAt: new Date(Date.now() + 3_600_000) })
    expect(await scope.credits.spend({ amount: 4, source: 'export' })).toBe(4)
    expect(await service.credits.refund({ version: 3, description: 'No file' })).toBe(8)
    expect(await service.credits.refund({ version: 3 })).toBe(8)
    await expect(scope.credits.refund({ version: 1 })).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await expect(service.credits.refund({ version: 4 })).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
    for (const version of [0, 1.5, -1]) {
      await expect(service.credits.refund({ version })).rejects.toMatchObject({
        code: 'TENANTRY_VALIDATION',
        issues: [{ path: 'version' }],
      })
    }
    await expect(
      service.credits.award({ amount: 1, source: 'x', expiresAt: new Date(Date.now() - 1000) }),
    ).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION' })
    await expect(service.credits.refund({ version: 9 })).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await place.rows(`update tenantry.credits_lots set expires_at = now() where tenant = $1`, [userId])
    expect(await scope.credits.balance()).toBe(5)
    await place.system.runJob('expire_credits')
    const { items } = await scope.credits.list({ sort: [{ version: 'asc' }] })
    expect(items.map(({ transactionType, amount, reverses }) => [transactionType, amount, reverses])).toEqual(
      [
        ['earned', 5, null],
        ['earned', 3, null],
        ['spent', -4, null],
        ['refunded', 4, 3],
        ['expired', -3, null],
      ],
    )
    expect(await place.system.verify()).toEqual([])
  })

  test('are not written past their functions, not by the service role or the owner either', async () => {
    const { service, scope, userId } = await customer(place)
    await service.credits.award({ amount: 2, source: 'welcome' })
    for (const text of [
      `insert into credit_transactions (user_id, transaction_type, amount, source, balance_after, version) values ($1, 'earned', 5, 'x', 7, 2)`,
      `update credit_balances set balance = 99 where user_id = $1`,
    ]) {
      for (const run of [place.rows, place.rowsAsService]) {
        await expect(run(text, [userId]), text).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
      }
    }
    expect(await scope.credits.balance()).toBe(2)
  })

  test('leave entries that nobody changes, not even their owner or the service role', async () => {
    const { service } = await customer(place)
    await service.credits.award({ amount: 1, source: 'x' })
    for (const text of [
      `update credit_transactions set amount = 99`,
      'delete from credit_transactions',
      'truncate credit_transactions',
      `update audit_logs set action = 'x'`,
      'delete from audit_logs',
    ]) {
      await expect(place.rows(text), text).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
      await expect(place.rowsAsService(text), text).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
    await expect(
      place.rows(`set session_replication_role = replica; delete from audit_logs`),
    ).rejects.toThrow()
  })

  test('of an unknown user are refused', async () => {
    await expect(
      place.service.tenant(NOBODY).credits.award({ amount: 1, source: 'x' }),
    ).rejects.toMatchObject({ code: 'TENANTRY_FOREIGN_KEY' })
  })
})

describe('a referral code', () => {
  test('has eight symbols that nobody takes for another, and never the same twice', async () => {
    const { service } = await customer(place)
    const codes: string[] = []
    for (let n = 0; n < 50; n += 1) codes.push((await service.referralCodes.issue()).code)
    expect(new Set(codes).size).toBe(50)
    for (const code of codes) expect(code).toMatch(new RegExp(`^[${REFERRAL_CODE_ALPHABET}]{8}$`))
    expect(REFERRAL_CODE_ALPHABET).not.toMatch(/[01ILO]/)
    expect(await place.rows(`select generate_referral_code($1) ~ '^[A-Z2-9]{8}$' as fits`, [NOBODY])).toEqual(
      [{ fits: true }],
    )
  })

  test('uses every symbol of its alphabet about as often as the others', async () => {
    const [row] = await place.rows<{ least: number; most: number; symbols: number }>(
      `select min(n)::int as least, max(n)::int as most, count(*)::int as symbols from (
         select symbol, count(*) as n
         from (select tenantry.random_referral_code() as code from generate_series(1, 3000)) as made,
           lateral unnest(string_to_array(code, null)) as symbol
         group by symbol
       ) as counted`,
    )
    // 24,000 draws of 31 symbols: 774 each, give or take 27; six of those are room enough.
    expect(row?.symbols).toBe(31)
    expect(row?.least).toBeGreaterThan(774 - 6 * 28)
    expect(row?.most).toBeLessThan(774 + 6 * 28)
  })

  test('brings a customer once, pays its owner, and takes blanks and small letters', async () => {
    const [ann, ben] = [await customer(place), await customer(place)]
    const { code } = await ann.service.referralCodes.issue({ rewardAmount: 7 })
    expect(await ben.scope.referrals.redeem(` ${code.toLowerCase()} `)).toBe(true)
    expect(await ben.scope.referrals.redeem(code)).toBe(false)
    expect(await ann.scope.credits.balance()).toBe(7)
    expect(await ann.scope.referralCodes.find()).toMatchObject({ usageCount: 1 })
    expect(await ben.scope.referrals.find()).toMatchObject({ referralCode: code, rewardAmount: 7 })
    expect(await ann.scope.referrals.count()).toBe(0)
  })

  test('that is one’s own, unknown, off, over or used up is refused alike', async () => {
    const [ann, ben] = [await customer(place), await customer(place)]
    const issue = async (input: Parameters<typeof ann.service.referralCodes.issue>[0]) =>
      (await ann.service.referralCodes.issue(input)).code
    const own = await issue({})
    const off = await ann.service.referralCodes.issue()
    await ann.scope.referralCodes.update(off.id, { isActive: false })
    const codes = [
      'NOSUCHCO',
      off.code,
      await issue({ expiresAt: new Date(Date.now() - 1000) }),
      await issue({ maxUses: 0 }),
    ]
    for (const code of codes) expect(await ben.scope.referrals.redeem(code), code).toBe(false)
    expect(await ann.scope.referrals.redeem(own)).toBe(false)
    expect(await ann.scope.credits.balance()).toBe(0)
    await expect(ben.scope.referrals.redeem('  ')).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION' })
  })

  test('is issued by the service role, redeemed for oneself, and its count is nobody’s to write', async () => {
    const [ann, ben] = [await customer(place), await customer(place)]
    const { code } = await ann.service.referralCodes.issue()
    await expect(ann.scope.referralCodes.issue()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    for (const text of [
      `select redeem_referral_code('${ann.userId}', '${code}')`,
      `select generate_referral_code('${ann.userId}')`,
      `update referral_codes set usage_count = 0`,
      `insert into referral_codes (user_id, code, reward_type) values ('${ben.userId}', 'MINE', 'credits')`,
      `insert into referral_conversions (referred_user_id, referral_code, reward_type, reward_amount) values ('${ben.userId}', '${code}', 'credits', 1)`,
    ]) {
      await expect(place.rowsAs(ben.userId, text), text).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
  })
})

describe('an achievement', () => {
  test('is earned by what happened and what was done before, once, and claimed once', async () => {
    const { scope, service } = await customer(place)
    await place.service.achievementDefinitions.createMany([
      {
        achievementKey: 'first_resume',
        title: 'First',
        criteria: { min: { resume_count: 1 } },
        rewardCredits: 3,
      },
      {
        achievementKey: 'sharer',
        title: 'Sharer',
        criteria: { event: 'shared', equals: { channel: 'mail' } },
        rewardCredits: 2,
      },
      { achievementKey: 'off', title: 'Off', criteria: { event: 'shared' }, isActive: false },
    ])
    expect(await service.achievements.check({ event: 'shared', channel: 'chat', resume_count: 99 })).toEqual({
      achievementsAwarded: [],
      totalCreditsAwarded: 0,
    })
    await scope.resumes.create({})
    expect(await service.achievements.check({ event: 'shared', channel: 'mail' })).toEqual({
      achievementsAwarded: ['first_resume', 'sharer'],
      totalCreditsAwarded: 5,
    })
    expect(await service.achievements.check({ event: 'shared', channel: 'mail' })).toMatchObject({
      achievementsAwarded: [],
    })
    expect(await scope.credits.balance()).toBe(0)
    expect(await scope.achievements.claim('first_resume')).toBe(3)
    for (const key of ['first_resume', 'off', 'unknown']) {
      await expect(scope.achievements.claim(key)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    }
    expect(await scope.credits.balance()).toBe(3)
  })

  test('is no customer’s to say that it happened, nor to write', async () => {
    const { scope, userId } = await customer(place)
    await expect(scope.achievements.check({ event: 'x' })).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
    for (const text of [
      `select check_achievements('${userId}', '{}')`,
      `select process_pending_achievements()`,
      `insert into user_achievements (user_id, achievement_key, credits_awarded) values ('${userId}', 'first_resume', 1000)`,
      `update user_achievements set credits_claimed = false`,
      `insert into achievement_definitions (achievement_key, title, criteria) values ('a', 'a', '{}')`,
    ]) {
      await expect(place.rowsAs(userId, text), text).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
  })

  test.each<[unknown, unknown, boolean]>([
    [{ event: 'a' }, { event: 'a' }, true],
    [{ event: 'a' }, { event: 'b' }, false],
    [{ event: 'a', min: { n: 2 } }, { event: 'a', n: 2 }, true],
    [{ min: { n: 2 } }, { n: 1.9 }, false],
    [{ min: { n: 2 } }, { n: '3' }, false],
    [{ min: { n: '2' } }, { n: 3 }, false],
    [{ min: { n: 2 } }, {}, false],
    [{ equals: { a: true } }, { a: true }, true],
    [{ equals: { a: true } }, { a: 'true' }, false],
    [{}, { event: 'a' }, false],
    [{ min: {} }, {}, false],
    [[], {}, false],
    [null, {}, false],
  ])('with criteria %j for %j: %j', async (criteria, event, met) => {
    expect(
      await place.rows('select evaluate_achievement_criteria($1::jsonb, $2::jsonb) as met', [
        JSON.stringify(criteria),
        JSON.stringify(event),
      ]),
    ).toEqual([{ met }])
  })
})

test('entitlements are made with the account, granted by the service role, and premium ends by the database’s clock', async () => {
  const { scope, service } = await customer(place)
  expect(await scope.entitlements.mine()).toMatchObject({ plan: 'free', exportUnlocked: false })
  expect(await scope.entitlements.isPremium()).toBe(false)
  await expect(scope.entitlements.grant({ plan: 'premium' })).rejects.toMatchObject({
    code: 'TENANTRY_ISOLATION',
  })
  await expect(service.entitlements.grant({})).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION' })
  await service.entitlements.grant({ plan: 'premium', exportUnlocked: true })
  expect(await scope.entitlements.isPremium()).toBe(true)
  await service.entitlements.grant({ premiumUntil: new Date(Date.now() - 1000) })
  expect(await scope.entitlements.mine()).toMatchObject({ plan: 'premium', exportUnlocked: true })
  expect(await scope.entitlements.isPremium()).toBe(false)
})

test('a payment is recorded once, follows what Stripe reports, and is no other account’s', async () => {
  const [ann, ben] = [await customer(place), await customer(place)]
  const payment = {
    stripePaymentIntentId: `pi_${ann.userId}`,
    product: 'export',
    amount: 900,
    status: 'pending' as const,
  }
  const first = await ann.service.payments.record(payment)
  const paid = await ann.service.payments.record({
    ...payment,
    status: 'succeeded',
    receiptUrl: 'https://example.com/r',
  })
  expect(paid).toMatchObject({ id: first.id, status: 'succeeded', currency: 'usd' })
  await expect(ben.service.payments.record(payment)).rejects.toMatchObject({ code: 'TENANTRY_UNIQUE' })
  await expect(ann.scope.payments.record(payment)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  expect(await ann.scope.payments.count()).toBe(1)
  await expect(ann.service.users.remove(ann.userId)).rejects.toMatchObject({ code: 'TENANTRY_FOREIGN_KEY' })
})

describeOnServer('at once', () => {
  test('of many who spend the last credits, as many succeed as there are credits', async () => {
    const { scope, service } = await customer(place)
    await service.credits.award({ amount: 7, source: 'welcome' })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => scope.credits.spend({ amount: 1, source: 'x' })),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(7)
    expect(await scope.credits.balance()).toBe(0)
    const { items } = await scope.credits.list({ limit: 50 })
    expect(items.reduce((sum, { amount }) => sum + amount, 0)).toBe(0)
    expect(
      new Set(items.filter(({ amount }) => amount < 0).map(({ balanceAfter }) => balanceAfter)).size,
    ).toBe(7)
  })

  test('one key is one entry', async () => {
    const { scope, service } = await customer(place)
    await Promise.all(
      Array.from({ length: 10 }, () =>
        service.credits.award({ amount: 5, source: 'x', idempotencyKey: 'one' }),
      ),
    )
    expect(await scope.credits.balance()).toBe(5)
  })

  test('a code is used as often as it may be, and pays as often', async () => {
    const ann = await customer(place)
    const others = await Promise.all(Array.from({ length: 8 }, () => customer(place)))
    const { code, id } = await ann.service.referralCodes.issue({ maxUses: 3, rewardAmount: 2 })
    const outcomes = await Promise.all(others.map(({ scope }) => scope.referrals.redeem(code)))
    expect(outcomes.filter(Boolean)).toHaveLength(3)
    expect(await ann.scope.referralCodes.get(id)).toMatchObject({ usageCount: 3 })
    expect(await ann.scope.credits.balance()).toBe(6)
  })

  test('a customer who redeems two codes comes by one', async () => {
    const [ann, cay, ben] = [await customer(place), await customer(place), await customer(place)]
    const codes = [await ann.service.referralCodes.issue(), await cay.service.referralCodes.issue()]
    const outcomes = await Promise.all(codes.map(({ code }) => ben.scope.referrals.redeem(code)))
    expect(outcomes.filter(Boolean)).toHaveLength(1)
    expect((await ann.scope.credits.balance()) + (await cay.scope.credits.balance())).toBe(1)
  })

  test('an achievement is claimed once', async () => {
    const { scope, service } = await customer(place)
    await place.service.achievementDefinitions.create({
      achievementKey: 'raced',
      title: 'Raced',
      criteria: { event: 'raced' },
      rewardCredits: 4,
    })
    await service.achievements.check({ event: 'raced' })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, () => scope.achievements.claim('raced')),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await scope.credits.balance()).toBe(4)
  })
})
