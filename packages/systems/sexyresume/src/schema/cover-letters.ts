import { deletedAt, descending, id, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { boolean, check, foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { ownedBy, userId } from './columns.ts'
import { resumes } from './resumes.ts'

export const coverLetters = pgTable(
  'cover_letters',
  {
    id: id(),
    userId: userId(),
    resumeId: uuid('resume_id'),
    title: text('title').notNull().default('My Cover Letter'),
    companyName: text('company_name'),
    jobTitle: text('job_title'),
    jobDescription: text('job_description'),
    /** As it stands: the text of the draft `current_version`. */
    content: text('content').notNull().default(''),
    template: text('template').notNull().default('modern'),
    isActive: boolean('is_active').notNull().default(true),
    /** Of the last draft kept; 0 before the first. */
    currentVersion: integer('current_version').notNull().default(0),
    ...timestamps(),
    deletedAt: deletedAt(),
  },
  (table) => [
    unique('cover_letters_user_id_id_key').on(table.userId, table.id),
    ownedBy('cover_letters', table.userId),
    foreignKey({
      name: 'cover_letters_resume_id_fkey',
      columns: [table.userId, table.resumeId],
      foreignColumns: [resumes.userId, resumes.id],
    }).onDelete('set null'), // of resume_id alone: see foreign-keys.ts
    index('idx_cover_letters_user_id').on(table.userId, descending(table.updatedAt), descending(table.id)),
    index('idx_cover_letters_resume_id').on(table.resumeId, table.userId),
    index('idx_cover_letters_updated_at').on(descending(table.updatedAt)),
    // Few are removed, and they are looked for by when.
    index('idx_cover_letters_deleted_at')
      .on(table.deletedAt)
      .where(sql`${table.deletedAt} is not null`),
    check('cover_letters_current_version_check', sql`${table.currentVersion} >= 0`),
  ],
)
