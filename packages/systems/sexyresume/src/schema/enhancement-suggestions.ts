import { createdAt, descending, id, instant, oneOf } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { USER_ACTIONS } from '../types/enums.ts'
import type { Json } from '../types/json.ts'
import { enhancementRequests } from './enhancement-requests.ts'
import { fraction, ownedBy, score, userId } from './columns.ts'

/** What an enhancement proposes for one place of a resume, and what the customer made of it. */
export const enhancementSuggestions = pgTable(
  'enhancement_suggestions',
  {
    id: id(),
    userId: userId(),
    requestId: uuid('request_id').notNull(),
    sectionType: text('section_type').notNull(),
    sectionId: text('section_id').notNull(),
    fieldPath: text('field_path').notNull(),
    originalText: text('original_text').notNull(),
    suggestedText: text('suggested_text').notNull(),
    improvementType: text('improvement_type').notNull(),
    confidence: score('confidence').notNull().default(0),
    reasoning: text('reasoning'),
    metrics: jsonb('metrics')
      .$type<Record<string, Json>>()
      .notNull()
      .default(sql`'{}'::jsonb`),
    userAction: text('user_action', { enum: USER_ACTIONS }).notNull().default('pending'),
    userModifiedText: text('user_modified_text'),
    appliedAt: instant('applied_at'),
    createdAt: createdAt(),
  },
  (table) => [
    ownedBy('enhancement_suggestions', table.userId),
    foreignKey({
      name: 'enhancement_suggestions_request_id_fkey',
      columns: [table.userId, table.requestId],
      foreignColumns: [enhancementRequests.userId, enhancementRequests.id],
    }).onDelete('cascade'),
    index('idx_enhancement_suggestions_request').on(table.userId, table.requestId, table.createdAt, table.id),
    index('idx_enhancement_suggestions_user_created').on(
      table.userId,
      descending(table.createdAt),
      descending(table.id),
    ),
    check('enhancement_suggestions_user_action_check', oneOf(table.userAction, USER_ACTIONS)),
    check('enhancement_suggestions_confidence_check', fraction(table.confidence)),
  ],
)
