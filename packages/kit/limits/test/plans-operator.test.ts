/** What an operator says of an account: exceptions from its plan, and that it is gone. */
import {
  CheckViolationError,
  ConfigurationError,
  type Executor,
  IsolationError,
  NotFoundError,
  PlanLimitError,
  ValidationError,
} from '@tenantry/core'
import { serviceExecutor } from '@tenantry/rls'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { definePlans } from '../src/index.ts'
import { createStudio, plans, type Studio, subscriptions } from './support/studio.ts'

const { operator } = plans

let test: Studio
beforeAll(async () => {
  test = await createStudio()
})
afterAll(() => test.close())

const wrong = <T>(value: unknown): T => value as T
const kept = (account: string, table = 'overrides') =>
  test.raw(`select * from tenantry.limit_${table} where account = $1`, account)

describe('an exception', () => {
  it('is in force at once, for one account, until it is dropped', async () => {
    const [account, other] = [await test.subscribe('starter'), await test.subscribe('starter')]
    const service = test.service(account)
    const limits = test.limits(account)
    await limits.consume('posts', 10)
    await operator.override(service, { feature: 'posts', cap: 12, reason: 'a disputed payment' })
    expect(await limits.consume('posts')).toMatchObject({ used: 11, limit: 12 })
    await operator.override(service, { feature: 'posts', cap: null })
    expect(await limits.consume('posts', 100)).toMatchObject({ limit: null })
    await operator.override(service, { feature: 'spend', cap: 0.25 })
    await expect(limits.consume('spend', 0.5)).rejects.toThrow(PlanLimitError)
    await expect(test.limits(other).consume('posts', 11)).rejects.toThrow(PlanLimitError)
    for (const _ of [1, 2]) await operator.dropOverride(service, { feature: 'posts' })
    await expect(limits.consume('posts')).rejects.toMatchObject({ used: 111, limit: 10 })
    await limits.consume('calls', 50)
  })

  it('is over at its time, given as a Date or as ISO 8601', async () => {
    const account = await test.subscribe('starter')
    await test.setClock('2026-03-01T00:00:00Z')
    try {
      for (const [day, expiresAt] of [
        ['2026-03-10', '2026-03-10T01:00:00+01:00'],
        ['2026-03-20', new Date('2026-03-20T00:00:00Z')],
      ] as const) {
        await operator.override(test.service(account), { feature: 'posts', cap: 500, expiresAt })
        expect(await test.limits(account).consume('posts')).toMatchObject({ limit: 500 })
        await test.setClock(`${day}T00:00:00Z`)
        expect(await test.limits(account).consume('posts')).toMatchObject({ limit: 10 })
      }
    } finally {
      await test.setClock(null)
    }
  })

  it('names its account, or the executor does, or it is a ConfigurationError', async () => {
    const account = await test.subscribe('starter')
    const unbound = serviceExecutor(test.database)
    await operator.override(unbound, { account, feature: 'posts', cap: 3 })
    expect(await kept(account)).toHaveLength(1)
    await operator.dropOverride(unbound, { account, feature: 'posts' })
    expect(await kept(account)).toEqual([])
    await expect(operator.override(unbound, { feature: 'posts', cap: 3 })).rejects.toThrow(ConfigurationError)
    await expect(operator.dropOverride(unbound, { feature: 'posts' })).rejects.toThrow(ConfigurationError)
    await expect(operator.forget(unbound)).rejects.toThrow(ConfigurationError)
    // Where somebody else pays, a tenant's id is no account's.
    const paid = definePlans({
      features: { posts: { kind: 'metered', per: 'calendar_month' } },
      plans: { free: { posts: 1 } },
      subscription: { table: subscriptions, account: 'userId', plan: 'plan' },
      tenant: { expression: 'tenantry.current_user_uuid()', type: 'uuid' },
      account: '(select payer_id from public.teams as team where team.id = of_tenant)',
    })
    expect(paid.repository.tenant).toBeNull()
    await expect(
      paid.operator.override(test.service(account), { feature: 'posts', cap: 3 }),
    ).rejects.toMatchObject({ code: 'TENANTRY_CONFIGURATION', hint: expect.stringContaining('account') })
    await paid.operator.override(unbound, { account, feature: 'posts', cap: 3 })
    expect(await kept(account)).toHaveLength(1)
  })

  it('of what no counter could follow is refused with the name of the field, and nothing is written', async () => {
    const account = await test.subscribe('starter')
    const service = test.service(account)
    for (const [path, input] of [
      ['feature', { feature: 'likes', cap: 1 }],
      ['feature', { feature: 'toString', cap: 1 }],
      ['cap', { feature: 'posts', cap: -1 }],
      ['cap', { feature: 'posts', cap: Number.NaN }],
      ['cap', { feature: 'posts', cap: Number.POSITIVE_INFINITY }],
      ['cap', { feature: 'posts', cap: 1e16 }],
      ['cap', { feature: 'posts', cap: 1.5 }],
      ['cap', { feature: 'pillars', cap: 0.5 }],
      ['cap', { feature: 'posts', cap: '5' }],
      ['cap', { feature: 'posts' }],
      ['cap', { feature: 'spend', cap: -0.5 }],
      ['expiresAt', { feature: 'posts', cap: 1, expiresAt: 'soon' }],
      ['reason', { feature: 'posts', cap: 1, reason: '\0' }],
      ['account', { feature: 'posts', cap: 1, account: 'nobody' }],
      ['plan', { feature: 'posts', cap: 1, plan: 'growth' }],
    ] as const) {
      const failure: unknown = await operator.override(service, wrong(input)).catch((error: unknown) => error)
      expect(failure, JSON.stringify(input)).toBeInstanceOf(ValidationError)
      expect(failure).toMatchObject({ issues: [{ path }] })
    }
    await expect(operator.dropOverride(service, { feature: wrong('likes') })).rejects.toThrow(ValidationError)
    expect(await kept(account)).toEqual([])
  })

  it('is refused by the database as well, whoever writes it: all rows of a statement or none', async () => {
    const account = await test.subscribe('starter')
    const write = (text: string) => test.rawAs('tenantry_service', text)
    const values = (...rows: readonly (readonly [string, string])[]) =>
      `insert into tenantry.limit_overrides (account, feature, cap) values ${rows.map(([feature, cap]) => `('${account}', '${feature}', ${cap})`).join(', ')}`
    for (const cap of ['-1', `'NaN'`, `'Infinity'`, `'-Infinity'`, '1e16']) {
      await expect(write(values(['posts', cap])), cap).rejects.toThrow(CheckViolationError)
      await expect(
        write(`update tenantry.limit_caps set cap = ${cap} where plan = 'starter' and feature = 'posts'`),
        cap,
      ).rejects.toThrow(CheckViolationError)
    }
    await expect(write(values(['calls', '5'], ['posts', '1.5']))).rejects.toThrow('posts is counted in whole')
    await expect(write(values(['calls', '5'], ['likes', 'null']))).rejects.toThrow('no feature "likes"')
    expect(await kept(account)).toEqual([])
    await write(values(['calls', '5'], ['spend', '1.5'], ['posts', 'null']))
    await expect(
      write(`update tenantry.limit_overrides set cap = 0.5 where account = '${account}'`),
    ).rejects.toThrow(ValidationError)
    expect((await kept(account)).map((row) => row[2]).toSorted()).toEqual(['1.5', '5', null])
  })
})

