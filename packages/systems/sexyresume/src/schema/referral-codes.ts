import { descending, id, instant, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { boolean, check, index, integer, pgTable, text, unique } from 'drizzle-orm/pg-core'
import { REWARD_TYPES } from '../types/enums.ts'
import { ownedBy, userId } from './columns.ts'

export const referralCodes = pgTable(
  'referral_codes',
  {
    id: id(),
    userId: userId(),
    code: text('code').notNull(),
    isActive: boolean('is_active').notNull().default(true),
    usageCount: integer('usage_count').notNull().default(0),
    maxUses: integer('max_uses').notNull().default(100),
    rewardType: text('reward_type', { enum: REWARD_TYPES }).notNull(),
    rewardAmount: integer('reward_amount').notNull().default(1),
    expiresAt: instant('expires_at'),
    ...timestamps(),
  },
  (table) => [
    ownedBy('referral_codes', table.userId),
    unique('referral_codes_code_key').on(table.code),
    index('idx_referral_codes_user_id').on(table.userId, descending(table.createdAt), descending(table.id)),
    check('referral_codes_reward_type_check', oneOf(table.rewardType, REWARD_TYPES)),
    // A cap that is lowered later may lie below what was used.
    check('referral_codes_usage_count_check', sql`${table.usageCount} >= 0`),
    check('referral_codes_max_uses_check', sql`${table.maxUses} >= 0`),
    check('referral_codes_reward_amount_check', sql`${table.rewardAmount} >= 1`),
  ],
)
