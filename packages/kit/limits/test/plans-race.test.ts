/** Many connections at once, at every isolation level. */
import {
  type Database,
  type Executor,
  IdempotencyError,
  type IsolationLevel,
  PlanLimitError,
  StaleTransitionError,
  withRetry,
} from '@tenantry/core'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStudio, plans, type Studio } from './support/studio.ts'

const LEVELS: readonly IsolationLevel[] = ['read committed', 'repeatable read', 'serializable']
const CONNECTIONS = 20

describeOnServer('many callers at once', () => {
  let test: Studio
  let wide: Database
  beforeAll(async () => {
    test = await createStudio()
    wide = await test.connect(CONNECTIONS)
  })
  afterAll(async () => {
    await wide.close()
    await test.close()
  })

  /** Again after a serialization failure, until the call says something. */
  const patiently = <T>(run: () => Promise<T>): Promise<T> =>
    withRetry(run, { attempts: 300, baseDelayMs: 2, maxDelayMs: 40 })

  const at = <T>(
    isolation: IsolationLevel,
    account: string,
    run: (executor: Executor) => Promise<T>,
  ): Promise<T> => patiently(() => test.as(account, wide).transaction(run, { isolation }))

  /** How many succeeded; anything but a refusal by the plan is a failure of the test. */
  async function admitted(calls: readonly Promise<unknown>[]): Promise<number> {
    const outcomes = await Promise.allSettled(calls)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected' && !(outcome.reason instanceof PlanLimitError)) throw outcome.reason
    }
    return outcomes.filter(({ status }) => status === 'fulfilled').length
  }

  const times = (n: number, call: (index: number) => Promise<unknown>): readonly Promise<unknown>[] =>
    Array.from({ length: n }, (_, index) => call(index))

  /** Resolves when as many sessions wait for a lock. */
  async function waiting(sessions: number): Promise<void> {
    for (let tries = 0; tries < 2000; tries++) {
      const [[count] = []] = await test.raw(
        `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      if (Number(count) >= sessions) return
      await new Promise((next) => setTimeout(next, 5))
    }
    throw new Error('Nobody waits')
  }

  const counters = async (account: string, feature: string) =>
    (
      await test.raw(
        'select used::float8, reserved::float8, overage::float8 from tenantry.limit_counters where account = $1 and feature = $2',
        account,
        feature,
      )
    )[0]

  describe.each(LEVELS)('%s', (isolation) => {
    it('admits exactly as many as the cap, on a new counter and on a used one', async () => {
      const account = await test.subscribe('starter')
      const call = () => at(isolation, account, (inner) => plans.bind(inner).consume('posts'))
      expect(await admitted(times(6, call))).toBe(6)
      expect(await admitted(times(30, call))).toBe(4)
      expect(await counters(account, 'posts')).toEqual([10, 0, 0])
    })

    it('holds exactly as much as the cap, beside what is consumed', async () => {
      const account = await test.subscribe('starter')
      await test.limits(account).consume('posts', 2)
      const hold = (n: number) =>
        at(isolation, account, (inner) =>
          plans.bind(inner).hold('posts', 1, { key: `hold ${n}`, ttlMs: 60_000 }),
        )
      const consume = () => at(isolation, account, (inner) => plans.bind(inner).consume('posts'))
      expect(await admitted([...times(20, hold), ...times(10, consume)])).toBe(8)
      const [used, reserved] = (await counters(account, 'posts')) ?? []
      expect(Number(used) + Number(reserved)).toBe(10)
    })

    it('admits exactly as many rows as the cap, in statements of several rows, all or nothing', async () => {
      const account = await test.subscribe('growth')
      const insert = (rows: number) => () =>
        at(isolation, account, (inner) =>
          inner.run({
            text: 'insert into pillars (user_id) select $1::uuid from generate_series(1, $2::integer)',
            params: [account, rows],
            gated: false,
          }),
        )
      expect(await admitted([...times(8, insert(2)), ...times(8, insert(1))])).toBeGreaterThanOrEqual(3)
      const [[rows] = []] = await test.raw('select count(*)::float8 from pillars where user_id = $1', account)
      expect([rows, 0, 0]).toEqual(await counters(account, 'pillars'))
      expect(rows).toBe(5)
    })

    it('counts a draft once, however many approve it', async () => {
      const account = await test.subscribe('starter')
      const [[id] = []] = await test.raw('insert into drafts (user_id) values ($1) returning id', account)
      const approve = () =>
        at(isolation, account, (inner) =>
          inner.run({
            text: `update drafts set status = 'approved' where id = $1 and user_id = $2`,
            params: [id, account],
            gated: false,
          }),
        )
      expect(await admitted(times(12, approve))).toBe(12)
      expect(await counters(account, 'posts')).toEqual([1, 0, 0])
    })

    it('denies the caller who waited while the cap was lowered', async () => {
      const account = await test.subscribe('growth')
      await test.limits(account).consume('posts', 10)
      const waits = await test.database.driver.transaction({}, async (connection) => {
        await connection.query({
          text: `update subscriptions set plan = 'starter' where user_id = $1`,
          params: [account],
        })
        const call = at(isolation, account, (inner) => plans.bind(inner).consume('posts'))
        const outcome = call.then(
          () => null,
          (error: unknown) => error,
        )
        await waiting(1)
        return { outcome }
      })
      expect(await waits.outcome).toMatchObject({ code: 'TENANTRY_LIMIT', limit: 10, used: 10 })
    })

    it('opens no counter by a plan that is just being changed', async () => {
      const account = await test.subscribe('growth')
      // Who opens comes after who changes.
      const { outcome } = await test.database.driver.transaction({}, async (connection) => {
        await connection.query({
          text: `update subscriptions set plan = 'starter' where user_id = $1`,
          params: [account],
        })
        const call = at(isolation, account, (inner) => plans.bind(inner).consume('posts', 11))
        const settled = call.then(
          () => null,
          (error: unknown) => error,
        )
        await waiting(1)
        return { outcome: settled }
      })
      expect(await outcome).toMatchObject({ code: 'TENANTRY_LIMIT', limit: 10, used: 0 })

      // Who changes comes after who opens.
      const other = await test.subscribe('growth')
      const changed = await test.as(other, wide).transaction(async (inner) => {
        await plans.bind(inner).consume('posts')
        const change = patiently(() =>
          wide.driver.transaction({ isolation }, (connection) =>
            connection.query({
              text: `update subscriptions set plan = 'starter' where user_id = $1`,
              params: [other],
            }),
          ),
        )
        await waiting(1)
        return { change }
      })
      await changed.change
      const [[cap] = []] = await test.raw(
        'select cap::float8 from tenantry.limit_counters where account = $1',
        other,
      )
      expect(cap).toBe(10)
    })

    it('is one effect for one key', async () => {
      const account = await test.subscribe('starter')
      const limits = (inner: Executor) => plans.bind(inner)
      const consumed = times(12, () =>
        at(isolation, account, (inner) => limits(inner).consume('posts', 4, { key: 'once' })),
      )
      const held = times(12, () =>
        at(isolation, account, (inner) => limits(inner).hold('posts', 3, { key: 'hold', ttlMs: 60_000 })),
      )
      expect(await admitted([...consumed, ...held])).toBe(24)
      expect(await counters(account, 'posts')).toEqual([4, 3, 0])
    })

    it('resolves a hold once: commit, release, expiry and replay at the same time', async () => {
      for (let round = 0; round < 4; round++) {
        const account = await test.subscribe('starter')
        const hold = await test.limits(account).hold('posts', 5, { key: 'k', ttlMs: 60_000 })
        const expired = round % 2 === 0
        if (expired) {
          await test.raw(
            `update tenantry.limit_holds set expires_at = now() - interval '1 minute' where id = $1`,
            hold.id,
          )
        }
        const on = (run: (limits: ReturnType<typeof plans.bind>) => Promise<unknown>) =>
          at(isolation, account, (inner) => run(plans.bind(inner)))
        const outcomes = await Promise.allSettled([
          ...times(3, () => on((limits) => limits.commit(hold, 4))),
          ...times(3, () => on((limits) => limits.release(hold))),
          ...times(2, () => on((limits) => limits.hold('posts', 5, { key: 'k', ttlMs: 60_000 }))),
          ...(expired ? times(2, () => patiently(() => test.raw('select tenantry.limit_expire(10)'))) : []),
        ])
        for (const outcome of outcomes) {
          if (outcome.status === 'fulfilled') continue
          expect([StaleTransitionError, IdempotencyError]).toContain(outcome.reason.constructor)
        }
        const [[finalized, pending] = []] = await test.raw(
          `select coalesce(sum(actual), 0)::float8, coalesce(sum(amount) filter (where state = 'pending'), 0)::float8
          from tenantry.limit_holds where account = $1`,
          account,
        )
        const [used, reserved, overage] = (await counters(account, 'posts')) ?? []
        expect(Number(used) + Number(overage)).toBe(finalized)
        expect(reserved).toBe(pending)
        expect([0, 4]).toContain(finalized)
      }
    })
  })

  it('never deadlocks batches over several accounts and features in opposite orders', async () => {
    const accounts = await Promise.all(Array.from({ length: 6 }, () => test.subscribe('growth')))
    const statement = (order: 'asc' | 'desc', table: string) => () =>
      wide.driver.query({
        text: `insert into ${table} (user_id) select account from unnest($1::uuid[]) with ordinality as each (account, n) order by n ${order}`,
        params: [accounts],
      })
    const remove = () =>
      wide.driver.query({
        text: 'delete from files where id in (select id from files order by random() limit 20 for update skip locked)',
        params: [],
      })
    const change = (n: number) =>
      wide.driver.query({
        text: `update subscriptions set plan = $2 where user_id = $1`,
        params: [accounts[n % accounts.length], n % 2 === 0 ? 'agency' : 'growth'],
      })
    const work = times(60, async (n) => {
      if (n % 4 === 0) return statement('asc', 'files')()
      if (n % 4 === 1) return statement('desc', 'files')()
      return n % 4 === 2 ? remove() : change(n)
    })
    const failures = (await Promise.allSettled(work)).flatMap((outcome) =>
      outcome.status === 'rejected' && !(outcome.reason instanceof PlanLimitError) ? [outcome.reason] : [],
    )
    expect(failures).toEqual([])
    for (const check of plans.module.checks ?? []) {
      expect(await wide.driver.transaction({}, (connection) => check.run(connection))).toEqual([])
    }
  })

  it('never deadlocks batches that open counters of several accounts and features, nor a change of their plans', async () => {
    for (let round = 0; round < 15; round++) {
      const accounts = await Promise.all([test.subscribe('growth'), test.subscribe('growth')])
      const [first, last] = accounts.toSorted()
      // One counts a request only, and the other what was spent only.
      const batch = (request: string | undefined, spending: string | undefined) =>
        wide.driver.query({
          text: `insert into requests (user_id, status, cost) values ($1, 'pending', null), ($2, 'failed', 1)`,
          params: [request, spending],
        })
      const change = wide.driver.query({
        text: `update subscriptions set plan = 'agency' where user_id = any ($1)`,
        params: [accounts],
      })
      await Promise.all([
        batch(last, first),
        batch(first, last),
        change,
        batch(last, first),
        batch(first, last),
      ])
    }
  })

  it('lets calls for a hot counter travel together, exact at the cap, each with its own answer', async () => {
    const account = await test.subscribe('starter')
    const outcomes = await Promise.allSettled(times(60, () => test.limits(account).consume('calls', 1)))
    const used = outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? [(outcome.value as { used: number }).used] : [],
    )
    expect(used.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ used: 50, limit: 50, requested: 1 })
    }
    expect(await counters(account, 'calls')).toEqual([50, 0, 0])
    const mixed = await Promise.allSettled(
      [3, 4, 4, 9, 1, 2].map((n) => test.limits(account).consume('posts', n)),
    )
    // The first goes alone, then the others in their order as far as there is room: 3 + 4, 1 + 2 fit.
    expect(mixed.map(({ status }) => status === 'fulfilled')).toEqual([true, true, false, false, true, true])
    expect(await counters(account, 'posts')).toEqual([10, 0, 0])
  })
})
