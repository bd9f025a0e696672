/**
 * The law of each kind, as a model that is simpler than the code: all calls ever made, and when. Time passes by
 * moving what is stored into the past, so that nothing waits; units are minutes, so what a test takes is nothing.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { RateLimitError } from '../src/index.ts'
import { createRateLimits, declared } from './support/rate-limits.ts'
import { ALICE, type TestSystem } from './support/system.ts'

let test: TestSystem
beforeAll(async () => {
  test = await createRateLimits()
})
afterAll(() => test.close())

const MINUTES = 60_000

interface Model {
  /** What is left for a call of this amount, at this time. */
  allows(amount: number, now: number): boolean
  remaining(now: number): number
  take(amount: number, now: number): void
}

/** Law: no span of an hour holds more than ten calls, and a call that keeps that so is allowed. */
function windowModel(): Model {
  const calls: number[] = []
  const remaining = (now: number) => 10 - calls.filter((call) => call > now - 60 * MINUTES).length
  return {
    remaining,
    allows: (amount, now) => amount <= remaining(now),
    take: (amount, now) => calls.push(...Array.from({ length: amount }, () => now)),
  }
}

/** Law: ten at first; one comes back each hour, up to ten. */
function bucketModel(): Model {
  let tokens = 10
  let at = 0
  const tokensAt = (now: number) => Math.min(10, tokens + (now - at) / (60 * MINUTES))
  return {
    remaining: (now) => Math.floor(tokensAt(now) + 1e-9),
    allows: (amount, now) => amount <= tokensAt(now) + 1e-9,
    take(amount, now) {
      tokens = tokensAt(now) - amount
      at = now
    },
  }
}

const steps = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ take: fc.constantFrom(1, 2, 3, 4, 6, 10, 11) }) },
    { weight: 2, arbitrary: fc.record({ pass: fc.constantFrom(1, 20, 20, 30, 40, 59, 60, 300) }) },
  ),
  { minLength: 6, maxLength: 20, size: 'max' },
)

describe.each([
  ['calls', windowModel],
  ['bucket', bucketModel],
] as const)('%s', (limit, make) => {
  it('allows what its law allows, refuses the rest, and says truly what is left and when', async () => {
    let run = 0
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const subject = `${limit} ${++run}`
        const model = make()
        let now = 0
        for (const step of sequence) {
          if ('pass' in step) {
            now += step.pass * MINUTES
            await test.raw(
              `update tenantry.rate_limit_state
               set instants = array(select each - $2::interval from unnest(instants) as each order by 1)
               where subject = $1`,
              subject,
              `${step.pass} minutes`,
            )
            continue
          }
          const outcome = await declared.take(test.as(ALICE), limit, { subject, amount: step.take }).then(
            (status) => status.remaining,
            (error: unknown) => {
              if (error instanceof RateLimitError) return error
              throw error
            },
          )
          const allowed = model.allows(step.take, now)
          if (typeof outcome === 'number') {
            if (!allowed) throw new Error(`${step.take} were allowed at ${now / MINUTES}, and must not be`)
            model.take(step.take, now)
            if (outcome !== model.remaining(now))
              throw new Error(`said ${outcome}, not ${model.remaining(now)}`)
            continue
          }
          if (allowed) throw new Error(`${step.take} were refused at ${now / MINUTES}, and must not be`)
          if (outcome.remaining !== model.remaining(now))
            throw new Error(`${outcome.remaining} were left, it said`)
          const wait = outcome.retryAfterMs
          if ((wait === null) !== step.take > 10) throw new Error(`${step.take} after ${String(wait)} ms`)
          if (wait === null) continue
          // What the run itself took, at most: a minute.
          if (!model.allows(step.take, now + wait + MINUTES)) throw new Error(`not even after ${wait} ms`)
          if (model.allows(step.take, now + wait - 1)) throw new Error(`long before ${wait} ms`)
        }
      }),
      { numRuns: 80, seed: 20_261_120 },
    )
  })
})
