import { type Database, type IsolationLevel, withRetry } from '@tenantry/core'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RateLimitError } from '../src/index.ts'
import { createRateLimits, declared, rows } from './support/rate-limits.ts'
import { ALICE, type TestSystem } from './support/system.ts'

const CONNECTIONS = 12

describeOnServer('callers at once', () => {
  let test: TestSystem
  let pool: Database
  beforeAll(async () => {
    test = await createRateLimits()
    pool = await test.connect(CONNECTIONS)
  })
  afterAll(async () => {
    await pool.close()
    await test.close()
  })

  async function outcomes(calls: readonly (() => Promise<unknown>)[]) {
    const settled = await Promise.allSettled(calls.map((call) => call()))
    const rejected = settled.filter((each) => each.status === 'rejected').map((each): unknown => each.reason)
    const others = rejected.filter((error) => !(error instanceof RateLimitError))
    expect(others).toEqual([])
    return { allowed: settled.length - rejected.length, refused: rejected.length }
  }

  const LEVELS: readonly IsolationLevel[] = ['read committed', 'repeatable read', 'serializable']

  for (const isolation of LEVELS) {
    it.each(['calls', 'bucket'] as const)(
      `of "%s" are allowed exactly as many as fit, at ${isolation}`,
      async (limit) => {
        const subject = `race ${isolation}`
        const call = () =>
          withRetry(
            () =>
              test
                .as(ALICE, pool)
                .transaction((within) => declared.take(within, limit, { subject }), { isolation }),
            { attempts: 100, maxDelayMs: 50 },
          )
        // The first of all makes the row: that race is part of it.
        expect(await outcomes(Array.from({ length: 40 }, () => call))).toEqual({ allowed: 10, refused: 30 })
      },
    )
  }

  it.each(['calls', 'bucket'] as const)(
    'without a transaction: exactly as many of "%s" as fit',
    async (limit) => {
      const take = () => declared.take(test.as(ALICE, pool), limit, { subject: 'single', amount: 3 })
      expect(await outcomes(Array.from({ length: 60 }, () => take))).toEqual({ allowed: 3, refused: 57 })
    },
  )

  it("of a host's row are allowed exactly as many as it says, and it counts them", async () => {
    await test.raw(`insert into rate_limits (user_id, key, limit_count) values ($1, 'race', 25)`, ALICE)
    const take = () => rows.take(test.as(ALICE, pool), 'race')
    expect(await outcomes(Array.from({ length: 80 }, () => take))).toEqual({ allowed: 25, refused: 55 })
    expect(await test.raw(`select current_count from rate_limits where key = 'race'`)).toEqual([[25]])
  })

  it('are never more than a window holds, whenever one looks', async () => {
    // Law: of all calls that were ever allowed, no 400 ms hold more than 5.
    await test.raw(`create table log (at timestamptz not null)`)
    await test.raw(`create function log_call() returns trigger language plpgsql security definer as $$
      begin insert into public.log values (new.instants[cardinality(new.instants)]); return null; end $$`)
    await test.raw(`create trigger log_call after insert or update on tenantry.rate_limit_state
      for each row when (new.limit_name = 'brief') execute function log_call()`)
    const end = performance.now() + 2000
    await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        while (performance.now() < end) {
          await declared
            .take(test.as(ALICE, pool), 'brief', { subject: 'sliding' })
            .catch((error: unknown) => {
              if (!(error instanceof RateLimitError)) throw error
            })
        }
      }),
    )
    const [row] = await test.raw(`
      select max(held), count(*) from (
        select count(*) over (order by at range between interval '400 milliseconds' preceding and current row)
          - count(*) over (order by at range between interval '400 milliseconds' preceding and interval '400 milliseconds' preceding) as held
        from log
      ) as spans`)
    expect(Number(row?.[0])).toBeLessThanOrEqual(5)
    // At best 25: a limit that refuses too much would be no limit to rely on.
    expect(Number(row?.[1])).toBeGreaterThanOrEqual(10)
  })
})
