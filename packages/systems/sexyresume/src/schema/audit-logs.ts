import { createdAt, descending, id } from '@tenantry/core'
import { index, inet, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import type { Json } from '../types/json.ts'

/** Who changed what. Append-only, so `user_id` has no foreign key that could clear or remove it. */
export const auditLogs = pgTable(
  'audit_logs',
  {
    id: id(),
    /** Null: done by the system, for nobody in particular. */
    userId: uuid('user_id'),
    action: text('action').notNull(),
    tableName: text('table_name').notNull(),
    recordId: uuid('record_id'),
    oldValues: jsonb('old_values').$type<Record<string, Json>>(),
    newValues: jsonb('new_values').$type<Record<string, Json>>(),
    ipAddress: inet('ip_address'),
    userAgent: text('user_agent'),
    createdAt: createdAt(),
  },
  (table) => [
    index('idx_audit_logs_user_id').on(table.userId, descending(table.createdAt), descending(table.id)),
    index('idx_audit_logs_table_record').on(table.tableName, table.recordId),
    index('idx_audit_logs_created_at').on(descending(table.createdAt)),
  ],
)
