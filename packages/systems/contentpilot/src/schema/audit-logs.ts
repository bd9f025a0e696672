import { createdAt, descending, id } from '@tenantry/core'
import { index, inet, jsonb, pgTable, text, uuid, varchar } from 'drizzle-orm/pg-core'
import type { AuditedValues } from '../types/metadata.ts'

/**
 * Who changed what. Append-only, so `user_id` has no foreign key: the documented SET NULL would have to
 * update these rows, and a cascade would remove them, when the user goes.
 */
export const auditLogs = pgTable(
  'audit_logs',
  {
    id: id(),
    /** Null: done by the system, for nobody in particular. */
    userId: uuid('user_id'),
    action: varchar('action', { length: 100 }).notNull(),
    tableName: varchar('table_name', { length: 100 }).notNull(),
    recordId: uuid('record_id').notNull(),
    oldValues: jsonb('old_values').$type<AuditedValues>(),
    newValues: jsonb('new_values').$type<AuditedValues>(),
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
