import { defineRepository, nestedRows, parseInput, type Row } from '@tenantry/repository'
import { getTableColumns, sql } from 'drizzle-orm'
import { clusterValidationResults, keywords, topicClusters as table } from '../schema/index.ts'
import {
  type ClusterInput,
  clusterInput,
  clusterRowInput,
  type ValidateClustersInput,
  validateClustersInput,
} from '../types/inputs.ts'
import { clusterValidations } from './cluster-validations.ts'
import { newestFirst } from './order.ts'

type Cluster = Row<typeof table>
type Validation = Row<typeof clusterValidationResults>

/** A hub with its spokes, and the verdict on it if there is one. */
export interface Hub {
  readonly hubKeywordId: string
  readonly keyword: string
  readonly spokes: readonly Cluster[]
  readonly validation: Validation | null
}

/**
 * Which spoke belongs to which hub. Both are keywords of one workflow, a spoke has one hub, and none is its own:
 * else it is a ForeignKeyError or CheckViolationError, by raw SQL too.
 */
export const clusters = defineRepository(table, {
  tenant: 'organizationId',
  schema: { create: clusterRowInput },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /** Gives a hub its spokes. One that has another hub leaves it; one that has this hub is measured anew. */
    async assign(input: ClusterInput): Promise<Cluster[]> {
      const { spokes, ...cluster } = parseInput(table, clusterInput, input)
      return repository.statement(
        'assign',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`insert into ${table}
              (organization_id, workflow_id, hub_keyword_id, spoke_keyword_id, similarity_score, cluster_type)
            select ${tenant}, ${value('workflowId', table.workflowId)}, ${value('hubKeywordId', table.hubKeywordId)},
              spoke.keyword_id, spoke.similarity_score, ${value('clusterType', table.clusterType)}
            from jsonb_to_recordset(${value('spokes')}::jsonb) as spoke (keyword_id uuid, similarity_score numeric)
            where ${gate}
            on conflict (workflow_id, spoke_keyword_id, organization_id) do update
              set hub_keyword_id = excluded.hub_keyword_id, similarity_score = excluded.similarity_score,
                cluster_type = excluded.cluster_type
            returning ${columns}`,
        }),
        {
          ...cluster,
          spokes: JSON.stringify(
            spokes.map(({ keywordId, similarityScore }) => ({
              keyword_id: keywordId,
              similarity_score: similarityScore ?? null,
            })),
          ),
        },
      )
    },

    /** The workflow's hubs with their spokes, the most similar first, and their validation. One query. */
    async ofWorkflow(workflowId: string): Promise<Hub[]> {
      const rows = await repository.statement(
        'of workflow',
        ({ tenant, gate, value }) => {
          const workflow = value('workflowId', table.workflowId)
          return {
            returns: {
              hubKeywordId: sql<string>`hub.hub_keyword_id`,
              keyword: keywords.keyword,
              spokes: nestedRows(
                getTableColumns(table),
                (row) => sql`select ${row} from ${table}
                  where ${table.organizationId} = ${tenant} and ${table.workflowId} = ${workflow}
                    and ${table.hubKeywordId} = hub.hub_keyword_id
                  order by ${table.similarityScore} desc nulls last, ${table.id}`,
              ),
              validations: nestedRows(
                getTableColumns(clusterValidationResults),
                (row) => sql`select ${row} from ${clusterValidationResults}
                  where ${clusterValidationResults.organizationId} = ${tenant}
                    and ${clusterValidationResults.workflowId} = ${workflow}
                    and ${clusterValidationResults.hubKeywordId} = hub.hub_keyword_id`,
              ),
            },
            query: (columns) => sql`select ${columns}
              from (
                select distinct ${table.hubKeywordId} from ${table}
                where ${table.organizationId} = ${tenant} and ${table.workflowId} = ${workflow}
              ) as hub
              join ${keywords} on ${keywords.id} = hub.hub_keyword_id and ${keywords.organizationId} = ${tenant}
              where ${gate}
              order by ${keywords.keywordNormalized}`,
          }
        },
        { workflowId },
      )
      return rows.map(({ validations, ...hub }) => ({ ...hub, validation: validations[0] ?? null }))
    },

    /**
     * Works out anew whether each hub of the workflow makes a cluster, from the number of its spokes and their
     * average similarity, in the database; verdicts on hubs that are none any more go. Answers all verdicts.
     */
    async validate(input: ValidateClustersInput): Promise<Validation[]> {
      const { workflowId, minSimilarity, minSpokes, maxSpokes } = parseInput(
        table,
        validateClustersInput,
        input,
      )
      return executor.transaction((within) =>
        clusterValidations.bind(within).compute(workflowId, {
          min_similarity: minSimilarity,
          min_spokes: minSpokes,
          max_spokes: maxSpokes,
        }),
      )
    },

    /** Takes a hub's spokes away from it. Answers how many it had. */
    async dissolve(workflowId: string, hubKeywordId: string): Promise<number> {
      const gone = await repository.statement(
        'dissolve',
        ({ tenant, gate, value }) => ({
          returns: { id: table.id },
          query: (columns) => sql`delete from ${table}
            where ${table.organizationId} = ${tenant} and ${table.workflowId} = ${value('workflowId', table.workflowId)}
              and ${table.hubKeywordId} = ${value('hubKeywordId', table.hubKeywordId)} and ${gate}
            returning ${columns}`,
        }),
        { workflowId, hubKeywordId },
      )
      return gone.length
    },
  }),
})
