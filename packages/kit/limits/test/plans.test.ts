import { IdempotencyError, IsolationError, PlanLimitError, ValidationError } from '@tenantry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStudio, plans, type Studio } from './support/studio.ts'

let test: Studio
beforeAll(async () => {
  test = await createStudio()
})
afterAll(() => test.close())

const refusal = async (call: Promise<unknown>): Promise<PlanLimitError> => {
  const error: unknown = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(PlanLimitError)
  return error as PlanLimitError
}

describe('consume', () => {
  it('counts what fits, and refuses what does not, with what a caller needs to know', async () => {
    const account = await test.subscribe('starter')
    const limits = test.limits(account)
    expect(await limits.consume('posts', 9)).toMatchObject({
      used: 9,
      limit: 10,
      plan: 'starter',
      replayed: false,
    })
    const error = await refusal(limits.consume('posts', 2))
    expect(error).toMatchObject({
      code: 'TENANTRY_LIMIT',
      feature: 'posts',
      plan: 'starter',
      limit: 10,
      used: 9,
      reserved: 0,
      requested: 2,
      reason: 'limit',
      smallestPlan: 'growth',
      httpStatus: 402,
    })
    expect(error.resetsAt?.getTime()).toBeGreaterThan(Date.now())
    expect(await limits.consume('posts')).toMatchObject({ used: 10 })
    expect(await test.used(account, 'posts')).toBe(10)
  })

  it('counts each subject by itself', async () => {
    const limits = test.limits(await test.subscribe('starter'))
    await limits.consume('regenerations', 3, { subject: 'a' })
    await refusal(limits.consume('regenerations', 1, { subject: 'a' }))
    expect(await limits.consume('regenerations', 3, { subject: 'b' })).toMatchObject({ used: 3 })
  })

  it('has no cap where the plan has none', async () => {
    const limits = test.limits(await test.subscribe('agency'))
    expect(await limits.consume('posts', 1_000_000)).toMatchObject({ used: 1_000_000, limit: null })
  })

  it('gives accounts without a subscription the default plan', async () => {
    const account = crypto.randomUUID()
    const error = await refusal(test.limits(account).consume('posts'))
    expect(error).toMatchObject({ plan: 'free', limit: 0, smallestPlan: 'starter' })
    expect(await test.raw('select * from tenantry.limit_counters where account = $1', account)).toEqual([])
  })

  it('is one effect for one key', async () => {
    const limits = test.limits(await test.subscribe('starter'))
    expect(await limits.consume('posts', 4, { key: 'k' })).toMatchObject({ used: 4, replayed: false })
    expect(await limits.consume('posts', 4, { key: 'k' })).toMatchObject({ used: 4, replayed: true })
    await expect(limits.consume('posts', 5, { key: 'k' })).rejects.toThrow(IdempotencyError)
    await expect(limits.consume('calls', 4, { key: 'k' })).rejects.toThrow(IdempotencyError)
    await refusal(limits.consume('posts', 7, { key: 'other' }))
    expect(await limits.consume('posts', 6, { key: 'other' })).toMatchObject({ used: 10, replayed: false })
  })

  it('writes nothing where it refuses', async () => {
    const account = await test.subscribe('starter')
    const limits = test.limits(account)
    const written = () =>
      Promise.all(
        ['counters', 'holds', 'accounts'].map((name) =>
          test.raw(
            `select row.*, row.xmin, row.xmax from tenantry.limit_${name} as row where account = $1`,
            account,
          ),
        ),
      )
    const refusals = async () => {
      const before = await written()
      await expect(limits.consume('posts', 11)).rejects.toThrow(PlanLimitError)
      await expect(limits.consume('posts', 11, { key: 'a' })).rejects.toThrow(PlanLimitError)
      await expect(limits.hold('posts', 11, { key: 'b', ttlMs: 1000 })).rejects.toThrow(PlanLimitError)
      await expect(
        test.as(account).transaction((inner) => plans.bind(inner).consume('posts', 11)),
      ).rejects.toThrow(PlanLimitError)
      expect(await written()).toEqual(before)
    }
    await refusals()
    await limits.consume('posts')
    await refusals()
  })

  it('refuses bad input with a typed error, by raw SQL too, and counts nothing', async () => {
    const account = await test.subscribe('agency')
    const limits = test.limits(account)
    // @ts-expect-error there is no such feature
    await expect(limits.consume('likes')).rejects.toThrow(ValidationError)
    // @ts-expect-error rows are counted by their guard
    await expect(limits.consume('pillars')).rejects.toThrow(ValidationError)
    // @ts-expect-error which topic?
    await expect(limits.consume('regenerations')).rejects.toThrow(ValidationError)
    for (const subject of ['', '\0', 'x'.repeat(201)]) {
      await expect(limits.consume('regenerations', 1, { subject })).rejects.toThrow(ValidationError)
    }
    for (const amount of [0, -0, -1, 1.5, 1e308, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(limits.consume('posts', amount)).rejects.toThrow(ValidationError)
    }
    for (const [feature, subject, amount] of [
      ['likes', '', '1'],
      ['pillars', '', '1'],
      ['posts', '', '-1'],
      ['posts', '', '0'],
      ['posts', '', '1.5'],
      ['posts', '', 'NaN'],
      ['posts', '', 'Infinity'],
      ['posts', 'x', '1'],
      ['regenerations', '', '1'],
    ]) {
      await expect(
        test.rawAs(
          'tenantry_tenant',
          `select tenantry.limit_consume('${account}', '${feature}', '${subject}', '${amount}', null)`,
          account,
        ),
      ).rejects.toThrow(ValidationError)
    }
    expect(await test.raw('select * from tenantry.limit_counters where account = $1', account)).toEqual([])
  })

  it('is for the tenant of the context, and nobody else', async () => {
    const [account, other] = [await test.subscribe('agency'), await test.subscribe('agency')]
    for (const call of [
      `limit_consume('${account}', 'posts', '', 1, null)`,
      `limit_usage('${account}')`,
      `limit_reserve('${account}', 'posts', '', 1, 'k', 1000)`,
    ]) {
      await expect(test.rawAs('tenantry_tenant', `select tenantry.${call}`, other)).rejects.toThrow(
        IsolationError,
      )
      await expect(test.rawAs('tenantry_tenant', `select tenantry.${call}`)).rejects.toThrow(IsolationError)
    }
    for (const call of [
      `limit_take('${account}', 'posts', '', 1, false, false, now())`,
      `limit_declare('{}')`,
      `limit_follow(null, now())`,
      'limit_expire(1)',
    ]) {
      await expect(test.rawAs('tenantry_tenant', `select tenantry.${call}`, account)).rejects.toThrow(
        IsolationError,
      )
    }
  })

  it('leaves counters readable to their tenant, and writable to no tenant', async () => {
    const account = await test.subscribe('starter')
    await test.limits(account).consume('posts')
    const read = (userId: string) =>
      test.rawAs('tenantry_tenant', 'select feature, used from tenantry.limit_counters', userId)
    expect(await read(account)).toEqual([['posts', '1']])
    expect(await read(crypto.randomUUID())).toEqual([])
    for (const write of [
      'update tenantry.limit_counters set used = 0',
      'delete from tenantry.limit_counters',
      `insert into tenantry.limit_overrides (account, feature) values ('${account}', 'posts')`,
      'delete from tenantry.limit_marks',
    ]) {
      await expect(test.rawAs('tenantry_tenant', write, account)).rejects.toThrow(IsolationError)
    }
  })
})

describe('usage', () => {
  it('says all features of a tenant, used or not', async () => {
    const account = await test.subscribe('starter')
    const limits = test.limits(account)
    await limits.consume('posts', 5)
    await limits.hold('posts', 3, { key: 'h', ttlMs: 60_000 })
    await limits.consume('spend', 1.25)
    const usage = await limits.usage()
    expect(usage.map(({ feature }) => feature)).toEqual([
      'posts',
      'pillars',
      'files',
      'storage',
      'regenerations',
      'requests',
      'calls',
      'spend',
    ])
    expect(usage[0]).toMatchObject({
      plan: 'starter',
      limit: 10,
      used: 5,
      reserved: 3,
      percentage: 80,
      available: true,
    })
    expect(usage[0]?.resetsAt?.toISOString()).toMatch(/-01T00:00:00.000Z$/)
    expect(usage[1]).toMatchObject({ kind: 'allocated', used: 0, limit: 2, resetsAt: null })
    expect(usage[7]).toMatchObject({ used: 1.25, limit: 5, percentage: 25 })
  })
})
