import { descending, equals, id, instant, oneOf, timestamps } from '@tenantry/core'
import { sql, type SQL } from 'drizzle-orm'
import {
  char,
  check,
  foreignKey,
  index,
  integer,
  pgTable,
  text,
  uniqueIndex,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { DRAFT_STATUSES, VARIANT_LETTERS } from '../types/enums.ts'
import { classifiedTopics } from './classified-topics.ts'
import { pillars } from './pillars.ts'
import { users } from './users.ts'

/** Posts generated from a topic, in up to three variants. */
export const generatedDrafts = pgTable(
  'generated_drafts',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    topicId: uuid('topic_id').notNull(),
    pillarId: uuid('pillar_id').notNull(),
    variantLetter: char('variant_letter', { length: 1, enum: VARIANT_LETTERS }).notNull(),
    hook: text('hook').notNull(),
    body: text('body').notNull(),
    cta: text('cta'),
    /** Separated by spaces. */
    hashtags: text('hashtags'),
    /** The whole post; assembled by a trigger where it isn't given. */
    fullText: text('full_text').notNull(),
    /** Of `full_text`, as generated: an edit is kept beside it and isn't counted. */
    characterCount: integer('character_count')
      .notNull()
      .generatedAlwaysAs((): SQL => sql`char_length(${generatedDrafts.fullText})`),
    status: varchar('status', { length: 50, enum: DRAFT_STATUSES }).notNull().default('draft'),
    editedText: text('edited_text'),
    userNotes: text('user_notes'),
    approvedAt: instant('approved_at'),
    postedAt: instant('posted_at'),
    scheduledFor: instant('scheduled_for'),
    ...timestamps(),
  },
  (table) => [
    foreignKey({
      name: 'generated_drafts_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'generated_drafts_topic_id_fkey',
      columns: [table.userId, table.topicId],
      foreignColumns: [classifiedTopics.userId, classifiedTopics.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'generated_drafts_pillar_id_fkey',
      columns: [table.userId, table.pillarId],
      foreignColumns: [pillars.userId, pillars.id],
    }).onDelete('cascade'),
    index('idx_drafts_user_id').on(table.userId, descending(table.createdAt), descending(table.id)),
    index('idx_drafts_topic_id').on(table.topicId, table.userId),
    index('idx_drafts_pillar_id').on(table.pillarId, table.userId),
    index('idx_drafts_user_status').on(
      table.userId,
      table.status,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_drafts_status_created').on(table.status, descending(table.createdAt)),
    index('idx_drafts_scheduled').on(table.scheduledFor).where(equals(table.status, 'scheduled')),
    // What retention looks for.
    index('idx_drafts_rejected').on(table.createdAt).where(equals(table.status, 'rejected')),
    // One customer's calendar; idx_drafts_scheduled is the publisher's queue over all customers.
    index('idx_drafts_user_scheduled')
      .on(table.userId, table.scheduledFor, table.id)
      .where(equals(table.status, 'scheduled')),
    // One row for each variant of a topic. A topic belongs to one tenant, so the tenant adds no freedom.
    uniqueIndex('idx_drafts_topic_variant').on(table.topicId, table.variantLetter, table.userId),
    check('generated_drafts_variant_letter_check', oneOf(table.variantLetter, VARIANT_LETTERS)),
    check('generated_drafts_status_check', oneOf(table.status, DRAFT_STATUSES)),
  ],
)
