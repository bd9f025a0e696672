import { createdAt, descending, id, oneOf } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { VALIDATION_STATUSES } from '../types/enums.ts'
import type { ValidationMetadata } from '../types/metadata.ts'
import { decimal } from './columns.ts'
import { intentWorkflows } from './intent-workflows.ts'
import { keywords } from './keywords.ts'

/** What a trigger has worked out about each hub, from its clusters at the time of writing. */
export const clusterValidationResults = pgTable(
  'cluster_validation_results',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    workflowId: uuid('workflow_id').notNull(),
    hubKeywordId: uuid('hub_keyword_id').notNull(),
    validationStatus: text('validation_status', { enum: VALIDATION_STATUSES }).notNull(),
    /** Over the spokes whose similarity is known; null when none is. */
    avgSimilarity: decimal('avg_similarity'),
    spokeCount: integer('spoke_count'),
    /** Why it is invalid, in a sentence. */
    validationReason: text('validation_reason'),
    /** The thresholds that differ from the product's, and what the host adds. */
    validationMetadata: jsonb('validation_metadata').$type<ValidationMetadata>().notNull().default({}),
    createdAt: createdAt(),
  },
  (table) => [
    unique('cluster_validation_results_workflow_id_hub_keyword_id_key').on(
      table.workflowId,
      table.hubKeywordId,
      table.organizationId,
    ),
    foreignKey({
      name: 'cluster_validation_results_workflow_id_fkey',
      columns: [table.organizationId, table.workflowId],
      foreignColumns: [intentWorkflows.organizationId, intentWorkflows.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'cluster_validation_results_hub_keyword_id_fkey',
      columns: [table.organizationId, table.workflowId, table.hubKeywordId],
      foreignColumns: [keywords.organizationId, keywords.workflowScope, keywords.id],
    }).onDelete('cascade'),
    index('idx_validation_organization_id').on(
      table.organizationId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_validation_workflow_id').on(table.workflowId, table.organizationId),
    index('idx_validation_hub_keyword').on(table.hubKeywordId, table.workflowId, table.organizationId),
    index('idx_validation_status').on(table.validationStatus),
    check(
      'cluster_validation_results_validation_status_check',
      oneOf(table.validationStatus, VALIDATION_STATUSES),
    ),
    check('cluster_validation_results_spoke_count_check', sql`${table.spokeCount} >= 0`),
  ],
)
