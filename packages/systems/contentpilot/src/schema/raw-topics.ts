import { descending, id, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, jsonb, pgTable, text, unique, uuid, varchar } from 'drizzle-orm/pg-core'
import { RAW_TOPIC_STATUSES, TOPIC_SOURCES } from '../types/enums.ts'
import type { RawTopicMetadata } from '../types/metadata.ts'
import { users } from './users.ts'

/** Content that was discovered and not yet classified. */
export const rawTopics = pgTable(
  'raw_topics',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    source: varchar('source', { length: 50, enum: TOPIC_SOURCES }).notNull(),
    content: text('content').notNull(),
    url: varchar('url', { length: 1000 }),
    metadata: jsonb('metadata').$type<RawTopicMetadata>().notNull().default({}),
    status: varchar('status', { length: 50, enum: RAW_TOPIC_STATUSES }).notNull().default('new'),
    ...timestamps(),
  },
  (table) => [
    // The target of keys that carry the tenant. A constraint, since they are added before any index.
    unique('raw_topics_user_id_id_key').on(table.userId, table.id),
    foreignKey({
      name: 'raw_topics_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
    index('idx_raw_topics_user_id').on(table.userId, descending(table.createdAt), descending(table.id)),
    index('idx_raw_topics_user_status').on(
      table.userId,
      table.status,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_raw_topics_created_at').on(descending(table.createdAt)),
    index('idx_raw_topics_content_fts').using('gin', sql`to_tsvector('english', ${table.content})`),
    check('raw_topics_source_check', oneOf(table.source, TOPIC_SOURCES)),
    check('raw_topics_status_check', oneOf(table.status, RAW_TOPIC_STATUSES)),
  ],
)
