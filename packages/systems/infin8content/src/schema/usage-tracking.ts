import { id, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { decimal, metadataColumn } from './columns.ts'
import { organizations } from './organizations.ts'

/**
 * What an organization used in a month, by metric. Rows of the product's own metrics follow the counters of limits,
 * in the same statement: see database/usage.ts. Rows of other metrics are the host's.
 */
export const usageTracking = pgTable(
  'usage_tracking',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    metricType: text('metric_type').notNull(),
    /** `YYYY-MM`. */
    billingPeriod: text('billing_period').notNull(),
    usageCount: integer('usage_count').notNull().default(0),
    /** Null: unlimited. */
    limitCount: integer('limit_count'),
    /** In US dollars. Null: nothing that costs was done. */
    costAmount: decimal('cost_amount'),
    metadata: metadataColumn(),
    ...timestamps(),
  },
  (table) => [
    // Also the index of an organization's usage.
    unique('usage_tracking_organization_id_metric_type_billing_period_key').on(
      table.organizationId,
      table.metricType,
      table.billingPeriod,
    ),
    foreignKey({
      name: 'usage_tracking_organization_id_fkey',
      columns: [table.organizationId],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
    index('idx_usage_tracking_metric').on(table.metricType),
    index('idx_usage_tracking_period').on(table.billingPeriod),
    check('usage_tracking_billing_period_check', sql`${table.billingPeriod} ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'`),
    check('usage_tracking_usage_count_check', sql`${table.usageCount} >= 0`),
    check('usage_tracking_limit_count_check', sql`${table.limitCount} >= 0`),
    check('usage_tracking_cost_amount_check', sql`${table.costAmount} >= 0`),
  ],
)
