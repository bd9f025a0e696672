import { descending, id, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { WORKFLOW_STATES } from '../types/enums.ts'
import { metadataColumn } from './columns.ts'
import { organizations } from './organizations.ts'
import { users } from './users.ts'

/** One run from an idea to published articles. */
export const intentWorkflows = pgTable(
  'intent_workflows',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    /** The user of the context, whatever a statement says; named by the service role only. */
    createdBy: uuid('created_by').notNull(),
    title: text('title').notNull(),
    description: text('description'),
    state: text('state', { enum: WORKFLOW_STATES }).notNull().default('CREATED'),
    /** The phase that `state` is in, 1 to 7; the two ends keep the last one. Set by a trigger. */
    currentStep: integer('current_step').notNull().default(1),
    /** Of an older version, before there was `state`. */
    status: text('status'),
    /** Transitions so far, plus one; whoever read the workflow can say which version they mean. */
    version: integer('version').notNull().default(1),
    metadata: metadataColumn(),
    ...timestamps(),
  },
  (table) => [
    // The target of keys that carry the tenant. A constraint, since they are added before any index.
    unique('intent_workflows_organization_id_id_key').on(table.organizationId, table.id),
    foreignKey({
      name: 'intent_workflows_organization_id_fkey',
      columns: [table.organizationId],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'intent_workflows_created_by_fkey',
      columns: [table.createdBy],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
    index('idx_workflows_organization_id').on(
      table.organizationId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_workflows_state').on(table.state),
    index('idx_workflows_created_by').on(table.createdBy),
    index('idx_workflows_org_state').on(
      table.organizationId,
      table.state,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_workflows_active')
      .on(table.organizationId, table.createdAt, table.id)
      .where(sql`${table.state} not in ('COMPLETED', 'CANCELLED')`),
    // Proven only by the same words, so queries say `like '%_FAILED'` too.
    index('idx_workflows_failed')
      .on(table.organizationId, table.updatedAt, table.id)
      .where(sql`${table.state} like '%_FAILED'`),
    check('intent_workflows_state_check', oneOf(table.state, WORKFLOW_STATES)),
    check('intent_workflows_current_step_check', sql`${table.currentStep} >= 1`),
    check('intent_workflows_version_check', sql`${table.version} >= 1`),
  ],
)
