import {
  ConfigurationError,
  type Executor,
  IsolationError,
  LimitError,
  NotFoundError,
  ValidationError,
} from '@tenantry/core'
import { verifyIsolation } from '@tenantry/rls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineRateLimits, RateLimitError } from '../src/index.ts'
import { createRateLimits, declared, rows, tenant } from './support/rate-limits.ts'
import { ALICE, BOB, type TestSystem } from './support/system.ts'

let test: TestSystem
beforeAll(async () => {
  test = await createRateLimits()
})
afterAll(() => test.close())

/** A subject of its own, so that tests don't meet. */
let made = 0
const fresh = () => `subject ${++made}`

async function refusal(call: Promise<unknown>): Promise<RateLimitError> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof RateLimitError) return error
  throw new Error('The call was not refused by a rate limit', { cause: error })
}

/** The row as the server keeps it, with the transaction that wrote it last. */
const stored = (subject: string) =>
  test.raw(`select state.*, xmin, xmax from tenantry.rate_limit_state as state where subject = $1`, subject)

/** As if it had happened that much earlier. */
const backdate = (subject: string, by: string) =>
  test.raw(
    `update tenantry.rate_limit_state
     set instants = array(select each - $2::interval from unnest(instants) as each order by 1)
     where subject = $1`,
    subject,
    by,
  )

describe('a sliding window', () => {
  it('allows as many as it holds, then refuses with what is known', async () => {
    const subject = fresh()
    for (let left = 9; left >= 0; left--) {
      expect(await declared.take(test.as(ALICE), 'calls', { subject })).toMatchObject({
        quota: 10,
        remaining: left,
      })
    }
    const error = await refusal(declared.take(test.as(ALICE), 'calls', { subject }))
    expect(error).toBeInstanceOf(LimitError)
    expect(error.toJSON()).toMatchObject({
      code: 'TENANTRY_LIMIT',
      reason: 'rate',
      httpStatus: 429,
      retryable: false,
      limit: 'calls',
      quota: 10,
      remaining: 0,
      requested: 1,
    })
    expect(error.retryAfterMs).toBeGreaterThan(3_590_000)
    expect(error.retryAfterMs).toBeLessThanOrEqual(3_600_000)
  })

  it('slides: each call leaves when it is as old as the window, not when a window of the clock ends', async () => {
    const subject = fresh()
    await declared.take(test.as(ALICE), 'calls', { subject, amount: 6 })
    await backdate(subject, '59 minutes')
    await declared.take(test.as(ALICE), 'calls', { subject, amount: 4 })
    expect(
      (await refusal(declared.take(test.as(ALICE), 'calls', { subject }))).retryAfterMs,
    ).toBeLessThanOrEqual(60_000)
    await backdate(subject, '1 minute')
    expect((await refusal(declared.take(test.as(ALICE), 'calls', { subject, amount: 7 }))).remaining).toBe(6)
    expect(await declared.take(test.as(ALICE), 'calls', { subject, amount: 6 })).toMatchObject({
      remaining: 0,
    })
    // Those of a minute ago still count.
    const error = await refusal(declared.take(test.as(ALICE), 'calls', { subject, amount: 4 }))
    expect(error.retryAfterMs).toBeGreaterThan(58 * 60_000)
    expect(error.retryAfterMs).toBeLessThanOrEqual(59 * 60_000)
  })

  it('tells the wait to the millisecond: until the call that has to go is as old as the window', async () => {
    const subject = fresh()
    await declared.take(test.as(ALICE), 'calls', { subject, amount: 6 })
    await declared.take(test.as(ALICE), 'calls', { subject, amount: 4 })
    const [row] = await test.raw(
      `with before as materialized (select clock_timestamp() as at),
      taken as materialized (
        select before.at, answer.* from before, tenantry.take_rate_limit_state($1, 'calls', $2, 7) as answer
      )
      select allowed, retry_after_ms between
          ceil(extract(epoch from state.instants[7] + interval '1 hour' - clock_timestamp()) * 1000)
          and ceil(extract(epoch from state.instants[7] + interval '1 hour' - taken.at) * 1000)
      from taken, tenantry.rate_limit_state as state where state.subject = $2`,
      ALICE,
      subject,
    )
    expect(row).toEqual([false, true])
  })

  it('keeps no more instants than it holds, however often it is called', async () => {
    const subject = fresh()
    for (let round = 0; round < 5; round++) {
      await declared.take(test.as(ALICE), 'calls', { subject, amount: 10 })
      await backdate(subject, '1 hour')
    }
    await declared.take(test.as(ALICE), 'calls', { subject })
    const [row] = await test.raw(
      'select cardinality(instants) from tenantry.rate_limit_state where subject = $1',
      subject,
    )
    expect(row).toEqual([1])
    await declared.take(test.as(ALICE), 'wide', { subject, amount: 1000 })
    const [size] = await test.raw(
      `select pg_column_size(instants) < 8200 from tenantry.rate_limit_state where subject = $1 and limit_name = 'wide'`,
      subject,
    )
    expect(size).toEqual([true])
  })

  it('of none refuses everything, for ever', async () => {
    const error = await refusal(declared.take(test.as(ALICE), 'closed', { subject: fresh() }))
    expect(error.retryAfterMs).toBeNull()
  })
})

