import { defineRepository, parseInput } from '@tenantry/repository'
import { sql } from 'drizzle-orm'
import { referralConversions as table } from '../schema/index.ts'
import { redeemInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** By which code a customer came. */
export const referrals = defineRepository(table, {
  tenant: 'referredUserId',
  defaultSort: newestFirst,
  verbs: (repository) => ({
    /**
     * Redeems a code, and pays its owner if the reward is in credits; blanks around it and case don't matter.
     * False, without a reason: the code is unknown, switched off, over, used up, one's own, or it isn't the
     * customer's first.
     */
    async redeem(code: string): Promise<boolean> {
      const values = parseInput(table, redeemInput, { code })
      const [answer] = await repository.statement(
        'redeem',
        ({ tenant, gate, value }) => ({
          returns: { redeemed: sql<boolean>`answer.redeemed` },
          query: (columns) => sql`select ${columns}
            from (
              select public.redeem_referral_code(${tenant}, ${value('code', table.referralCode)}) as redeemed
              where ${gate}
            ) as answer`,
        }),
        values,
      )
      return answer?.redeemed === true
    },
  }),
})