const everything = ['accounts', 'counters', 'holds', 'marks', 'overrides'] as const

/** An account with a row in each of the tables, and nothing that counts by being there. */
async function used() {
  const account = await test.subscribe('starter')
  const limits = test.limits(account)
  await limits.consume('posts', 3, { key: 'once' })
  await limits.consume('regenerations', 1, { subject: 'a topic' })
  const hold = await limits.hold('calls', 2, { key: 'held', ttlMs: 60_000 })
  await operator.override(test.service(account), { feature: 'calls', cap: 100 })
  await test.raw(`insert into requests (user_id) values ($1)`, account)
  await test.raw(`insert into pillars (user_id) values ($1)`, account)
  await test.raw(`delete from pillars where user_id = $1`, account)
  return { account, limits, hold }
}

const rowsOf = async (account: string) =>
  Object.fromEntries(
    await Promise.all(everything.map(async (table) => [table, (await kept(account, table)).length] as const)),
  )

describe('forgetting an account', () => {
  it('leaves nothing of it and all of the others, also when it is repeated', async () => {
    const [gone, other] = [await used(), await used()]
    const before = await rowsOf(other.account)
    for (const table of everything) expect(before[table], table).toBeGreaterThan(0)
    for (const _ of [1, 2]) {
      await operator.forget(serviceExecutor(test.database), { account: gone.account })
      for (const table of everything) {
        expect(
          await test.raw(
            `select 1 from tenantry.limit_${table} as kept where to_jsonb(kept)::text like '%' || $1 || '%'`,
            gone.account,
          ),
          table,
        ).toEqual([])
      }
    }
    expect(await rowsOf(other.account)).toEqual(before)
    await expect(gone.limits.commit(gone.hold)).rejects.toThrow(NotFoundError)
    await expect(gone.limits.release(gone.hold)).rejects.toThrow(NotFoundError)
  })

  it('counts a row that somebody else has now no second time, and gives nothing back for it', async () => {
    const [{ account }, heir] = [await used(), await test.subscribe('starter')]
    await test.raw('update requests set user_id = $2 where user_id = $1', account, heir)
    await operator.forget(test.service(account))
    await test.raw(`update requests set status = 'done' where user_id = $1`, heir)
    expect(await test.used(heir, 'requests')).toBeNull()
    await test.raw(`update requests set status = 'failed' where user_id = $1`, heir)
    expect(await test.used(heir, 'requests')).toBeNull()
  })

  it('is refused while rows of it count, which the plan would allow once more, and removes nothing', async () => {
    const { account } = await used()
    await test.raw(`insert into pillars (user_id) values ($1)`, account)
    const before = await rowsOf(account)
    await expect(operator.forget(test.service(account))).rejects.toThrow('rows that count for pillars')
    await expect(operator.forget(test.service(account))).rejects.toThrow(ValidationError)
    expect(await rowsOf(account)).toEqual(before)
    await test.raw(`delete from pillars where user_id = $1`, account)
    await operator.forget(test.service(account))
    expect(Object.values(await rowsOf(account))).toEqual([0, 0, 0, 0, 0])
  })

  it('is a call for a trigger on the accounts, whose statement deletes their rows as well', async () => {
    const [one, two] = [await used(), await used()]
    const ids = [one.account, two.account]
    for (const id of ids) await test.raw(`insert into pillars (user_id) values ($1)`, id)
    await test.rawAs('tenantry_service', `select tenantry.limit_erase('{${ids.join(',')}}', true)`)
    await test.raw('delete from pillars where user_id = any ($1)', `{${ids.join(',')}}`)
    for (const id of ids) expect(Object.values(await rowsOf(id))).toEqual([0, 0, 0, 0, 0])
  })

  it('is not hindered by rows of others', async () => {
    const { account } = await used()
    await test.raw(`insert into pillars (user_id) values ($1)`, await test.subscribe('starter'))
    await operator.forget(test.service(account))
    expect(Object.values(await rowsOf(account))).toEqual([0, 0, 0, 0, 0])
  })

  it('of one that goes on begins anew', async () => {
    const { account, limits } = await used()
    await operator.forget(test.service(account))
    expect(await limits.consume('posts', 10, { key: 'once' })).toMatchObject({ used: 10, replayed: false })
  })
})

