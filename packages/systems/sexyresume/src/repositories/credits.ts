import { defineRepository, parseInput, serviceOnly } from '@tenantry/repository'
import { credits as ledger } from '../database/credits.ts'
import { creditTransactions as table } from '../schema/index.ts'
import {
  type AwardInput,
  awardInput,
  type CreditsInput,
  creditsInput,
  type RefundInput,
  refundInput,
} from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/**
 * Credits that came and went: written once, by the verbs alone. The balance is their sum and never below zero,
 * whoever spends at the same time. With an idempotency key, the same call again is the same entry; the key of
 * another entry is an IdempotencyError.
 */
export const credits = defineRepository(table, {
  tenant: 'userId',
  defaultSort: newestFirst,
  verbs: (_repository, executor) => ({
    /** What the user may spend now: credits that have expired don't count. */
    balance: (): Promise<number> => ledger.balance(executor),

    /** Gives credits, until `expiresAt` where it is given, and answers the new balance. Service role only. */
    async award(input: AwardInput): Promise<number> {
      serviceOnly(executor, 'award')
      return (await ledger.earn(executor, given(parseInput(table, awardInput, input)))).balance
    },

    /**
     * Spends credits, those first that expire soonest, and answers the new balance. Throws InsufficientCreditsError,
     * a LimitError, with nothing spent, when there are too few.
     */
    async spend(input: CreditsInput): Promise<number> {
      return (await ledger.spend(executor, given(parseInput(table, creditsInput, input)))).balance
    },

    /**
     * Undoes an entry that was earned or spent, by its `version`, once: again, it changes nothing. Answers the new
     * balance. Throws InsufficientCreditsError when credits to be taken back were spent, StaleTransitionError for an
     * entry that is a refund or an expiry, NotFoundError. Service role only.
     */
    async refund(input: RefundInput): Promise<number> {
      serviceOnly(executor, 'refund')
      const { version, description } = parseInput(table, refundInput, input)
      const reason = description === undefined || description === null ? {} : { description }
      return (await ledger.reverse(executor, version, reason)).balance
    },
  }),
})

/** Without what isn't given. */
function given<T extends object>(input: T): { [K in keyof T]: Exclude<T[K], null | undefined> } {
  return Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== null && value !== undefined),
  ) as { [K in keyof T]: Exclude<T[K], null | undefined> }
}
