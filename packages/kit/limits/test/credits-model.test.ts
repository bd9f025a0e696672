/**
 * The laws of credits as a model that is simpler than the code: lots in the order in which they go. Time passes by
 * moving what is stored into the past; hours, so that what a test takes is nothing.
 *
 * Laws: the balance is the sum of what came and went, and never negative · what expires soonest goes first, what never
 * does, last · at its hour a lot is gone · a reversal happens once, and what was spent comes back as the lots it was.
 */
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { StaleTransitionError } from '@tenantry/core'
import { InsufficientCreditsError } from '../src/index.ts'
import { createCredits, credits } from './support/credits.ts'
import type { TestSystem } from './support/system.ts'

let test: TestSystem
beforeAll(async () => {
  test = await createCredits()
  // The owner's right: entries have to grow older here.
  await test.raw('drop trigger refuse_credits_entries_change on tenantry.credits_entries')
})
afterAll(() => test.close())

interface Lot {
  readonly version: number
  readonly expires: number
  amount: number
}

interface Entry {
  readonly kind: 'earned' | 'spent' | 'reversed' | 'expired'
  readonly amount: number
  readonly balanceAfter: number
  readonly reverses: number | null
  readonly taken: readonly Lot[]
}

class Model {
  now = 0
  /** Of all versions, with when they go: never is Infinity. */
  lots: Lot[] = []
  readonly entries: Entry[] = []

  get balance(): number {
    return this.lots.filter(({ expires }) => expires > this.now).reduce((sum, { amount }) => sum + amount, 0)
  }

  #write(
    kind: Entry['kind'],
    amount: number,
    reverses: number | null = null,
    taken: readonly Lot[] = [],
  ): void {
    const before = this.entries.at(-1)?.balanceAfter ?? 0
    this.entries.push({ kind, amount, balanceAfter: before + amount, reverses, taken })
  }

  #order(first?: number): void {
    this.lots = this.lots
      .filter(({ amount }) => amount > 0)
      .sort(
        (a, b) =>
          Number(a.version !== first) - Number(b.version !== first) ||
          (a.expires === b.expires ? 0 : a.expires - b.expires) ||
          a.version - b.version,
      )
  }

  #settle(): void {
    this.#order()
    for (const lot of this.lots.filter(({ expires }) => expires <= this.now)) {
      this.#write('expired', -lot.amount)
      lot.amount = 0
    }
    this.#order()
  }

  #take(amount: number, first?: number): readonly Lot[] {
    this.#order(first)
    const taken: Lot[] = []
    let left = amount
    for (const lot of this.lots) {
      const part = Math.min(left, lot.amount)
      if (part > 0) taken.push({ ...lot, amount: part })
      lot.amount -= part
      left -= part
    }
    this.#order()
    return taken
  }

  earn(amount: number, hours: number | null): void {
    this.#settle()
    this.#write('earned', amount)
    this.lots.push({
      version: this.entries.length,
      expires: hours === null ? Infinity : this.now + hours,
      amount,
    })
  }

  spend(amount: number): boolean {
    if (this.balance < amount) return false
    this.#settle()
    this.#write('spent', -amount, null, this.#take(amount))
    return true
  }

  reverse(version: number): 'done' | 'again' | 'final' | 'insufficient' {
    const entry = this.entries[version - 1]
    if (entry === undefined || (entry.kind !== 'earned' && entry.kind !== 'spent')) return 'final'
    if (this.entries.some(({ reverses }) => reverses === version)) return 'again'
    if (this.balance < entry.amount) return 'insufficient'
    this.#settle()
    if (entry.kind === 'earned') {
      // What never expires has no lot of its own to come from: it is one pool, and goes last.
      const own = this.lots.find((lot) => lot.version === version && lot.expires !== Infinity)
      this.#take(entry.amount, own?.version)
      this.#write('reversed', -entry.amount, version)
      return 'done'
    }
    this.#write('reversed', -entry.amount, version)
    for (const lot of entry.taken) {
      const same = this.lots.find((each) => each.version === lot.version)
      if (same === undefined) this.lots.push({ ...lot })
      else same.amount += lot.amount
    }
    // Settled only where something that expires came back, which comes to the same: nothing else is due.
    this.#settle()
    return 'done'
  }
}

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      earn: fc.integer({ min: 1, max: 9 }),
      hours: fc.constantFrom(null, 1, 2, 3, 5, 8),
    }),
  },
  { weight: 4, arbitrary: fc.record({ spend: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 3, arbitrary: fc.record({ reverse: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 2, arbitrary: fc.record({ pass: fc.constantFrom(1, 2, 4) }) },
)

it('credits do what their laws say, whatever is earned, spent, reversed, and waited for', async () => {
  const reached = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 24, size: 'max' }), async (steps) => {
      const user = randomUUID()
      const [mine, service] = [test.as(user), test.service(user)]
      const model = new Model()
      for (const each of steps) {
        if ('earn' in each) {
          const expires =
            each.hours === null ? {} : { expiresAt: new Date(Date.now() + each.hours * 3_600_000) }
          await credits.earn(service, { amount: each.earn, source: 'x', ...expires })
          model.earn(each.earn, each.hours)
        } else if ('spend' in each) {
          const outcome = await credits.spend(mine, { amount: each.spend, source: 'x' }).then(
            () => true,
            (error: unknown) => {
              if (error instanceof InsufficientCreditsError) return false
              throw error
            },
          )
          expect(outcome).toBe(model.spend(each.spend))
        } else if ('reverse' in each) {
          // Versions that there are: others are another test's.
          const version = Math.min(each.reverse, model.entries.length)
          if (version === 0) continue
          const outcome = await credits.reverse(service, version).then(
            ({ replayed }) => (replayed ? 'again' : 'done'),
            (error: unknown) => {
              if (error instanceof StaleTransitionError) return 'final'
              if (error instanceof InsufficientCreditsError) return 'insufficient'
              throw error
            },
          )
          reached.add(outcome)
          expect(outcome).toBe(model.reverse(version))
        } else {
          model.now += each.pass
          for (const table of ['credits_lots', 'credits_entries']) {
            await test.raw(
              `update tenantry.${table} set expires_at = expires_at - make_interval(hours => $2) where tenant = $1`,
              user,
              each.pass,
            )
          }
        }
        expect(await credits.balance(mine)).toBe(model.balance)
      }
      const { items } = await credits.history(mine, { limit: 1000 })
      expect(
        items
          .toReversed()
          .map(({ kind, amount, balanceAfter, reverses }) => ({ kind, amount, balanceAfter, reverses })),
      ).toEqual(
        model.entries.map(({ kind, amount, balanceAfter, reverses }) => ({
          kind,
          amount,
          balanceAfter,
          reverses,
        })),
      )
      expect(items.map(({ version }) => version).toReversed()).toEqual(items.map((_, index) => index + 1))
    }),
    { numRuns: 60, seed: 20_261_120 },
  )
  expect([...reached].toSorted()).toEqual(['again', 'done', 'final', 'insufficient'])
})
