import { DatabaseError } from '@tenantry/core'
import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { intentApprovals as table } from '../schema/index.ts'
import type { ApprovalEntity } from '../types/enums.ts'
import { type DecisionInput, decisionInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

type Approval = Row<typeof table>

/** What people decided about seeds, subtopics and clusters. A workflow waits for them at three of its steps. */
export const approvals = defineRepository(table, {
  tenant: 'organizationId',
  readOnly: ['userId'],
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Notes a decision; an earlier one on the same is replaced, and with it who decided. Without `entityId` it is
     * about all seeds, subtopics or clusters of the workflow, and opens (or closes) the workflow's next step.
     *
     * Throws ForeignKeyError for a workflow, or a keyword in it, that the organization doesn't have.
     */
    async decide(input: DecisionInput): Promise<Approval> {
      const { userId, ...decision } = parseInput(table, decisionInput, input)
      // A person decides for themselves; the database would stamp them anyway.
      const named = executor.role === 'service'
      const [decided] = await repository.statement(
        named ? 'decide by service' : 'decide',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`insert into ${table}
              (organization_id, workflow_id, entity_type, entity_id, decision, feedback, confidence_score,
                approval_metadata${named ? sql`, user_id` : sql``})
            select ${tenant}, ${value('workflowId', table.workflowId)}, ${value('entityType', table.entityType)},
              ${value('entityId', table.entityId)}, ${value('decision', table.decision)},
              ${value('feedback', table.feedback)}, ${value('confidenceScore', table.confidenceScore)},
              ${value('approvalMetadata', table.approvalMetadata)}
              ${named ? sql`, ${value('userId', table.userId)}` : sql``}
            where ${gate}
            on conflict (workflow_id, entity_type, entity_id, organization_id) do update
              set decision = excluded.decision, feedback = excluded.feedback,
                confidence_score = excluded.confidence_score, approval_metadata = excluded.approval_metadata
                ${named ? sql`, user_id = excluded.user_id` : sql``}
            returning ${columns}`,
        }),
        {
          ...decision,
          entityId: decision.entityId ?? decision.workflowId,
          feedback: decision.feedback ?? null,
          confidenceScore: decision.confidenceScore ?? null,
          approvalMetadata: decision.approvalMetadata ?? {},
          userId: userId ?? null,
        },
      )
      if (decided === undefined)
        throw new DatabaseError('The decision was not written', { table: getTableName(table) })
      return decided
    },

    /** Whether all of the kind in the workflow is approved, as the workflow's gate asks. */
    async isApproved(workflowId: string, entityType: ApprovalEntity): Promise<boolean> {
      return repository.exists({
        where: { workflowId, entityType, entityId: workflowId, decision: 'approved' },
      })
    },
  }),
})
