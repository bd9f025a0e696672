import { PlanLimitError } from '@tenantry/core'
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

/** An account that has used all its posts. */
async function setup() {
  const account = await test.subscribe('starter')
  await test.limits(account).consume('posts', 10)
  return { account, executor: test.as(account) }
}

/** Calls that travel together, by raw SQL. */
const each = (account: string, amounts: readonly number[]) =>
  test.raw(`select tenantry.limit_consume_each($1, 'posts', '', $2)`, account, `{${amounts.join(',')}}`)

describe('a refusal', () => {
  it('says the same as an answer, and as an error of the database in a transaction', async () => {
    const { account, executor } = await setup()
    const answered = await refusal(test.limits(account).consume('posts', 2))
    const raised = await refusal(
      executor.transaction((inside) => test.limits(account, inside).consume('posts', 2)),
    )
    expect(answered).toMatchObject({ feature: 'posts', limit: 10, used: 10, requested: 2, reason: 'limit' })
    expect(answered.cause).toBeUndefined()
    expect(raised.cause).toBeInstanceOf(Error)
    expect(raised.toJSON()).toEqual(answered.toJSON())
  })

  it('ends a transaction, whoever catches it', async () => {
    const { account, executor } = await setup()
    const caught = executor.transaction(async (inside) => {
      const limits = test.limits(account, inside)
      await limits.consume('calls')
      await limits.consume('posts').catch(() => {})
    })
    await refusal(caught)
    expect(await test.used(account, 'calls')).toBeNull()
  })

  it('is raised to raw SQL, which would overlook an answer', async () => {
    const { account } = await setup()
    await refusal(test.raw(`select tenantry.limit_consume($1, 'posts', '', 1, null)`, account))
  })

  it('names no plan to an account with an exception, which stands in for the cap of every plan', async () => {
    const { account, executor } = await setup()
    const service = test.service(account)
    const refusals = async () => [
      await refusal(test.limits(account).consume('posts', 2)),
      await refusal(executor.transaction((inside) => test.limits(account, inside).consume('posts', 2))),
      await refusal(each(account, [2, 3])),
    ]
    await plans.operator.override(test.service(await test.subscribe('starter')), {
      feature: 'posts',
      cap: 11,
    })
    for (const { smallestPlan, httpStatus } of await refusals()) {
      expect([smallestPlan, httpStatus]).toEqual(['growth', 402])
    }
    await plans.operator.override(service, { feature: 'posts', cap: 11 })
    for (const { limit, smallestPlan, httpStatus } of await refusals()) {
      expect([limit, smallestPlan, httpStatus]).toEqual([11, null, 429])
    }
    const [[answers] = []] = await each(account, [1, 5])
    expect(answers).toMatchObject([{ used: 11 }, { requested: 5, smallestPlan: null }])
    // Of another feature, or over by now, it is none.
    await plans.operator.override(service, { feature: 'posts', cap: 11, expiresAt: '2020-01-01T00:00:00Z' })
    await plans.operator.override(service, { feature: 'calls', cap: 0 })
    for (const { limit, smallestPlan } of await refusals())
      expect([limit, smallestPlan]).toEqual([10, 'growth'])
  })

  it('is no answer while expired holds are in the way: they make room', async () => {
    const { account } = await setup()
    const limits = test.limits(account)
    await limits.hold('calls', 50, { key: 'k', ttlMs: 60_000 })
    await refusal(limits.consume('calls'))
    await test.raw(
      `update tenantry.limit_holds set expires_at = now() - interval '1 minute' where account = $1`,
      account,
    )
    expect(await limits.consume('calls')).toMatchObject({ used: 1, reserved: 0 })
  })
})
