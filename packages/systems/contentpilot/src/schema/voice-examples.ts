import { descending, equals, id, oneOf, timestamps } from '@tenantry/core'
import { sql, type SQL } from 'drizzle-orm'
import {
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  uuid,
  varchar,
  vector,
} from 'drizzle-orm/pg-core'
import { EMBEDDING_DIMENSIONS, VOICE_EXAMPLE_STATUSES } from '../types/enums.ts'
import type { EngagementMetrics } from '../types/metadata.ts'
import { pillars } from './pillars.ts'
import { users } from './users.ts'

/** A customer's past posts, from which their voice is learnt. */
export const voiceExamples = pgTable(
  'voice_examples',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    pillarId: uuid('pillar_id'),
    postText: text('post_text').notNull(),
    characterCount: integer('character_count')
      .notNull()
      .generatedAlwaysAs((): SQL => sql`char_length(${voiceExamples.postText})`),
    postUrl: varchar('post_url', { length: 500 }),
    engagementMetrics: jsonb('engagement_metrics').$type<EngagementMetrics>(),
    vectorEmbedding: vector('vector_embedding', { dimensions: EMBEDDING_DIMENSIONS }),
    status: varchar('status', { length: 50, enum: VOICE_EXAMPLE_STATUSES }).notNull().default('active'),
    ...timestamps(),
  },
  (table) => [
    foreignKey({
      name: 'voice_examples_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'voice_examples_pillar_id_fkey',
      columns: [table.userId, table.pillarId],
      foreignColumns: [pillars.userId, pillars.id],
    }).onDelete('set null'), // of pillar_id alone: see foreign-keys.ts
    index('idx_voice_examples_user_id').on(table.userId, descending(table.createdAt), descending(table.id)),
    index('idx_voice_examples_pillar_id').on(table.pillarId, table.userId),
    index('idx_voice_examples_user_status')
      .on(table.userId, table.status)
      .where(equals(table.status, 'active')),
    // HNSW where the specification says IVFFlat: lists that are trained on an empty table recall badly.
    index('idx_voice_examples_vector').using('hnsw', table.vectorEmbedding.op('vector_cosine_ops')),
    check('voice_examples_status_check', oneOf(table.status, VOICE_EXAMPLE_STATUSES)),
  ],
)
