import { sql } from 'drizzle-orm'
import { bigint, check, date, foreignKey, pgTable, primaryKey, uuid, varchar } from 'drizzle-orm/pg-core'
import { users } from './users.ts'

/** What is left of usage_tracking when its months are dropped: totals that don't change by it. */
export const usageMonthly = pgTable(
  'usage_monthly',
  {
    userId: uuid('user_id').notNull(),
    resourceType: varchar('resource_type', { length: 100 }).notNull(),
    /** First day of the month, UTC, as `YYYY-MM-DD`. */
    month: date('month', { mode: 'string' }).notNull(),
    /** Calls in the month. */
    count: bigint('count', { mode: 'number' }).notNull(),
    costCents: bigint('cost_cents', { mode: 'number' }).notNull(),
  },
  (table) => [
    primaryKey({ name: 'usage_monthly_pkey', columns: [table.userId, table.resourceType, table.month] }),
    foreignKey({
      name: 'usage_monthly_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
    check('usage_monthly_month_check', sql`extract(day from ${table.month}) = 1`),
    check('usage_monthly_count_check', sql`${table.count} >= 0`),
  ],
)
