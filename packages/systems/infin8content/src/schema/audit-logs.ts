import { createdAt, descending, id, oneOf } from '@tenantry/core'
import { check, index, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import type { AuditedValues } from '../types/metadata.ts'

/** Who changed what. Append-only, so it has no foreign key: a cascade would remove rows. */
export const auditLogs = pgTable(
  'audit_logs',
  {
    id: id(),
    tableName: text('table_name').notNull(),
    operation: text('operation').notNull(),
    /** Null: the service role. */
    userId: uuid('user_id'),
    /** Null: done to rows of no organization, such as a person's own. */
    organizationId: uuid('organization_id'),
    oldData: jsonb('old_data').$type<AuditedValues>(),
    newData: jsonb('new_data').$type<AuditedValues>(),
    createdAt: createdAt(),
  },
  (table) => [
    index('idx_audit_logs_organization_id').on(
      table.organizationId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_audit_logs_created_at').on(table.createdAt),
    check('audit_logs_operation_check', oneOf(table.operation, ['INSERT', 'UPDATE', 'DELETE'])),
  ],
)
