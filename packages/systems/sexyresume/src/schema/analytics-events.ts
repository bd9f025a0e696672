import { createdAt, descending, instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { index, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import type { Json } from '../types/json.ts'

/** What happened, without a word about who: partitioned by month on `timestamp`. */
export const analyticsEvents = pgTable(
  'analytics_events',
  {
    id: uuid('id').notNull().defaultRandom(),
    eventName: text('event_name').notNull(),
    /** Holds no personal data: see `sanitizeAnalyticsProperties`. */
    properties: jsonb('properties')
      .$type<Record<string, Json>>()
      .notNull()
      .default(sql`'{}'::jsonb`),
    sessionId: text('session_id'),
    /** The pseudonym of analytics_subjects; null for an anonymous event. */
    subjectId: uuid('subject_id'),
    timestamp: instant('timestamp').notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ name: 'analytics_events_pkey', columns: [table.id, table.timestamp] }),
    index('idx_analytics_events_event_name').on(table.eventName),
    index('idx_analytics_events_timestamp').on(descending(table.timestamp)),
    index('idx_analytics_events_session_id').on(table.sessionId),
    index('idx_analytics_events_subject_id').on(table.subjectId, table.timestamp),
  ],
)
