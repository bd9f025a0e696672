import { equals, id, instant, oneOf, timestamps } from '@tenantry/core'
import { sql, type SQL } from 'drizzle-orm'
import {
  boolean,
  check,
  foreignKey,
  index,
  pgTable,
  unique,
  uniqueIndex,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { PLAN_TYPES, SUBSCRIPTION_STATUSES } from '../types/enums.ts'
import { users } from './users.ts'

/** Plan and billing, mirrored from Stripe; one per user. */
export const subscriptions = pgTable(
  'subscriptions',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    stripeCustomerId: varchar('stripe_customer_id', { length: 255 }),
    stripeSubscriptionId: varchar('stripe_subscription_id', { length: 255 }),
    planType: varchar('plan_type', { length: 50, enum: PLAN_TYPES }).notNull(),
    status: varchar('status', { length: 50, enum: SUBSCRIPTION_STATUSES }).notNull().default('trialing'),
    currentPeriodStart: instant('current_period_start').notNull(),
    currentPeriodEnd: instant('current_period_end').notNull(),
    cancelAtPeriodEnd: boolean('cancel_at_period_end').notNull().default(false),
    trialEnd: instant('trial_end'),
    /** Posts are counted by months from it: the provider's original anchor. Null: by calendar months in UTC. */
    billingAnchor: instant('billing_anchor'),
    /** Since when the status is `past_due`, by the database's clock. */
    pastDueSince: instant('past_due_since'),
    /** The end of what was paid for, once it was cancelled. Null: it renews. */
    endsAt: instant('ends_at').generatedAlwaysAs(
      (): SQL =>
        sql`case when ${subscriptions.cancelAtPeriodEnd} or ${equals(subscriptions.status, 'canceled')} then ${subscriptions.currentPeriodEnd} end`,
    ),
    ...timestamps(),
  },
  (table) => [
    foreignKey({
      name: 'subscriptions_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
    uniqueIndex('idx_subscriptions_user_id').on(table.userId),
    // UNIQUE and indexed in the specification; one index does both, under the index's name.
    unique('idx_subscriptions_stripe_customer').on(table.stripeCustomerId),
    unique('subscriptions_stripe_subscription_id_key').on(table.stripeSubscriptionId),
    index('idx_subscriptions_status').on(table.status).where(equals(table.status, 'active')),
    check('subscriptions_plan_type_check', oneOf(table.planType, PLAN_TYPES)),
    check('subscriptions_status_check', oneOf(table.status, SUBSCRIPTION_STATUSES)),
  ],
)
