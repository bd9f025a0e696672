import { createdAt, id, oneOf } from '@tenantry/core'
import { check, foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { REWARD_TYPES } from '../types/enums.ts'
import { users } from './users.ts'

/**
 * Who came by which code. It is the row of the one who came; who owns the code sees how often it was used. The
 * code is no foreign key: that would have to lead into another tenant, and only one function writes here.
 */
export const referralConversions = pgTable(
  'referral_conversions',
  {
    id: id(),
    referredUserId: uuid('referred_user_id').notNull(),
    referralCode: text('referral_code').notNull(),
    rewardType: text('reward_type', { enum: REWARD_TYPES }).notNull(),
    rewardAmount: integer('reward_amount').notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    foreignKey({
      name: 'referral_conversions_referred_user_id_fkey',
      columns: [table.referredUserId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
    // Nobody comes twice.
    unique('referral_conversions_referred_user_id_key').on(table.referredUserId),
    index('idx_referral_conversions_referral_code').on(table.referralCode),
    check('referral_conversions_reward_type_check', oneOf(table.rewardType, REWARD_TYPES)),
  ],
)