it('asks and says nothing but for the service role, by raw SQL neither', async () => {
  const account = await test.subscribe('starter')
  const mine = test.as(account)
  const calls: readonly ((executor: Executor) => Promise<unknown>)[] = [
    (executor) => operator.nearLimits(executor),
    (executor) => operator.usageByPlan(executor),
    (executor) => operator.override(executor, { feature: 'posts', cap: null }),
    (executor) => operator.dropOverride(executor, { feature: 'posts' }),
    (executor) => operator.forget(executor),
  ]
  for (const call of calls) {
    await expect(call(mine)).rejects.toThrow(IsolationError)
    await call(test.service(account))
  }
  for (const text of [
    `select tenantry.limit_erase(array['${account}'::uuid])`,
    `delete from tenantry.limit_overrides`,
  ]) {
    await expect(test.rawAs('tenantry_tenant', text, account)).rejects.toThrow(IsolationError)
  }
})

it('are verbs of the repository, for the tenant to which it is bound', async () => {
  const account = await test.subscribe('starter')
  const [mine, service] = [
    plans.repository.bind(test.as(account)),
    plans.repository.bind(test.service(account)),
  ]
  await service.override({ feature: 'posts', cap: 20 })
  await test.limits(account).consume('posts', 18)
  expect((await mine.usage())[0]).toMatchObject({ feature: 'posts', used: 18, limit: 20 })
  expect(await service.nearLimits({ percent: 90 })).toContainEqual(
    expect.objectContaining({ account, feature: 'posts', percentage: 90 }),
  )
  expect(await service.usageByPlan({ month: '2020-01' })).toEqual([])
  await service.dropOverride('posts')
  expect((await mine.usage())[0]).toMatchObject({ limit: 10 })
  await service.forget()
  expect((await mine.usage())[0]).toMatchObject({ used: 0 })
  expect(plans.repository).toMatchObject({ table: plans.tables.limitCounters, tenant: 'account' })
  await expect(mine.forget()).rejects.toThrow(IsolationError)
})

