import { createdAt, descending, id, instant, oneOf } from '@tenantry/core'
import { leaseColumns } from '@tenantry/workflow'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { EXPORT_FORMATS, REQUEST_STATUSES } from '../types/enums.ts'
import { ownedBy, userId } from './columns.ts'
import { resumes } from './resumes.ts'

const { lastError: _, ...lease } = leaseColumns()

/** Files made of resumes, for their owner to fetch within a day. */
export const exports = pgTable(
  'exports',
  {
    id: id(),
    userId: userId(),
    /** Null when the resume is gone: the file stays until it expires. */
    resumeId: uuid('resume_id'),
    format: text('format', { enum: EXPORT_FORMATS }).notNull().default('pdf'),
    template: text('template').notNull().default('modern'),
    status: text('status', { enum: REQUEST_STATUSES }).notNull().default('pending'),
    /** Where the file is in the object store: `<user_id>/…`. */
    storagePath: text('storage_path'),
    fileSizeBytes: integer('file_size_bytes'),
    errorMessage: text('error_message'),
    expiresAt: instant('expires_at')
      .notNull()
      .default(sql`now() + interval '24 hours'`),
    createdAt: createdAt(),
    completedAt: instant('completed_at'),
    ...lease,
  },
  (table) => [
    ownedBy('exports', table.userId),
    foreignKey({
      name: 'exports_resume_id_fkey',
      columns: [table.userId, table.resumeId],
      foreignColumns: [resumes.userId, resumes.id],
    }).onDelete('set null'), // of resume_id alone: see foreign-keys.ts
    unique('exports_storage_path_key').on(table.storagePath),
    index('idx_exports_user_id').on(table.userId, descending(table.createdAt), descending(table.id)),
    index('idx_exports_resume_id').on(table.resumeId, table.userId),
    index('idx_exports_expires_at').on(table.expiresAt),
    index('idx_exports_created_at').on(descending(table.createdAt)),
    check('exports_format_check', oneOf(table.format, EXPORT_FORMATS)),
    check('exports_status_check', oneOf(table.status, REQUEST_STATUSES)),
    check('exports_storage_path_check', sql`starts_with(${table.storagePath}, ${table.userId}::text || '/')`),
    check('exports_file_size_bytes_check', sql`${table.fileSizeBytes} >= 0`),
  ],
)
