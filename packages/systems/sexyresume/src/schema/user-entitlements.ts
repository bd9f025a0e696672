import { id, instant, oneOf, timestamps } from '@tenantry/core'
import { boolean, check, pgTable, text, unique } from 'drizzle-orm/pg-core'
import { PLANS } from '../types/enums.ts'
import { ownedBy, userId } from './columns.ts'

/** What a customer has paid for; one row per user. */
export const userEntitlements = pgTable(
  'user_entitlements',
  {
    id: id(),
    userId: userId(),
    plan: text('plan', { enum: PLANS }).notNull().default('free'),
    exportUnlocked: boolean('export_unlocked').notNull().default(false),
    exportUnlockedAt: instant('export_unlocked_at'),
    /** Until when the premium plan is paid; null: without end. */
    premiumUntil: instant('premium_until'),
    ...timestamps(),
  },
  (table) => [
    ownedBy('user_entitlements', table.userId),
    unique('user_entitlements_user_id_key').on(table.userId),
    check('user_entitlements_plan_check', oneOf(table.plan, PLANS)),
  ],
)