it('refuse what is no month, share or number of rows', async () => {
  const service = serviceExecutor(test.database)
  for (const month of ['2026-13', '2026', '2026-1', '', ' 2026-11']) {
    await expect(operator.usageByPlan(service, { month }), month).rejects.toMatchObject({
      issues: [{ path: 'month' }],
    })
  }
  for (const percent of [0, -1, 1001, Number.NaN]) {
    await expect(operator.nearLimits(service, { percent })).rejects.toThrow(ValidationError)
  }
  for (const limit of [0, -1, 1.5, 1001, Number.NaN]) {
    await expect(operator.nearLimits(service, { limit })).rejects.toThrow(ValidationError)
  }
})

describeOnServer('an account that is forgotten while it is used', () => {
  it('keeps no hold without its counter, and counters that reserve what is held', async () => {
    const pool = await test.connect(8)
    try {
      for (let turn = 0; turn < 10; turn += 1) {
        const account = await test.subscribe('agency')
        const limits = test.limits(account, test.as(account, pool))
        const hold = async (key: string) => {
          const held = await limits.hold('calls', 1, { key, ttlMs: 60_000 })
          await limits.commit(held).catch((error: unknown) => {
            if (!(error instanceof NotFoundError)) throw error
          })
          return limits.hold('calls', 1, { key: `${key} again`, ttlMs: 60_000 })
        }
        const outcomes = await Promise.allSettled([
          ...Array.from({ length: 8 }, (_, n) => hold(`a ${n}`)),
          operator.forget(test.service(account, pool)),
          ...Array.from({ length: 8 }, (_, n) => hold(`b ${n}`)),
        ])
        for (const outcome of outcomes) {
          // A deadlock would be one as well; the caller that meets it did nothing, and tries again.
          if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ retryable: true })
        }
        expect(
          await test.raw(
            `select held.* from tenantry.limit_holds as held left join tenantry.limit_counters as counter
              using (account, feature, subject, ends) where held.account = $1 and counter.account is null`,
            account,
          ),
        ).toEqual([])
      }
      for (const check of plans.module.checks ?? []) {
        expect(await test.database.driver.transaction({}, (connection) => check.run(connection))).toEqual([])
      }
    } finally {
      await pool.close()
    }
  })
})
