import { id, instant, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { RATE_LIMIT_MAX } from '../types/enums.ts'
import { metadataColumn } from './columns.ts'
import { organizations } from './organizations.ts'

/**
 * Calls of an organization in a sliding window of time, by key. The service role sets limits; calls are taken by
 * `rateLimits.take()`, and what the row says of them is as of the last one that was allowed.
 */
export const rateLimits = pgTable(
  'rate_limits',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    key: text('key').notNull(),
    limitCount: integer('limit_count').notNull(),
    windowMinutes: integer('window_minutes').notNull().default(60),
    currentCount: integer('current_count').notNull().default(0),
    windowStart: instant('window_start')
      .notNull()
      .default(sql`now()`),
    metadata: metadataColumn(),
    /** Of the calls in the window, the oldest first. */
    instants: instant('instants')
      .array()
      .notNull()
      .default(sql`'{}'`),
    ...timestamps(),
  },
  (table) => [
    // Also the index of an organization's limits.
    unique('rate_limits_organization_id_key_key').on(table.organizationId, table.key),
    foreignKey({
      name: 'rate_limits_organization_id_fkey',
      columns: [table.organizationId],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
    index('idx_rate_limits_key').on(table.key),
    index('idx_rate_limits_window').on(table.windowStart),
    check(
      'rate_limits_limit_count_check',
      sql`${table.limitCount} between 0 and ${sql.raw(String(RATE_LIMIT_MAX))}`,
    ),
    check('rate_limits_window_minutes_check', sql`${table.windowMinutes} >= 1`),
    check('rate_limits_current_count_check', sql`${table.currentCount} >= 0`),
  ],
)
