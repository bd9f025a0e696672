import { descending, id, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, pgTable, text, unique, uuid, varchar } from 'drizzle-orm/pg-core'
import { CLASSIFIED_TOPIC_STATUSES, HOOK_ANGLES } from '../types/enums.ts'
import { pillars } from './pillars.ts'
import { rawTopics } from './raw-topics.ts'
import { users } from './users.ts'

/** Topics that were scored and given a pillar, ready to be drafted. They outlive their raw topic. */
export const classifiedTopics = pgTable(
  'classified_topics',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    rawTopicId: uuid('raw_topic_id'),
    pillarId: uuid('pillar_id').notNull(),
    content: text('content').notNull(),
    url: varchar('url', { length: 1000 }),
    /** Quality, 0..100; below 70 the row is stored as archived. */
    aiScore: integer('ai_score').notNull(),
    hookAngle: varchar('hook_angle', { length: 50, enum: HOOK_ANGLES }),
    reasoning: text('reasoning'),
    status: varchar('status', { length: 50, enum: CLASSIFIED_TOPIC_STATUSES })
      .notNull()
      .default('classified'),
    ...timestamps(),
  },
  (table) => [
    // The target of keys that carry the tenant. A constraint, since they are added before any index.
    unique('classified_topics_user_id_id_key').on(table.userId, table.id),
    // A raw topic belongs to one tenant, so this is one classification per raw topic, and no other
    // tenant can find out by it whether a raw topic exists.
    unique('classified_topics_raw_topic_id_key').on(table.rawTopicId, table.userId),
    foreignKey({
      name: 'classified_topics_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'classified_topics_raw_topic_id_fkey',
      columns: [table.userId, table.rawTopicId],
      foreignColumns: [rawTopics.userId, rawTopics.id],
    }).onDelete('set null'), // of raw_topic_id alone: see foreign-keys.ts
    foreignKey({
      name: 'classified_topics_pillar_id_fkey',
      columns: [table.userId, table.pillarId],
      foreignColumns: [pillars.userId, pillars.id],
    }).onDelete('cascade'),
    index('idx_classified_topics_user_id').on(
      table.userId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_classified_topics_pillar_id').on(table.pillarId, table.userId),
    index('idx_classified_topics_user_status').on(
      table.userId,
      table.status,
      descending(table.createdAt),
      descending(table.id),
    ),
    // One customer's best topics; idx_classified_topics_ai_score mixes all customers'.
    index('idx_classified_topics_user_score').on(
      table.userId,
      descending(table.aiScore),
      descending(table.id),
    ),
    index('idx_classified_topics_ai_score').on(descending(table.aiScore)),
    index('idx_classified_topics_created_at').on(descending(table.createdAt)),
    index('idx_classified_topics_content_fts').using('gin', sql`to_tsvector('english', ${table.content})`),
    check('classified_topics_ai_score_check', sql`${table.aiScore} between 0 and 100`),
    check('classified_topics_hook_angle_check', oneOf(table.hookAngle, HOOK_ANGLES)),
    check('classified_topics_status_check', oneOf(table.status, CLASSIFIED_TOPIC_STATUSES)),
  ],
)
