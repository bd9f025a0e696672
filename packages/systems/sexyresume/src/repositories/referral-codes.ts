import { DatabaseError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { referralCodes as table } from '../schema/index.ts'
import { type ReferralCodeInput, referralCodeInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** Codes by which customers bring others. A customer reads theirs, and may switch one off. */
export const referralCodes = defineRepository(table, {
  tenant: 'userId',
  readOnly: ['code', 'usageCount'],
  schema: { create: referralCodeInput },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Makes a code of the user's: eight symbols from a cryptographic source, none of which looks like another.
     * What it rewards is the product's to say: service role only.
     */
    async issue(input: ReferralCodeInput = {}): Promise<Row<typeof table>> {
      serviceOnly(executor, 'issue')
      const { expiresAt = null, ...code } = parseInput(table, referralCodeInput, input)
      // One in 850 billion: that a code is taken three times running doesn't happen.
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const [issued] = await repository.statement(
          'issue',
          ({ tenant, value }) => ({
            returns: getTableColumns(table),
            query: (
              columns,
            ) => sql`insert into ${table} (user_id, code, reward_type, reward_amount, max_uses, expires_at)
              values (${tenant}, public.generate_referral_code(${tenant}), ${value('rewardType', table.rewardType)},
                ${value('rewardAmount', table.rewardAmount)}, ${value('maxUses', table.maxUses)}, ${value('expiresAt', table.expiresAt)})
              on conflict (code) do nothing
              returning ${columns}`,
          }),
          { ...code, expiresAt },
        )
        if (issued !== undefined) return issued
      }
      throw new DatabaseError('No free referral code was found', { table: getTableName(table) })
    },
  }),
})
