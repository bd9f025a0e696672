/** Ten enhancements a day on the free plan: counted by the database, whoever writes, and given back when one fails. */
import { PlanLimitError } from '@tenantry/core'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { enhancementClaims } from '../src/index.ts'
import { FREE_ENHANCEMENTS_PER_DAY } from '../src/types.ts'
import { type Customer, customer, type Place, placeOf, premium } from './support/place.ts'

let place: Place
beforeAll(async () => {
  place = await placeOf()
})
afterEach(() => setClock(null))
afterAll(() => place?.close())

const RESULT = { enhancedContent: {}, overallConfidence: 1, processingTimeMs: 1, tokenUsage: 7 }
const NOON = '2100-01-31T12:00:00Z'

/** Moves the one clock of all limits. */
async function setClock(at: string | null): Promise<void> {
  const now = at === null ? 'pg_catalog.statement_timestamp()' : `timestamptz '${at}'`
  await place.rows(
    `create or replace function tenantry.limit_clock() returns timestamptz language sql stable as $$ select ${now} $$`,
  )
}

const ask = ({ scope }: Customer) =>
  scope.enhancements.request({ tonePreset: 'technical', originalContent: { text: 'x' } })

async function askTimes(of: Customer, times: number): Promise<string[]> {
  const ids: string[] = []
  for (let n = 0; n < times; n += 1) ids.push((await ask(of)).id)
  return ids
}

const usage = async ({ scope }: Customer, feature = 'enhancement_requests') =>
  (await scope.limits.usage()).find((each) => each.feature === feature)

const used = async (of: Customer, feature?: string): Promise<number> => (await usage(of, feature))?.used ?? 0

async function take({ service }: Customer, id: string) {
  await place.rows(`update enhancement_requests set available_at = now() where id = $1`, [id])
  const { claims } = await service.enhancements.claim({ limit: 50 })
  const claim = claims.find((each) => each.id === id)
  if (claim === undefined) throw new Error('not claimed')
  return claim
}

const RAW = `insert into enhancement_requests (user_id, tone_preset, original_content)
  select $1::uuid, 'creative', '{}' from generate_series(1, $2::int)`

