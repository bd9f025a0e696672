import { DatabaseError, type Executor, StaleTransitionError } from '@tenantry/core'
import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import type { Transition } from '@tenantry/workflow'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { workflowMachine } from '../database/workflow.ts'
import { intentWorkflows as table, keywords, workflowTransitions } from '../schema/index.ts'
import type { WorkflowState } from '../types/enums.ts'
import {
  type ListLimit,
  listLimitInput,
  type TransitionInput,
  transitionInput,
  workflowChanges,
  type WorkflowInput,
  workflowInput,
} from '../types/inputs.ts'
import { newestFirst } from './order.ts'
import { transitions } from './transitions.ts'

type Workflow = Row<typeof table>

/**
 * Workflows and their 29 states. A step is one statement that compares, sets, raises `version` and is recorded;
 * steps that the machine doesn't have are refused by the database, to raw SQL too. Three wait for a person's
 * approval: SEED_REVIEW_COMPLETED (seeds), ARTICLE_PENDING (clusters), ARTICLE_PROCESSING (subtopics).
 */
export const workflows = defineRepository(table, {
  tenant: 'organizationId',
  // Follow from the machine, and from who acts.
  readOnly: ['state', 'version', 'currentStep', 'createdBy', 'status'],
  schema: { update: workflowChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /** A new workflow, in CREATED, of whoever is acting; the service role says whose (`createdBy`). */
    async start(input: WorkflowInput): Promise<Workflow> {
      const { createdBy, ...workflow } = parseInput(table, workflowInput, input)
      const named = executor.role === 'service'
      const [started] = await repository.statement(
        named ? 'start by service' : 'start',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(table),
          query: (
            columns,
          ) => sql`insert into ${table} (organization_id, title, description, metadata${named ? sql`, created_by` : sql``})
            select ${tenant}, ${value('title', table.title)}, ${value('description', table.description)},
              ${value('metadata', table.metadata)}${named ? sql`, ${value('createdBy', table.createdBy)}` : sql``}
            where ${gate}
            returning ${columns}`,
        }),
        {
          title: workflow.title,
          description: workflow.description ?? null,
          metadata: workflow.metadata ?? {},
          createdBy: createdBy ?? null,
        },
      )
      if (started === undefined)
        throw new DatabaseError('The workflow was not written', { table: getTableName(table) })
      return started
    },

    /**
     * Makes one step. The same idempotency key again makes none and answers what the first call did
     * (`replayed`).
     *
     * Throws StaleTransitionError when the workflow's state doesn't lead there or its version isn't `version`;
     * CheckViolationError when a person's approval is missing; IdempotencyError when the key was used
     * for another step; NotFoundError when the organization has no such workflow.
     */
    async transition(id: string, input: TransitionInput): Promise<Transition<WorkflowState>> {
      const { to, version: expectedVersion, ...options } = parseInput(table, transitionInput, input)
      return workflowMachine.move(executor, id, to, { ...options, expectedVersion })
    },

    /** From any state that isn't an end, for good. */
    async cancel(id: string, reason?: string): Promise<Transition<WorkflowState>> {
      return workflowMachine.move(executor, id, 'CANCELLED', { reason })
    },

    /** From a failed phase back to its beginning. Throws StaleTransitionError when no phase has failed. */
    async retry(id: string, reason?: string): Promise<Transition<WorkflowState>> {
      const { state, version } = await repository.get(id)
      const to = workflowMachine.states.find((each) => each === state.replace(/_FAILED$/, '_PENDING'))
      if (to === undefined || to === state) {
        throw new StaleTransitionError('No phase of the workflow has failed', { table: getTableName(table) })
      }
      return workflowMachine.move(executor, id, to, { reason, expectedVersion: version })
    },

    /** What became of a workflow, the first step first. */
    async history(id: string): Promise<Row<typeof workflowTransitions>[]> {
      return historyOf(executor, id)
    },

    /** The newest workflows, each with the number of its keywords. */
    async withKeywordCounts(
      options: ListLimit = {},
    ): Promise<(Workflow & { readonly keywordCount: number })[]> {
      return repository.statement(
        'with keyword counts',
        ({ tenant, gate, value }) => ({
          returns: {
            ...getTableColumns(table),
            keywordCount: sql<number>`coalesce(counted.keywords, 0)`.mapWith(Number),
          },
          // Limited before it is counted: an organization has more keywords than a page shows.
          query: (columns) => sql`select ${columns}
            from (
              select * from ${table}
              where ${table.organizationId} = ${tenant}
              order by ${table.createdAt} desc, ${table.id} desc
              limit ${value('limit')}
            ) as ${table}
            left join lateral (
              select count(*) as keywords from ${keywords}
              where ${keywords.organizationId} = ${tenant} and ${keywords.workflowId} = ${table.id}
            ) as counted on true
            where ${table.organizationId} = ${tenant} and ${gate}
            order by ${table.createdAt} desc, ${table.id} desc`,
        }),
        parseInput(table, listLimitInput, options),
      )
    },

    /** Workflows that haven't come to an end, the oldest first. */
    async active(options: ListLimit = {}): Promise<Workflow[]> {
      return repository.statement(
        'active',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`select ${columns} from ${table}
            where ${table.organizationId} = ${tenant} and ${table.state} not in ('COMPLETED', 'CANCELLED') and ${gate}
            order by ${table.createdAt}, ${table.id}
            limit ${value('limit')}`,
        }),
        parseInput(table, listLimitInput, options),
      )
    },

    /** Workflows of which a phase has failed, the longest ago first. */
    async failed(options: ListLimit = {}): Promise<Workflow[]> {
      return repository.statement(
        'failed',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`select ${columns} from ${table}
            where ${table.organizationId} = ${tenant} and ${table.state} like '%_FAILED' and ${gate}
            order by ${table.updatedAt}, ${table.id}
            limit ${value('limit')}`,
        }),
        parseInput(table, listLimitInput, options),
      )
    },
  }),
})

async function historyOf(executor: Executor, workflowId: string): Promise<Row<typeof workflowTransitions>[]> {
  const steps = await transitions.bind(executor).statement(
    'history',
    ({ tenant, gate, value }) => ({
      returns: getTableColumns(workflowTransitions),
      query: (columns) => sql`select ${columns} from ${workflowTransitions}
        where ${workflowTransitions.organizationId} = ${tenant}
          and ${workflowTransitions.workflowId} = ${value('workflowId', workflowTransitions.workflowId)} and ${gate}
        order by ${workflowTransitions.version}`,
    }),
    { workflowId },
  )
  return steps
}
