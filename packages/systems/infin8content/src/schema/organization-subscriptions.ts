import { instant, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { ORGANIZATION_PLANS, SUBSCRIPTION_STATUSES } from '../types/enums.ts'
import { organizations } from './organizations.ts'

/** What an organization pays for, as the host's billing tells. Without a row it is on the free plan. */
export const organizationSubscriptions = pgTable(
  'organization_subscriptions',
  {
    organizationId: uuid('organization_id').primaryKey(),
    plan: text('plan', { enum: ORGANIZATION_PLANS }).notNull(),
    status: text('status', { enum: SUBSCRIPTION_STATUSES }).notNull(),
    /** Since when a payment is late. */
    pastDueSince: instant('past_due_since'),
    /** From then on the organization is on the free plan. Null: the subscription goes on. */
    endsAt: instant('ends_at'),
    ...timestamps(),
  },
  (table) => [
    foreignKey({
      name: 'organization_subscriptions_organization_id_fkey',
      columns: [table.organizationId],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
    check('organization_subscriptions_plan_check', oneOf(table.plan, ORGANIZATION_PLANS)),
    check('organization_subscriptions_status_check', oneOf(table.status, SUBSCRIPTION_STATUSES)),
    // Grace that never began would never end, nor would a trial or a cancellation without its day.
    check(
      'organization_subscriptions_past_due_check',
      sql`(${table.status} = 'past_due') = (${table.pastDueSince} is not null)`,
    ),
    check(
      'organization_subscriptions_ends_check',
      sql`${table.status} not in ('trialing', 'canceled') or ${table.endsAt} is not null`,
    ),
  ],
)
