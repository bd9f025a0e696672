import { createdAt, descending, id, oneOf } from '@tenantry/core'
import { sql, type SQL } from 'drizzle-orm'
import { check, foreignKey, index, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { APPROVAL_DECISIONS, APPROVAL_ENTITIES } from '../types/enums.ts'
import { decimal, metadataColumn } from './columns.ts'
import { intentWorkflows } from './intent-workflows.ts'
import { keywords } from './keywords.ts'
import { organizations } from './organizations.ts'
import { users } from './users.ts'

/**
 * What people decided. `entity_id` is the workflow, for all its seeds, subtopics or clusters together: that
 * decision is a gate of the workflow's states. Or it is one of the workflow's keywords (a cluster is its hub).
 */
export const intentApprovals = pgTable(
  'intent_approvals',
  {
    id: id(),
    workflowId: uuid('workflow_id').notNull(),
    entityType: text('entity_type', { enum: APPROVAL_ENTITIES }).notNull(),
    entityId: uuid('entity_id').notNull(),
    /** The keyword, where it isn't the whole workflow. */
    entityKeywordId: uuid('entity_keyword_id').generatedAlwaysAs(
      (): SQL => sql`nullif(${intentApprovals.entityId}, ${intentApprovals.workflowId})`,
    ),
    decision: text('decision', { enum: APPROVAL_DECISIONS }).notNull(),
    feedback: text('feedback'),
    /** 0 to 1. */
    confidenceScore: decimal('confidence_score'),
    /** Who decided: the user of the context, whatever a statement says; named by the service role only. */
    userId: uuid('user_id').notNull(),
    organizationId: uuid('organization_id').notNull(),
    approvalMetadata: metadataColumn('approval_metadata'),
    createdAt: createdAt(),
  },
  (table) => [
    unique('intent_approvals_workflow_id_entity_type_entity_id_key').on(
      table.workflowId,
      table.entityType,
      table.entityId,
      table.organizationId,
    ),
    foreignKey({
      name: 'intent_approvals_workflow_id_fkey',
      columns: [table.organizationId, table.workflowId],
      foreignColumns: [intentWorkflows.organizationId, intentWorkflows.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'intent_approvals_entity_keyword_id_fkey',
      columns: [table.organizationId, table.workflowId, table.entityKeywordId],
      foreignColumns: [keywords.organizationId, keywords.workflowScope, keywords.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'intent_approvals_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'intent_approvals_organization_id_fkey',
      columns: [table.organizationId],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
    index('idx_approvals_organization_id').on(
      table.organizationId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_approvals_workflow_id').on(table.workflowId, table.organizationId, table.entityKeywordId),
    index('idx_approvals_entity').on(table.entityType, table.entityId),
    index('idx_approvals_user_id').on(table.userId),
    index('idx_approvals_decision').on(table.decision),
    check('intent_approvals_entity_type_check', oneOf(table.entityType, APPROVAL_ENTITIES)),
    check('intent_approvals_decision_check', oneOf(table.decision, APPROVAL_DECISIONS)),
    check('intent_approvals_confidence_score_check', sql`${table.confidenceScore} between 0 and 1`),
  ],
)
