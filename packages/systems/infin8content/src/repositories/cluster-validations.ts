import { defineRepository, type Row } from '@tenantry/repository'
import { getTableColumns, sql } from 'drizzle-orm'
import { clusterValidationResults as table, topicClusters } from '../schema/index.ts'
import { validationChanges, validationInput } from '../types/inputs.ts'
import type { ValidationMetadata } from '../types/metadata.ts'
import { newestFirst } from './order.ts'

/**
 * Verdicts on hubs. What they say is worked out by the database when they are written, whoever writes them;
 * `clusters.validate()` does so for a workflow.
 */
export const clusterValidations = defineRepository(table, {
  tenant: 'organizationId',
  readOnly: ['validationStatus', 'avgSimilarity', 'spokeCount', 'validationReason'],
  schema: { create: validationInput, update: validationChanges },
  defaultSort: newestFirst,
  verbs: (repository) => ({
    /** `clusters.validate()` checks the thresholds; two statements, for its transaction. */
    async compute(workflowId: string, thresholds: ValidationMetadata): Promise<Row<typeof table>[]> {
      await repository.statement(
        'forget hubs that are none',
        ({ tenant, value }) => ({
          returns: { id: table.id },
          query: (columns) => sql`delete from ${table}
            where ${table.organizationId} = ${tenant} and ${table.workflowId} = ${value('workflowId', table.workflowId)}
              and not exists (
                select from ${topicClusters}
                where ${topicClusters.organizationId} = ${tenant}
                  and ${topicClusters.workflowId} = ${table.workflowId}
                  and ${topicClusters.hubKeywordId} = ${table.hubKeywordId}
              )
            returning ${columns}`,
        }),
        { workflowId },
      )
      return repository.statement(
        'compute',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(table),
          query: (
            columns,
          ) => sql`insert into ${table} (organization_id, workflow_id, hub_keyword_id, validation_metadata)
            select distinct ${topicClusters.organizationId}, ${topicClusters.workflowId}, ${topicClusters.hubKeywordId},
              ${value('thresholds', table.validationMetadata)}
            from ${topicClusters}
            where ${topicClusters.organizationId} = ${tenant}
              and ${topicClusters.workflowId} = ${value('workflowId', table.workflowId)} and ${gate}
            on conflict (workflow_id, hub_keyword_id, organization_id) do update
              set validation_metadata = excluded.validation_metadata
            returning ${columns}`,
        }),
        { workflowId, thresholds },
      )
    },
  }),
})