describe('a token bucket', () => {
  it('is full at first, and gets its calls back one after the other', async () => {
    const subject = fresh()
    expect(await declared.take(test.as(ALICE), 'bucket', { subject, amount: 10 })).toMatchObject({
      remaining: 0,
    })
    const error = await refusal(declared.take(test.as(ALICE), 'bucket', { subject }))
    expect(error.retryAfterMs).toBeGreaterThan(3_590_000)
    await backdate(subject, '3 hours')
    expect(await declared.status(test.as(ALICE), 'bucket', { subject })).toMatchObject({ remaining: 3 })
    expect(await declared.take(test.as(ALICE), 'bucket', { subject, amount: 2 })).toMatchObject({
      remaining: 1,
    })
    const more = await refusal(declared.take(test.as(ALICE), 'bucket', { subject, amount: 2 }))
    expect(more.remaining).toBe(1)
    expect(more.retryAfterMs).toBeGreaterThan(3_590_000)
  })

  it('holds no more than its capacity, however long nobody calls', async () => {
    const subject = fresh()
    await declared.take(test.as(ALICE), 'bucket', { subject })
    await backdate(subject, '10 years')
    expect(await declared.status(test.as(ALICE), 'bucket', { subject })).toEqual({
      quota: 10,
      remaining: 10,
      resetAfterMs: 0,
    })
    await refusal(declared.take(test.as(ALICE), 'bucket', { subject, amount: 11 }))
  })
})

it.each(['brief', 'quick'] as const)('after the wait that it tells, a call is allowed: %s', async (limit) => {
  const subject = fresh()
  // All at once and then two more, in one statement, so that a slow machine is no reason for the second to be allowed.
  const [row] = await test.raw(
    `with emptied as materialized (select * from tenantry.take_rate_limit_state($1, $2, $3, 5))
    select emptied.allowed, refused.allowed, refused.retry_after_ms
    from emptied, lateral tenantry.take_rate_limit_state($1, $2, $3, 2 + 0 * emptied.quota::integer) as refused`,
    ALICE,
    limit,
    subject,
  )
  expect(row).toEqual([true, false, expect.stringMatching(/^\d+$/)])
  await test.raw('select pg_sleep($1::float8 / 1000)', row?.[2])
  expect(await declared.take(test.as(ALICE), limit, { subject, amount: 2 })).toMatchObject({ quota: 5 })
})

