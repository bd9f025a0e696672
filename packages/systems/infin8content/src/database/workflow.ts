/** The 29 states of a workflow. */
import { defineStateMachine } from '@tenantry/workflow'
import { intentWorkflows } from '../schema/index.ts'
import type { ApprovalEntity, WorkflowState } from '../types/enums.ts'
import { WORKFLOW_EDGES } from '../types/workflow.ts'

/** That a person has approved all of it; what was approved and then rejected isn't. */
const approved = (entity: ApprovalEntity): string => `exists (
  select from public.intent_approvals as approval
  where approval.organization_id = new.organization_id and approval.workflow_id = new.id
    and approval.entity_type = '${entity}' and approval.entity_id = new.id and approval.decision = 'approved'
)`

export const workflowMachine = defineStateMachine({
  table: intentWorkflows,
  column: 'state',
  initial: ['CREATED'],
  edges: WORKFLOW_EDGES as { readonly [S in WorkflowState]: readonly WorkflowState[] },
  requires: {
    SEED_REVIEW_COMPLETED: {
      condition: approved('seed_keywords'),
      on: [],
      message: 'the seed keywords of the workflow are not approved',
    },
    ARTICLE_PENDING: {
      condition: approved('clusters'),
      on: [],
      message: 'the clusters of the workflow are not approved',
    },
    ARTICLE_PROCESSING: {
      condition: approved('subtopics'),
      on: [],
      message: 'the subtopics of the workflow are not approved',
    },
  },
})
