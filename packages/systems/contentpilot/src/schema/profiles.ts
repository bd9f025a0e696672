import { id, instant, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import {
  check,
  foreignKey,
  integer,
  jsonb,
  pgTable,
  text,
  uniqueIndex,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import type { Preferences } from '../types/metadata.ts'
import { users } from './users.ts'

/** What a customer's posts are generated from; one per user. */
export const profiles = pgTable(
  'profiles',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    linkedinUrl: varchar('linkedin_url', { length: 500 }),
    targetAudience: text('target_audience'),
    writingStyle: text('writing_style'),
    /** How well generated text matches the customer's voice, 0..100. */
    voiceConfidenceScore: integer('voice_confidence_score').notNull().default(0),
    lastVoiceTrainingAt: instant('last_voice_training_at'),
    preferences: jsonb('preferences').$type<Preferences>().notNull().default({}),
    ...timestamps(),
  },
  (table) => [
    foreignKey({
      name: 'profiles_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
    uniqueIndex('idx_profiles_user_id').on(table.userId),
    check('profiles_voice_confidence_score_check', sql`${table.voiceConfidenceScore} between 0 and 100`),
  ],
)
