import { createdAt, descending, id, instant, oneOf } from '@tenantry/core'
import { leaseColumns } from '@tenantry/workflow'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { REQUEST_STATUSES, TONE_PRESETS } from '../types/enums.ts'
import type { Json } from '../types/json.ts'
import { fraction, ownedBy, score, userId } from './columns.ts'
import { resumes } from './resumes.ts'

// What failed stands in error_message.
const { lastError: _, ...lease } = leaseColumns()

/** Content that is to be written better, and what came of it. */
export const enhancementRequests = pgTable(
  'enhancement_requests',
  {
    id: id(),
    userId: userId(),
    resumeId: uuid('resume_id'),
    targetRole: text('target_role'),
    targetIndustry: text('target_industry'),
    tonePreset: text('tone_preset', { enum: TONE_PRESETS }).notNull(),
    stylePreferences: jsonb('style_preferences')
      .$type<Record<string, Json>>()
      .notNull()
      .default(sql`'{}'::jsonb`),
    originalContent: jsonb('original_content').$type<Json>().notNull(),
    enhancedContent: jsonb('enhanced_content').$type<Json>(),
    overallConfidence: score('overall_confidence').notNull().default(0),
    processingStatus: text('processing_status', { enum: REQUEST_STATUSES }).notNull().default('pending'),
    processingTimeMs: integer('processing_time_ms'),
    /** Of all attempts, the failed ones included. */
    tokenUsage: integer('token_usage'),
    errorMessage: text('error_message'),
    createdAt: createdAt(),
    completedAt: instant('completed_at'),
    ...lease,
  },
  (table) => [
    unique('enhancement_requests_user_id_id_key').on(table.userId, table.id),
    ownedBy('enhancement_requests', table.userId),
    foreignKey({
      name: 'enhancement_requests_resume_id_fkey',
      columns: [table.userId, table.resumeId],
      foreignColumns: [resumes.userId, resumes.id],
    }).onDelete('cascade'),
    index('idx_enhancement_requests_user_status').on(
      table.userId,
      table.processingStatus,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_enhancement_requests_user_created').on(
      table.userId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_enhancement_requests_resume_id').on(table.resumeId, table.userId),
    check('enhancement_requests_tone_preset_check', oneOf(table.tonePreset, TONE_PRESETS)),
    check('enhancement_requests_processing_status_check', oneOf(table.processingStatus, REQUEST_STATUSES)),
    check('enhancement_requests_overall_confidence_check', fraction(table.overallConfidence)),
    check('enhancement_requests_processing_time_ms_check', sql`${table.processingTimeMs} >= 0`),
    check('enhancement_requests_token_usage_check', sql`${table.tokenUsage} >= 0`),
  ],
)
