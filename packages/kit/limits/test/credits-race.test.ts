import { randomUUID } from 'node:crypto'
import {
  ConnectionError,
  type Database,
  type Executor,
  IdempotencyError,
  type IsolationLevel,
  TenantryError,
  withRetry,
} from '@tenantry/core'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { InsufficientCreditsError } from '../src/index.ts'
import { createCredits, credits } from './support/credits.ts'
import type { TestSystem } from './support/system.ts'

const CONNECTIONS = 12

describeOnServer('callers at once', () => {
  let test: TestSystem
  let pool: Database
  beforeAll(async () => {
    test = await createCredits()
    pool = await test.connect(CONNECTIONS)
  })
  afterAll(async () => {
    await pool.close()
    await test.close()
  })

  const rich = async (amount: number) => {
    const user = randomUUID()
    await credits.earn(test.service(user), { amount, source: 'gift' })
    return user
  }

  const LEVELS: readonly IsolationLevel[] = ['read committed', 'repeatable read', 'serializable']

  async function all(calls: readonly (() => Promise<unknown>)[]) {
    const settled = await Promise.allSettled(calls.map((call) => call()))
    const reasons = settled.flatMap((each): unknown[] => (each.status === 'rejected' ? [each.reason] : []))
    return { done: settled.length - reasons.length, reasons }
  }

  /** The account adds up: versions without a gap, each balance after the one before, and the sum. */
  async function addsUp(user: string) {
    const { items } = await credits.history(test.as(user), { limit: 1000 })
    const entries = items.toReversed()
    let balance = 0
    for (const [index, entry] of entries.entries()) {
      balance += entry.amount
      expect(entry).toMatchObject({ version: index + 1, balanceAfter: balance })
      expect(balance).toBeGreaterThanOrEqual(0)
    }
    expect(await credits.balance(test.as(user))).toBe(balance)
    const findings = await test.database.driver.transaction({}, async (connection) =>
      credits.module.checks?.[0]?.run(connection),
    )
    expect(findings).toEqual([])
    return { balance, entries }
  }

  it.each(LEVELS)('spend exactly what is there, at %s', async (isolation) => {
    const user = await rich(20)
    const spend = () =>
      withRetry(
        () =>
          test
            .as(user, pool)
            .transaction((within) => credits.spend(within, { amount: 3, source: 'race' }), { isolation }),
        { attempts: 100, maxDelayMs: 50 },
      )
    const { done, reasons } = await all(Array.from({ length: 40 }, () => spend))
    expect(reasons.filter((error) => !(error instanceof InsufficientCreditsError))).toEqual([])
    expect(done).toBe(6)
    expect(await addsUp(user)).toMatchObject({ balance: 2 })
  })

  it.each(LEVELS)('of one key are one effect, on an account that they make, at %s', async (isolation) => {
    const user = randomUUID()
    const earn = (amount: number) => () =>
      withRetry(
        () =>
          test
            .service(user, pool)
            .transaction(
              (within) =>
                credits.earn(within, { amount, source: 'achievement', idempotencyKey: 'achievement:1' }),
              { isolation },
            ),
        { attempts: 100, maxDelayMs: 50 },
      )
    // Two of them mean something else by it.
    const amounts = [...Array.from({ length: 20 }, () => 5), 7, 7]
    const { reasons } = await all(amounts.map(earn))
    expect(reasons.filter((error) => !(error instanceof IdempotencyError))).toEqual([])
    const { entries } = await addsUp(user)
    expect(entries).toHaveLength(1)
    expect(reasons).toHaveLength(entries[0]?.amount === 5 ? 2 : 20)
  })

  it('reverse an entry once', async () => {
    const user = await rich(10)
    const { version } = await credits.spend(test.as(user), { amount: 4, source: 'x' })
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => credits.reverse(test.service(user, pool), version)),
    )
    expect(outcomes.filter(({ replayed }) => !replayed)).toHaveLength(1)
    expect(new Set(outcomes.map((outcome) => outcome.version)).size).toBe(1)
    expect(await addsUp(user)).toMatchObject({ balance: 10 })
  })

  it('earn, spend, reverse and expire in any order, and the account adds up', async () => {
    const user = await rich(30)
    const job = credits.module.jobs?.[0]
    const random = (below: number) => Math.floor(Math.random() * below)
    const act = async () => {
      for (let round = 0; round < 25; round++) {
        const service = test.service(user, pool)
        const choice = random(10)
        const call =
          choice < 3
            ? credits.earn(service, {
                amount: 1 + random(8),
                source: 'race',
                // Some are gone before the next round.
                ...(choice === 0 ? { expiresAt: new Date(Date.now() + 20 + random(60)) } : {}),
              })
            : choice < 7
              ? credits.spend(test.as(user, pool), { amount: 1 + random(6), source: 'race' })
              : choice < 9
                ? credits.reverse(service, 1 + random(60))
                : test.database.driver.session(async (session) => job?.run(session))
        await Promise.resolve(call).catch((error: unknown) => {
          // Too few, not there yet, or final: what the callers are told.
          if (!(error instanceof TenantryError) || error.retryable || error.code === 'TENANTRY_DATABASE')
            throw error
        })
      }
    }
    const kinds = (of: readonly { readonly kind: string }[]) =>
      [...new Set(of.map(({ kind }) => kind))].sort()
    const possible = ['earned', 'expired', 'reversed', 'spent']
    let { entries } = await addsUp(user)
    // Chance may have it that nothing is left of what expires.
    for (let race = 0; race < 20 && kinds(entries).length < possible.length; race++) {
      await Promise.all(Array.from({ length: CONNECTIONS - 2 }, act))
      ;({ entries } = await addsUp(user))
    }
    expect(kinds(entries)).toEqual(possible)
    const reversals = entries.flatMap(({ reverses }) => (reverses === null ? [] : [reverses]))
    expect(new Set(reversals).size).toBe(reversals.length)
  })

  it.each(['before it', 'in it', 'after it'] as const)(
    'whose session is killed %s lose nothing, and spend once when they come again with their key',
    async (moment) => {
      const user = await rich(10)
      const spend = (within: Executor) =>
        credits.spend(within, { amount: 4, source: 'work', idempotencyKey: 'job' })
      const kill = (pid: unknown) => test.raw('select pg_terminate_backend($1)', pid)
      const work = test.as(user, pool).transaction(async (within) => {
        const { rows } = await within.run({ text: 'select pg_backend_pid()', params: [], gated: false })
        const pid = rows[0]?.[0]
        if (moment === 'in it') {
          // It waits for the account inside the function, and is killed there.
          return test.database.driver.transaction({}, async (other) => {
            const text = 'select from tenantry.credits_balances where tenant = $1 for update'
            await other.query({ text, params: [user] })
            const spending = spend(within)
            const settled = spending.then(
              () => undefined,
              () => undefined,
            )
            let waiting = false
            while (!waiting) {
              const seen = await other.query({
                text: `select wait_event_type = 'Lock' from pg_stat_activity where pid = $1`,
                params: [pid],
              })
              waiting = seen.rows[0]?.[0] === true
              // A transaction sees the activity of its first look, unless it says otherwise.
              await other.query({ text: 'select pg_stat_clear_snapshot()', params: [] })
            }
            await other.query({ text: 'select pg_terminate_backend($1)', params: [pid] })
            await settled
            return spending
          })
        }
        if (moment === 'after it') await spend(within)
        await kill(pid)
        return spend(within)
      })
      await expect(work).rejects.toThrow(ConnectionError)
      expect(await addsUp(user)).toMatchObject({ balance: 10 })
      expect(await spend(test.as(user, pool))).toEqual({ version: 2, balance: 6, replayed: false })
      expect(await spend(test.as(user, pool))).toEqual({ version: 2, balance: 6, replayed: true })
      expect(await addsUp(user)).toMatchObject({ balance: 6 })
    },
  )
})
