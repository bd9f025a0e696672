import { instant, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, index, pgTable, text } from 'drizzle-orm/pg-core'
import { PLANS, SUBSCRIPTION_STATUSES } from '../types/enums.ts'

/** What a user pays for, as Stripe says. Whoever has none is on the free plan. */
export const subscriptions = pgTable(
  'subscriptions',
  {
    userId: text('user_id').primaryKey(),
    plan: text('plan', { enum: PLANS }).notNull(),
    status: text('status', { enum: SUBSCRIPTION_STATUSES }).notNull().default('active'),
    /** Of the first period: from here on months are counted, whatever becomes of the subscription. */
    billingAnchor: instant('billing_anchor')
      .notNull()
      .default(sql`now()`),
    /** Set by the database when the status becomes `past_due`, and kept while it is. */
    pastDueSince: instant('past_due_since'),
    /** End of what is paid: from then on the free plan is in force. Null: it renews itself. */
    endsAt: instant('ends_at'),
    stripeCustomerId: text('stripe_customer_id'),
    stripeSubscriptionId: text('stripe_subscription_id'),
    ...timestamps(),
  },
  (table) => [
    index('idx_subscriptions_stripe_customer').on(table.stripeCustomerId),
    check('subscriptions_plan_check', oneOf(table.plan, PLANS)),
    check('subscriptions_status_check', oneOf(table.status, SUBSCRIPTION_STATUSES)),
    check('subscriptions_ends_at_check', sql`${table.status} <> 'canceled' or ${table.endsAt} is not null`),
  ],
)
