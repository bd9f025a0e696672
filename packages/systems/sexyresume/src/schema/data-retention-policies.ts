import { id, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { boolean, check, integer, pgTable, text, unique } from 'drizzle-orm/pg-core'
import { RETENTION_DAYS_MIN } from '../types/enums.ts'

const floors = Object.entries(RETENTION_DAYS_MIN).map(([table, days]) => `when '${table}' then ${days}`)

/** For how long rows are kept. A policy may keep them longer, or be paused; the floors are the code's. */
export const dataRetentionPolicies = pgTable(
  'data_retention_policies',
  {
    id: id(),
    tableName: text('table_name').notNull(),
    retentionDays: integer('retention_days').notNull(),
    /** Rows are marked, not deleted. */
    softDelete: boolean('soft_delete').notNull().default(false),
    /** False: paused, nothing goes. */
    isActive: boolean('is_active').notNull().default(true),
    ...timestamps(),
  },
  (table) => [
    unique('data_retention_policies_table_name_key').on(table.tableName),
    check(
      'data_retention_policies_retention_days_check',
      sql`${table.retentionDays} >= case ${table.tableName} ${sql.raw(floors.join(' '))} else 1 end`,
    ),
  ],
)
