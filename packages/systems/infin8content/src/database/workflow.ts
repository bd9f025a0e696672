/** The 29 states of a workflow, the steps between them, and what each step leaves behind. */
import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { contextExpressions } from '@tenantry/rls'
import { defineTransitions } from '@tenantry/workflow'
import { intentWorkflows, workflowTransitions } from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'
import { type ApprovalEntity, WORKFLOW_STATES } from '../types/enums.ts'
import { stepOf, WORKFLOW_EDGES } from '../types/workflow.ts'

/** That a person has approved all of it; what was approved and then rejected isn't. */
const approved = (entity: ApprovalEntity): string => `exists (
  select from public.intent_approvals as approval
  where approval.organization_id = new.organization_id and approval.workflow_id = new.id
    and approval.entity_type = '${entity}' and approval.entity_id = new.id and approval.decision = 'approved'
)`

export const workflowMachine = defineTransitions({
  table: intentWorkflows,
  column: 'state',
  tenant: 'organizationId',
  initial: ['CREATED'],
  edges: WORKFLOW_EDGES,
  version: 'version',
  gates: [
    {
      name: 'seed_keywords_approved',
      from: 'SEED_REVIEW_PENDING',
      to: 'SEED_REVIEW_COMPLETED',
      condition: approved('seed_keywords'),
      message: 'the seed keywords of the workflow are not approved',
    },
    {
      name: 'clusters_approved',
      from: 'VALIDATION_COMPLETED',
      to: 'ARTICLE_PENDING',
      condition: approved('clusters'),
      message: 'the clusters of the workflow are not approved',
    },
    {
      name: 'subtopics_approved',
      from: 'ARTICLE_PENDING',
      to: 'ARTICLE_PROCESSING',
      condition: approved('subtopics'),
      message: 'the subtopics of the workflow are not approved',
    },
  ],
  record: {
    table: workflowTransitions,
    columns: {
      row: 'workflowId',
      tenant: 'organizationId',
      from: 'fromState',
      to: 'toState',
      version: 'version',
      idempotencyKey: 'idempotencyKey',
      reason: 'transitionReason',
      metadata: 'metadata',
      actor: 'userId',
    },
    actor: contextExpressions(tenancy).user,
  },
})

const STEP = { schema: 'tenantry', name: 'set_current_step' }

const steps = WORKFLOW_STATES.flatMap((state) => {
  const step = stepOf(state)
  return step === null ? [] : [`    when '${state}' then ${step}`]
})

export const workflow = lazyModule({
  name: 'workflow',
  objects: () => [
    ...workflowMachine.module.objects,
    sqlFunction({
      ...STEP,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `
begin
  new.current_step := case new.state
${steps.join('\n')}
    else new.current_step
  end;
  return new;
end`,
    }),
    trigger({
      table: intentWorkflows,
      name: 'set_current_step',
      timing: 'before',
      events: ['insert', { updateOf: ['state', 'current_step'] }],
      execute: STEP,
    }),
  ],
})
