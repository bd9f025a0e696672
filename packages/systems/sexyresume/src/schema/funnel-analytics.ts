import { createdAt, id, instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { index, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import type { Json } from '../types/json.ts'

/** Steps that were taken in funnels. */
export const funnelAnalytics = pgTable(
  'funnel_analytics',
  {
    id: id(),
    funnelName: text('funnel_name').notNull(),
    stepName: text('step_name').notNull(),
    /** The pseudonym of analytics_subjects, not the user's own id; null for an anonymous step. */
    userId: uuid('user_id'),
    properties: jsonb('properties')
      .$type<Record<string, Json>>()
      .notNull()
      .default(sql`'{}'::jsonb`),
    timestamp: instant('timestamp').notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    index('idx_funnel_analytics_funnel').on(table.funnelName, table.stepName, table.timestamp),
    index('idx_funnel_analytics_user_id').on(table.userId, table.funnelName),
  ],
)
