import { createdAt } from '@tenantry/core'
import { foreignKey, index, integer, jsonb, pgTable, primaryKey, uuid, varchar } from 'drizzle-orm/pg-core'
import type { UsageMetadata } from '../types/metadata.ts'
import { users } from './users.ts'

/** Every metered call. Partitioned by month on `created_at`, which the primary key therefore includes. */
export const usageTracking = pgTable(
  'usage_tracking',
  {
    id: uuid('id').notNull().defaultRandom(),
    userId: uuid('user_id').notNull(),
    resourceType: varchar('resource_type', { length: 100 }).notNull(),
    /** The row that the call was for, of whichever table `resource_type` means. */
    resourceId: uuid('resource_id'),
    costCents: integer('cost_cents').notNull().default(0),
    metadata: jsonb('metadata').$type<UsageMetadata>().notNull().default({}),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ name: 'usage_tracking_pkey', columns: [table.id, table.createdAt] }),
    foreignKey({
      name: 'usage_tracking_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
    // Totals of one customer by resource and time; a bare (user_id) would repeat the next index.
    index('idx_usage_user_id').on(table.userId, table.resourceType, table.createdAt),
    index('idx_usage_user_date').on(table.userId, table.createdAt, table.id),
    index('idx_usage_resource_type').on(table.resourceType),
  ],
)
