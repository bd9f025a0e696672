import {
  ConfigurationError,
  IdempotencyError,
  NotFoundError,
  PlanLimitError,
  StaleTransitionError,
  ValidationError,
} from '@tenantry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plans } from './support/studio.ts'
import { createStudio, type Studio } from './support/studio.ts'

let test: Studio
beforeAll(async () => {
  test = await createStudio()
})
afterAll(() => test.close())

const HOUR = 3_600_000

async function setup() {
  const account = await test.subscribe('starter')
  const limits = test.limits(account)
  return {
    account,
    limits,
    counter: async (feature = 'posts') => {
      const [row = []] = await test.raw(
        'select used::float8, reserved::float8, overage::float8 from tenantry.limit_counters where account = $1 and feature = $2 order by ends',
        account,
        feature,
      )
      return row
    },
    expire: async (id: string) => {
      await test.raw(
        `update tenantry.limit_holds set expires_at = now() - interval '1 second' where id = $1`,
        id,
      )
    },
  }
}

describe('a hold', () => {
  it('takes room until it is committed with what the work took', async () => {
    const { limits, counter } = await setup()
    const hold = await limits.hold('posts', 8, { key: 'a', ttlMs: HOUR })
    expect(hold).toMatchObject({ amount: 8, state: 'pending', actual: null, replayed: false })
    expect(await counter()).toEqual([0, 8, 0])
    const error: unknown = await limits.consume('posts', 3).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ reason: 'holds', reserved: 8, used: 0, httpStatus: 429, retryable: true })
    await expect(limits.consume('posts', 11)).rejects.toMatchObject({ reason: 'limit' })
    expect(await limits.commit(hold, 5)).toMatchObject({ state: 'committed', actual: 5 })
    expect(await counter()).toEqual([5, 0, 0])
  })

  it('gives everything back when it is released', async () => {
    const { limits, counter } = await setup()
    const hold = await limits.hold('posts', 8, { key: 'a', ttlMs: HOUR })
    expect(await limits.release(hold)).toMatchObject({ state: 'released', replayed: false })
    expect(await limits.release(hold)).toMatchObject({ state: 'released', replayed: true })
    expect(await counter()).toEqual([0, 0, 0])
    await expect(limits.commit(hold)).rejects.toThrow(StaleTransitionError)
    // The key is free for another attempt.
    expect(await limits.hold('posts', 8, { key: 'a', ttlMs: HOUR })).toMatchObject({
      state: 'pending',
      replayed: false,
    })
  })

  it('is one hold for one key, and a conflict for a key of something else', async () => {
    const { limits, counter } = await setup()
    const hold = await limits.hold('posts', 2, { key: 'a', ttlMs: HOUR })
    expect(await limits.hold('posts', 2, { key: 'a', ttlMs: HOUR })).toEqual({ ...hold, replayed: true })
    await expect(limits.hold('posts', 3, { key: 'a', ttlMs: HOUR })).rejects.toThrow(IdempotencyError)
    await expect(limits.hold('posts', 2, { key: 'a', ttlMs: 2 * HOUR })).rejects.toThrow(IdempotencyError)
    await expect(limits.hold('calls', 2, { key: 'a', ttlMs: HOUR })).rejects.toThrow(IdempotencyError)
    await expect(limits.consume('posts', 2, { key: 'a' })).rejects.toThrow(IdempotencyError)
    expect(await counter()).toEqual([0, 2, 0])
    await limits.commit(hold, 1)
    expect(await limits.commit(hold, 1)).toMatchObject({ state: 'committed', actual: 1, replayed: true })
    await expect(limits.commit(hold, 2)).rejects.toThrow(IdempotencyError)
    await expect(limits.release(hold)).rejects.toThrow(StaleTransitionError)
    expect(await limits.hold('posts', 2, { key: 'a', ttlMs: HOUR })).toMatchObject({
      state: 'committed',
      actual: 1,
    })
    expect(await counter()).toEqual([1, 0, 0])
  })

  it('that took more than it held uses the room that is left, and calls the rest overage', async () => {
    const { limits, counter } = await setup()
    const hold = await limits.hold('spend', 1, { key: 'a', ttlMs: HOUR })
    await limits.consume('spend', 3.5)
    await limits.commit(hold, 2.75)
    expect(await counter('spend')).toEqual([5, 0, 1.25])
  })

  it('that has run out gives its room to others, and what it took in the end is overage', async () => {
    const { limits, counter, expire } = await setup()
    const hold = await limits.hold('posts', 8, { key: 'a', ttlMs: HOUR })
    await expire(hold.id)
    // The caller who needs the room needs no job for it.
    await limits.consume('posts', 10)
    expect(await counter()).toEqual([10, 0, 0])
    const again = await limits.hold('calls', 1, { key: 'a', ttlMs: HOUR })
    expect(again.id).not.toBe(hold.id)
    expect(await limits.commit(hold, 6)).toMatchObject({ state: 'late', actual: 6 })
    expect(await limits.commit(hold, 6)).toMatchObject({ state: 'late', replayed: true })
    expect(await counter()).toEqual([10, 0, 6])
  })

  it('is expired by the job, or by a commit that comes too late itself', async () => {
    const { limits, counter, expire } = await setup()
    const [first, second] = [
      await limits.hold('posts', 2, { key: 'a', ttlMs: HOUR }),
      await limits.hold('posts', 3, { key: 'b', ttlMs: HOUR }),
    ]
    await expire(first.id)
    await expire(second.id)
    expect(await limits.commit(second, 3)).toMatchObject({ state: 'late' })
    expect(await counter()).toEqual([0, 2, 3])
    const job = plans.module.jobs?.find(({ name }) => name === 'limits-expire-holds')
    await test.database.driver.session(async (session) => job?.run(session))
    expect(await counter()).toEqual([0, 0, 3])
  })

  it('stays in the period in which it was made', async () => {
    const { account, limits } = await setup()
    const hold = await limits.hold('posts', 8, { key: 'a', ttlMs: 300 * 24 * HOUR })
    await test.setClock(new Date(Date.now() + 40 * 24 * HOUR).toISOString())
    try {
      await limits.consume('posts', 10)
      await limits.commit(hold, 8)
    } finally {
      await test.setClock(null)
    }
    expect(
      await test.raw(
        'select used::float8, reserved::float8, overage::float8 from tenantry.limit_counters where account = $1 order by ends',
        account,
      ),
    ).toEqual([
      [8, 0, 0],
      [10, 0, 0],
    ])
  })

  it('of another account is not there', async () => {
    const { limits } = await setup()
    const other = await setup()
    const hold = await other.limits.hold('posts', 1, { key: 'a', ttlMs: HOUR })
    await expect(limits.commit(hold)).rejects.toThrow(NotFoundError)
    await expect(limits.release(hold)).rejects.toThrow(NotFoundError)
    await expect(limits.commit({ id: crypto.randomUUID(), amount: 1 })).rejects.toThrow(NotFoundError)
  })

  it('is refused with bad input, and nothing is held', async () => {
    const { limits, counter } = await setup()
    for (const ttlMs of [0, -1, 1.5, Number.NaN, 1e15]) {
      await expect(limits.hold('posts', 1, { key: 'a', ttlMs })).rejects.toThrow(ValidationError)
    }
    await expect(limits.hold('posts', 1, { key: '', ttlMs: HOUR })).rejects.toThrow(ValidationError)
    await expect(limits.hold('posts', 11, { key: 'a', ttlMs: HOUR })).rejects.toThrow(PlanLimitError)
    const hold = await limits.hold('posts', 10, { key: 'a', ttlMs: HOUR })
    for (const actual of [-1, Number.NaN, 0.5]) {
      await expect(limits.commit(hold, actual)).rejects.toThrow(ValidationError)
    }
    expect(await counter()).toEqual([0, 10, 0])
    expect(await limits.commit(hold, 0)).toMatchObject({ actual: 0 })
    expect(await counter()).toEqual([0, 0, 0])
  })
})

