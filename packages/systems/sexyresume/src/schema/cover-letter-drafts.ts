import { createdAt, id, oneOf } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { LETTER_AUTHORS } from '../types/enums.ts'
import { coverLetters } from './cover-letters.ts'
import { ownedBy, userId } from './columns.ts'

/** Every version of a cover letter, as it was kept. */
export const coverLetterDrafts = pgTable(
  'cover_letter_drafts',
  {
    id: id(),
    userId: userId(),
    coverLetterId: uuid('cover_letter_id').notNull(),
    /** From 1, without gaps. */
    version: integer('version').notNull(),
    content: text('content').notNull(),
    author: text('author', { enum: LETTER_AUTHORS }).notNull().default('user'),
    createdAt: createdAt(),
  },
  (table) => [
    ownedBy('cover_letter_drafts', table.userId),
    foreignKey({
      name: 'cover_letter_drafts_cover_letter_id_fkey',
      columns: [table.userId, table.coverLetterId],
      foreignColumns: [coverLetters.userId, coverLetters.id],
    }).onDelete('cascade'),
    unique('cover_letter_drafts_version_key').on(table.coverLetterId, table.version, table.userId),
    index('idx_cover_letter_drafts_user_id').on(table.userId, table.coverLetterId, table.version),
    check('cover_letter_drafts_author_check', oneOf(table.author, LETTER_AUTHORS)),
    check('cover_letter_drafts_version_check', sql`${table.version} >= 1`),
  ],
)
