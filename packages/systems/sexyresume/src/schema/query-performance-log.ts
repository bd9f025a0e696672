import { createdAt, descending, id } from '@tenantry/core'
import { index, integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core'
import type { Json } from '../types/json.ts'

/** Slow statements, as pg_stat_statements had them: texts without values. */
export const queryPerformanceLog = pgTable(
  'query_performance_log',
  {
    id: id(),
    queryName: text('query_name').notNull(),
    /** Of one execution, on average. */
    executionTimeMs: integer('execution_time_ms').notNull(),
    rowsAffected: integer('rows_affected'),
    queryPlan: jsonb('query_plan').$type<Json>(),
    createdAt: createdAt(),
  },
  (table) => [index('idx_query_performance_log_created_at').on(descending(table.createdAt))],
)