describe('withHold', () => {
  it('commits what the work took, and releases when it throws', async () => {
    const { limits, counter } = await setup()
    const result = await limits.withHold(
      'spend',
      { key: 'a', ttlMs: HOUR, amount: 2, actual: (cost: number) => cost },
      async (hold) => {
        expect(hold.state).toBe('pending')
        expect(await counter('spend')).toEqual([0, 2, 0])
        return 1.5
      },
    )
    expect(result).toBe(1.5)
    expect(await counter('spend')).toEqual([1.5, 0, 0])
    const work = () => {
      throw new Error('no answer')
    }
    const failing = { key: 'b', ttlMs: HOUR, amount: 1 }
    await expect(limits.withHold('spend', failing, work)).rejects.toThrow('no answer')
    expect(await counter('spend')).toEqual([1.5, 0, 0])
    await limits.withHold('spend', failing, async () => {})
    expect(await counter('spend')).toEqual([2.5, 0, 0])
    await expect(limits.withHold('spend', failing, async () => {})).rejects.toThrow(IdempotencyError)
  })

  it('runs the work of a key once at a time, so that nothing is done for free', async () => {
    const { limits, counter } = await setup()
    const options = { key: 'a', ttlMs: HOUR, amount: 2 }
    let again = 0
    await limits.withHold('posts', options, async () => {
      const second = limits.withHold('posts', options, async () => {
        again += 1
        throw new Error('which would release the hold of the first')
      })
      await expect(second).rejects.toThrow(IdempotencyError)
    })
    expect(again).toBe(0)
    expect(await counter()).toEqual([2, 0, 0])
    // After a crash, when the hold has run out.
    const hold = await limits.hold('posts', 2, { key: 'b', ttlMs: HOUR })
    const retried = () => limits.withHold('posts', { ...options, key: 'b' }, async () => 'done')
    await expect(retried()).rejects.toThrow(hold.expiresAt.toISOString())
    await test.raw('update tenantry.limit_holds set expires_at = now() where id = $1', hold.id)
    expect(await retried()).toBe('done')
    expect(await counter()).toEqual([4, 0, 0])
  })

  it('uses what was held where the work is done and nobody can say what it took', async () => {
    const { limits, counter } = await setup()
    const unsaid = (key: string, actual: () => number) =>
      limits.withHold('posts', { key, ttlMs: HOUR, amount: 2, actual }, async () => {})
    await expect(
      unsaid('a', () => {
        throw new Error('an answer without a number')
      }),
    ).rejects.toThrow('without a number')
    await expect(unsaid('b', () => Number.NaN)).rejects.toThrow(ValidationError)
    await expect(unsaid('c', () => 1.5)).rejects.toThrow(ValidationError)
    expect(await counter()).toEqual([6, 0, 0])
  })

  it('leaves nothing open in the database meanwhile, and is refused in a transaction', async () => {
    const { account, limits } = await setup()
    await limits.withHold('posts', { key: 'a', ttlMs: HOUR }, async () => {
      expect(
        await test.raw(
          `select count(*) from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`,
        ),
      ).toEqual([['0']])
    })
    await expect(
      test
        .as(account)
        .transaction((inner) =>
          plans.bind(inner).withHold('posts', { key: 'b', ttlMs: HOUR }, async () => {}),
        ),
    ).rejects.toThrow(ConfigurationError)
  })
})