describe('any limit', () => {
  it.each(['calls', 'bucket'] as const)(
    'writes nothing and locks nothing when it refuses: %s',
    async (limit) => {
      const subject = fresh()
      await declared.take(test.as(ALICE), limit, { subject, amount: 10 })
      const before = await stored(subject)
      await refusal(declared.take(test.as(ALICE), limit, { subject }))
      await declared.status(test.as(ALICE), limit, { subject })
      expect(await stored(subject)).toEqual(before)
      const other = fresh()
      await refusal(declared.take(test.as(ALICE), limit, { subject: other, amount: 11 }))
      expect(await stored(other)).toEqual([])
    },
  )

  it('counts tenants, subjects and limits by themselves', async () => {
    const subject = fresh()
    const full = { subject, amount: 10 }
    await declared.take(test.as(ALICE), 'calls', full)
    await declared.take(test.as(ALICE), 'calls', { subject: fresh(), amount: 10 })
    await declared.take(test.as(ALICE), 'bucket', full)
    await declared.take(test.as(BOB), 'calls', full)
    await declared.take(test.service(BOB), 'bucket', full)
  })

  it('gives a call back when its transaction is rolled back', async () => {
    const subject = fresh()
    await expect(
      test.as(ALICE).transaction(async (within) => {
        await declared.take(within, 'calls', { subject, amount: 10 })
        throw new Error('the work failed')
      }),
    ).rejects.toThrow('the work failed')
    await declared.take(test.as(ALICE), 'calls', { subject, amount: 10 })
  })

  it('reads its number from an expression at each call, and refuses where that gives none', async () => {
    const subject = fresh()
    const take = () => declared.take(test.as(ALICE), 'configured', { subject })
    await expect(take()).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
      message: expect.stringContaining('"configured" is not declared, or its expression gives no number'),
    })
    await test.raw('insert into settings (key, value) values ($1, $2)', `max_calls${subject}`, '2')
    await take()
    await take()
    await refusal(take())
    await test.raw('update settings set value = $2 where key = $1', `max_calls${subject}`, '3')
    expect(await take()).toMatchObject({ quota: 3, remaining: 0 })
    await test.raw('update settings set value = $2 where key = $1', `max_calls${subject}`, '1')
    expect((await refusal(take())).remaining).toBe(0)
    await test.raw('update settings set value = $2 where key = $1', `max_calls${subject}`, '1001')
    await expect(take()).rejects.toThrow(ValidationError)
  })

  it.each([0, -1, 1.5, Number.NaN, 2_000_000])('refuses an amount of %s', async (amount) => {
    await expect(declared.take(test.as(ALICE), 'calls', { subject: fresh(), amount })).rejects.toThrow(
      ValidationError,
    )
  })

  it('that nobody declared is an error that names those that are', async () => {
    for (const name of ['other', 'toString', '']) {
      for (const call of [declared.take, declared.status]) {
        await expect(call(test.as(ALICE), name as 'calls')).rejects.toMatchObject({
          code: 'TENANTRY_CONFIGURATION',
          hint: 'Declared are calls, brief, closed, wide, bucket, quick, configured',
        })
      }
    }
    // Raw SQL is told by the database.
    await expect(
      test.rawAs(
        'tenantry_tenant',
        `select * from tenantry.take_rate_limit_state('${ALICE}', 'other', '', 1)`,
        ALICE,
      ),
    ).rejects.toThrow('"other" is not declared')
  })

  it('of a subject that no row could hold is refused', async () => {
    for (const subject of ['x'.repeat(201), '\0']) {
      await expect(declared.take(test.as(ALICE), 'calls', { subject })).rejects.toThrow(ValidationError)
    }
  })

  it("can't be written by its tenant, nor taken for another one", async () => {
    const subject = fresh()
    await declared.take(test.as(ALICE), 'calls', { subject })
    for (const statement of [
      `update tenantry.rate_limit_state set instants = '{}'`,
      `delete from tenantry.rate_limit_state`,
      `insert into tenantry.rate_limit_state values ('${ALICE}', 'calls', 'x', '{}', now())`,
      `select * from tenantry.take_rate_limit_state('${BOB}', 'calls', '', 1)`,
      `select * from tenantry.take_rate_limit_state(null, 'calls', '', 1)`,
    ]) {
      await expect(test.rawAs('tenantry_tenant', statement, ALICE), statement).rejects.toThrow(IsolationError)
    }
    await expect(
      test.rawAs(
        'tenantry_tenant',
        `select * from tenantry.take_rate_limit_state('${ALICE}', 'calls', '', 1)`,
      ),
    ).rejects.toThrow(IsolationError)
    const seen = await test.rawAs('tenantry_tenant', 'select count(*) from tenantry.rate_limit_state', BOB)
    const all = await test.raw('select count(*) from tenantry.rate_limit_state where tenant = $1', BOB)
    expect(seen).toEqual(all)
  })

  it('leaves nothing open that the check of isolation would find', async () => {
    const objects = [...declared.module.objects, ...rows.module.objects]
    const found = await test.database.driver.transaction({}, (connection) =>
      verifyIsolation(connection, { tenancy: test.tenancy, objects }),
    )
    expect(found).toEqual([])
  })

  it('is forgotten a day after it has nothing to say', async () => {
    const [old, young] = [fresh(), fresh()]
    await declared.take(test.as(ALICE), 'brief', { subject: old })
    await declared.take(test.as(ALICE), 'brief', { subject: young })
    await test.raw(
      `update tenantry.rate_limit_state set clear_at = clear_at - interval '25 hours' where subject = $1`,
      old,
    )
    const [job] = declared.module.jobs ?? []
    await test.database.driver.session(async (session) => {
      expect(await job?.run(session)).toMatchObject({ changed: 1 })
    })
    expect(await stored(old)).toEqual([])
    expect(await stored(young)).toHaveLength(1)
  })
})