describe('the free plan', () => {
  test('has ten requests a day; the next is refused with what the customer needs to know', async () => {
    const of = await customer(place)
    expect(FREE_ENHANCEMENTS_PER_DAY).toBe(10)
    await askTimes(of, 10)
    const refusal = await ask(of).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(PlanLimitError)
    expect(refusal).toMatchObject({
      feature: 'enhancement_requests',
      plan: 'free',
      limit: 10,
      used: 10,
      requested: 1,
      smallestPlan: 'premium',
    })
    expect(await of.scope.enhancements.count()).toBe(10)
    expect(await usage(of)).toMatchObject({ plan: 'free', limit: 10, used: 10, percentage: 100 })
    expect(await place.service.limits.nearLimits()).toContainEqual(
      expect.objectContaining({ account: of.userId, feature: 'enhancement_requests', used: 10 }),
    )
  })

  test('is another one for a customer with an exception, until its time', async () => {
    await setClock(NOON)
    const of = await customer(place)
    await of.service.limits.override({
      feature: 'enhancement_requests',
      cap: 1,
      expiresAt: '2100-01-31T18:00:00Z',
    })
    await ask(of)
    await expect(ask(of)).rejects.toMatchObject({ limit: 1, smallestPlan: null })
    await setClock('2100-01-31T18:00:00Z')
    await askTimes(of, 9)
    await expect(ask(of)).rejects.toMatchObject({ limit: 10, smallestPlan: 'premium' })
    for (const forbidden of [
      () => of.scope.limits.override({ feature: 'enhancement_requests', cap: null }),
      () => of.scope.limits.dropOverride('enhancement_requests'),
      () => of.scope.limits.forget(),
    ]) {
      await expect(forbidden()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
  })

  test('begins anew at midnight UTC, whatever the time zone of the session', async () => {
    const of = await customer(place)
    await setClock('2100-01-31T23:59:59Z')
    await askTimes(of, 10)
    await expect(ask(of)).rejects.toMatchObject({ resetsAt: new Date('2100-02-01T00:00:00Z') })
    await setClock('2100-02-01T00:00:00Z')
    await place.rows(`set time zone 'Pacific/Auckland'`)
    await ask(of)
    await place.rows('reset time zone')
    expect(await usage(of)).toMatchObject({
      used: 1,
      startsAt: new Date('2100-02-01T00:00:00Z'),
      resetsAt: new Date('2100-02-02T00:00:00Z'),
    })
  })

  test('is met by raw SQL as well, whoever sends it: all of a statement, or nothing', async () => {
    const of = await customer(place)
    await askTimes(of, 8)
    for (const run of [
      place.rows,
      place.rowsAsService,
      (text: string, params: readonly unknown[]) => place.rowsAs(of.userId, text, params),
    ]) {
      await expect(run(RAW, [of.userId, 3])).rejects.toMatchObject({ used: 8, requested: 3, limit: 10 })
    }
    expect(await of.scope.enhancements.count()).toBe(8)
    await place.rowsAs(of.userId, RAW, [of.userId, 2])
    await expect(place.rows(RAW, [of.userId, 1])).rejects.toThrow(PlanLimitError)
    // Deleting what was done gives nothing back.
    await place.rows('delete from enhancement_requests where user_id = $1', [of.userId])
    await expect(ask(of)).rejects.toThrow(PlanLimitError)
  })

  test('is no customer’s to widen: neither counters nor entitlements are theirs to write', async () => {
    const of = await customer(place)
    await ask(of)
    for (const text of [
      'update tenantry.limit_counters set used = 0',
      'delete from tenantry.limit_counters',
      'delete from tenantry.limit_marks',
      `insert into tenantry.limit_overrides (account, feature, cap) values ('${of.userId}', 'enhancement_requests', null)`,
      `update user_entitlements set plan = 'premium'`,
      `update enhancement_requests set processing_status = 'failed'`,
    ]) {
      await expect(place.rowsAs(of.userId, text), text).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
    expect(await used(of)).toBe(1)
  })

  test('holds for those who have no entitlements at all', async () => {
    const of = await customer(place)
    await place.rows('delete from user_entitlements where user_id = $1', [of.userId])
    await askTimes(of, 10)
    await expect(ask(of)).rejects.toMatchObject({ plan: 'free' })
  })
})

describe('a request that is worked on', () => {
  test('counts once, however many attempts it takes', async () => {
    const of = await customer(place)
    const { id } = await ask(of)
    expect(await of.service.enhancements.fail(await take(of, id), { errorMessage: 'x' })).toBe('retried')
    expect(await used(of)).toBe(1)
    await of.service.enhancements.complete(await take(of, id), RESULT)
    expect(await used(of)).toBe(1)
  })

  test('gives its unit back when it is given up, once, and takes one again when it is tried anew', async () => {
    const of = await customer(place)
    const [id = ''] = await askTimes(of, 10)
    await expect(ask(of)).rejects.toThrow(PlanLimitError)
    for (const outcome of ['retried', 'retried', 'failed']) {
      expect(await used(of)).toBe(10)
      expect(await of.service.enhancements.fail(await take(of, id), { errorMessage: 'x' })).toBe(outcome)
    }
    expect(await used(of)).toBe(9)
    await of.service.enhancements.retry(id)
    expect(await used(of)).toBe(10)
    await of.service.enhancements.fail(await take(of, id), { errorMessage: 'x' }, { final: true })
    expect(await used(of)).toBe(9)
    await ask(of)
    await expect(of.service.enhancements.retry(id)).rejects.toThrow(PlanLimitError)
    expect(await of.scope.enhancements.get(id)).toMatchObject({ processingStatus: 'failed' })
    await expect(
      place.rows(`update enhancement_requests set processing_status = 'pending' where id = $1`, [id]),
    ).rejects.toThrow(PlanLimitError)
  })

  test('gives its unit back when its last worker died with it', async () => {
    const of = await customer(place)
    const { id } = await ask(of)
    for (let attempt = 1; attempt < 3; attempt += 1) {
      await of.service.enhancements.fail(await take(of, id), { errorMessage: 'x' })
    }
    await place.rows(`update enhancement_requests set available_at = now() where id = $1`, [id])
    const service = place.system.serviceExecutor()
    const { claims } = await enhancementClaims.claim(service, { limit: 50, leaseSeconds: 1 })
    expect(claims.find((each) => each.id === id)).toMatchObject({ attempt: 3 })
    await expect
      .poll(async () => (await of.service.enhancements.claim()).abandoned, { timeout: 5000, interval: 100 })
      .toMatchObject([{ id }])
    expect(await used(of)).toBe(0)
  })

  test('gives back to the day on which it was asked for', async () => {
    const of = await customer(place)
    await setClock(NOON)
    const { id } = await ask(of)
    await setClock('2100-02-01T12:00:00Z')
    await askTimes(of, 10)
    await of.service.enhancements.fail(await take(of, id), { errorMessage: 'x' }, { final: true })
    expect(await used(of)).toBe(10)
    await expect(ask(of)).rejects.toThrow(PlanLimitError)
    await setClock(NOON)
    expect(await used(of)).toBe(0)
  })
})

describe('premium', () => {
  test('has no limit, from the moment on in which it is granted, with what was used carried over', async () => {
    const of = await customer(place)
    await askTimes(of, 10)
    await of.service.entitlements.grant({ plan: 'premium' })
    await askTimes(of, 3)
    expect(await usage(of)).toMatchObject({ plan: 'premium', limit: null, used: 13 })
    // Back below what was used: nothing is taken away, and nothing more is given.
    await of.service.entitlements.grant({ plan: 'free' })
    await expect(ask(of)).rejects.toMatchObject({ used: 13, limit: 10 })
    expect(await of.scope.enhancements.count()).toBe(13)
  })

  test('ends when it is paid no longer, by the database’s clock', async () => {
    const of = await premium(place)
    await of.service.entitlements.grant({ premiumUntil: new Date('2100-01-31T12:00:00Z') })
    await setClock('2100-01-31T11:59:59Z')
    await askTimes(of, 11)
    await setClock(NOON)
    await expect(ask(of)).rejects.toMatchObject({ plan: 'free', used: 11, limit: 10 })
    await setClock('2100-02-01T00:00:00Z')
    await askTimes(of, 10)
    await expect(ask(of)).rejects.toMatchObject({ plan: 'free' })
  })
})

describe('tokens', () => {
  test('are added up over all attempts, those that failed included, and metered as they are spent', async () => {
    const of = await customer(place)
    const { id } = await ask(of)
    const fail = async (tokenUsage: number, final = false) =>
      of.service.enhancements.fail(await take(of, id), { errorMessage: 'x', tokenUsage }, { final })
    await fail(5)
    expect(await used(of, 'enhancement_tokens')).toBe(5)
    await fail(6, true)
    await of.service.enhancements.retry(id)
    const claim = await take(of, id)
    await of.service.enhancements.complete(claim, RESULT)
    await of.service.enhancements.complete(claim, RESULT)
    expect(await of.scope.enhancements.get(id)).toMatchObject({ tokenUsage: 18 })
    expect(await usage(of, 'enhancement_tokens')).toMatchObject({ used: 18, limit: null })
    await place.rows('update enhancement_requests set token_usage = 20 where id = $1', [id])
    expect(await used(of, 'enhancement_tokens')).toBe(20)
  })

  test('are summed for the operator by plan and month', async () => {
    await setClock(NOON)
    const of = await premium(place)
    const { id } = await ask(of)
    await of.service.enhancements.complete(await take(of, id), RESULT)
    expect(await place.service.limits.usageByPlan({ month: '2100-01' })).toContainEqual(
      expect.objectContaining({ plan: 'premium', feature: 'enhancement_tokens', used: 7 }),
    )
    for (const ask of [
      () => place.service.limits.usageByPlan({ month: '2100-13' }),
      () => place.service.limits.nearLimits({ percent: 0 }),
      () => place.service.limits.nearLimits({ limit: 1.5 }),
    ]) {
      await expect(ask()).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION' })
    }
    await expect(of.scope.limits.usageByPlan()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await expect(of.scope.limits.nearLimits()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  })
})

describeOnServer('many at once', () => {
  test('get as many requests as the day has', async () => {
    const of = await customer(place)
    const outcomes = await Promise.allSettled(Array.from({ length: 25 }, () => ask(of)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(PlanLimitError)
    }
    expect([await of.scope.enhancements.count(), await used(of)]).toEqual([10, 10])
  })
})
