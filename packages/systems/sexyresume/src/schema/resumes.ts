import { deletedAt, descending, id, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { boolean, check, index, jsonb, pgTable, text, unique } from 'drizzle-orm/pg-core'
import type { StoredResumeData } from '../types/resume-data.ts'
import { ownedBy, userId } from './columns.ts'

export const resumes = pgTable(
  'resumes',
  {
    id: id(),
    userId: userId(),
    title: text('title').notNull().default('My Resume'),
    /** The documented shape, or nothing yet. */
    data: jsonb('data')
      .$type<StoredResumeData>()
      .notNull()
      .default(sql`'{}'::jsonb`),
    template: text('template').notNull().default('modern'),
    isActive: boolean('is_active').notNull().default(true),
    ...timestamps(),
    deletedAt: deletedAt(),
  },
  (table) => [
    // The target of keys that carry the tenant. A constraint, since they are added before any index.
    unique('resumes_user_id_id_key').on(table.userId, table.id),
    ownedBy('resumes', table.userId),
    index('idx_resumes_user_id').on(table.userId, descending(table.updatedAt), descending(table.id)),
    index('idx_resumes_updated_at').on(descending(table.updatedAt)),
    // Few are removed, and they are looked for by when.
    index('idx_resumes_deleted_at')
      .on(table.deletedAt)
      .where(sql`${table.deletedAt} is not null`),
    index('idx_resumes_template').on(table.template),
    check('resumes_data_check', sql`jsonb_typeof(${table.data}) = 'object'`),
  ],
)