describe("limits in a host's table", () => {
  const limit = async (count: number, minutes = 60) => {
    const key = fresh()
    await test.raw(
      'insert into rate_limits (user_id, key, limit_count, window_minutes) values ($1, $2, $3, $4)',
      ALICE,
      key,
      count,
      minutes,
    )
    return key
  }

  it('are what the row says, which shows what is in the window', async () => {
    const key = await limit(3)
    const alice: Executor = test.as(ALICE)
    expect(await rows.take(alice, key)).toMatchObject({ quota: 3, remaining: 2 })
    await rows.take(alice, key, { amount: 2 })
    const error = await refusal(rows.take(alice, key))
    expect(error).toMatchObject({ limit: key, quota: 3 })
    const shown = () =>
      test.raw('select current_count, window_start = instants[1] from rate_limits where key = $1', key)
    expect(await shown()).toEqual([[3, true]])
    await test.raw('update rate_limits set limit_count = 4 where key = $1', key)
    expect(await rows.take(alice, key)).toMatchObject({ quota: 4, remaining: 0 })
    await test.raw('update rate_limits set window_minutes = 100000 where key = $1', key)
    expect((await refusal(rows.take(alice, key))).retryAfterMs).toBeGreaterThan(5_900_000_000)
  })

  it('that have no row, or only for another tenant, are not found', async () => {
    const key = await limit(3)
    await expect(rows.take(test.as(BOB), key)).rejects.toThrow(NotFoundError)
    await expect(rows.take(test.as(ALICE), fresh())).rejects.toThrow(NotFoundError)
    await expect(rows.status(test.as(ALICE), fresh())).rejects.toThrow(NotFoundError)
  })
})

describe('a declaration', () => {
  const define = (limit: Parameters<typeof defineRateLimits>[0]['limits'][string]) => () =>
    defineRateLimits({ tenant, limits: { limit } })

  it('of a window that would remember too many calls is refused, with what to take instead', () => {
    expect(define({ kind: 'sliding-window', limit: 1001, windowMs: 1000 })).toThrow(/token bucket/)
  })

  it.each([
    ['a negative limit', { kind: 'sliding-window', limit: -1, windowMs: 1000 }],
    ['half a call', { kind: 'sliding-window', limit: 1.5, windowMs: 1000 }],
    ['no window', { kind: 'sliding-window', limit: 1, windowMs: 0 }],
    ['no refill', { kind: 'token-bucket', capacity: 1, refill: 0, perMs: 1000 }],
    ['years', { kind: 'token-bucket', capacity: 1, refill: 1, perMs: 1e12 }],
  ] as const)('of %s is refused', (_, limit) => {
    expect(define(limit)).toThrow(ConfigurationError)
  })
})
