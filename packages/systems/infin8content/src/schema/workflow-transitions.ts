import { createdAt, descending, id, oneOf } from '@tenantry/core'
import { check, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { WORKFLOW_STATES } from '../types/enums.ts'
import { metadataColumn } from './columns.ts'

/** Every transition of every workflow, written by the machine. Append-only, so it has no foreign key. */
export const workflowTransitions = pgTable(
  'workflow_transitions',
  {
    id: id(),
    workflowId: uuid('workflow_id').notNull(),
    organizationId: uuid('organization_id').notNull(),
    fromState: text('from_state', { enum: WORKFLOW_STATES }).notNull(),
    toState: text('to_state', { enum: WORKFLOW_STATES }).notNull(),
    /** The workflow's, after it. */
    version: integer('version').notNull(),
    transitionReason: text('transition_reason'),
    /** The same key for the same workflow is one transition. Null: the caller gave none. */
    idempotencyKey: text('idempotency_key'),
    /** Who made it; null: the service role. */
    userId: uuid('user_id'),
    metadata: metadataColumn(),
    createdAt: createdAt(),
  },
  (table) => [
    // The documented key held created_at, so it never found a repetition.
    unique('workflow_transitions_workflow_id_idempotency_key_key').on(
      table.workflowId,
      table.idempotencyKey,
      table.organizationId,
    ),
    index('idx_transitions_workflow_id').on(
      table.workflowId,
      table.organizationId,
      descending(table.createdAt),
    ),
    index('idx_transitions_organization_id').on(
      table.organizationId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_transitions_created_at').on(table.createdAt),
    check('workflow_transitions_from_state_check', oneOf(table.fromState, WORKFLOW_STATES)),
    check('workflow_transitions_to_state_check', oneOf(table.toState, WORKFLOW_STATES)),
  ],
)
