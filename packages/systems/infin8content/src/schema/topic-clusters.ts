import { createdAt, descending, id, oneOf } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { CLUSTER_TYPES } from '../types/enums.ts'
import { decimal } from './columns.ts'
import { intentWorkflows } from './intent-workflows.ts'
import { keywords } from './keywords.ts'

/** Which spoke belongs to which hub. Both are keywords of the cluster's workflow: its foreign keys say so. */
export const topicClusters = pgTable(
  'topic_clusters',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    workflowId: uuid('workflow_id').notNull(),
    hubKeywordId: uuid('hub_keyword_id').notNull(),
    spokeKeywordId: uuid('spoke_keyword_id').notNull(),
    /** Of spoke and hub, -1 to 1; null: nobody has measured it. */
    similarityScore: decimal('similarity_score'),
    clusterType: text('cluster_type', { enum: CLUSTER_TYPES }).notNull().default('automatic'),
    createdAt: createdAt(),
  },
  (table) => [
    // A workflow belongs to one tenant, so the tenant adds no freedom: a spoke has one hub.
    unique('topic_clusters_workflow_id_spoke_keyword_id_key').on(
      table.workflowId,
      table.spokeKeywordId,
      table.organizationId,
    ),
    foreignKey({
      name: 'topic_clusters_workflow_id_fkey',
      columns: [table.organizationId, table.workflowId],
      foreignColumns: [intentWorkflows.organizationId, intentWorkflows.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'topic_clusters_hub_keyword_id_fkey',
      columns: [table.organizationId, table.workflowId, table.hubKeywordId],
      foreignColumns: [keywords.organizationId, keywords.workflowScope, keywords.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'topic_clusters_spoke_keyword_id_fkey',
      columns: [table.organizationId, table.workflowId, table.spokeKeywordId],
      foreignColumns: [keywords.organizationId, keywords.workflowScope, keywords.id],
    }).onDelete('cascade'),
    index('idx_clusters_organization_id').on(
      table.organizationId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_clusters_workflow_id').on(table.workflowId, table.organizationId, table.hubKeywordId),
    index('idx_clusters_hub_keyword').on(table.hubKeywordId, table.workflowId, table.organizationId),
    index('idx_clusters_spoke_keyword').on(table.spokeKeywordId, table.workflowId, table.organizationId),
    index('idx_clusters_similarity').on(table.similarityScore),
    check('topic_clusters_hub_is_no_spoke_check', sql`${table.hubKeywordId} <> ${table.spokeKeywordId}`),
    check('topic_clusters_similarity_score_check', sql`${table.similarityScore} between -1 and 1`),
    check('topic_clusters_cluster_type_check', oneOf(table.clusterType, CLUSTER_TYPES)),
  ],
)
