import { descending, equals, id, timestamps } from '@tenantry/core'
import { leaseColumns } from '@tenantry/workflow'
import { foreignKey, index, jsonb, pgEnum, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { OUTPUT_KINDS, OUTPUT_STATUSES } from '../types/enums.ts'
import type { OutputMetadata, OutputRequest } from '../types/metadata.ts'
import { userId } from './columns.ts'
import { projects } from './projects.ts'

export const outputKind = pgEnum('output_kind', OUTPUT_KINDS)
export const outputStatus = pgEnum('output_status', OUTPUT_STATUSES)

/** In this order, so that `insert into outputs_archive select * from outputs` holds. */
export const outputColumns = () => ({
  id: id(),
  userId: userId(),
  projectId: uuid('project_id').notNull(),
  kind: outputKind('kind').notNull(),
  status: outputStatus('status').notNull().default('queued'),
  /** As it was asked for. */
  request: jsonb('request').$type<OutputRequest>(),
  body: text('body'),
  metadata: jsonb('metadata').$type<OutputMetadata>().notNull().default({}),
  ...timestamps(),
  ...leaseColumns(),
})

/** Texts that are generated from a project: each is asked for, claimed by a worker, and finished or given up. */
export const outputs = pgTable('outputs', outputColumns(), (table) => [
  foreignKey({
    name: 'outputs_project_id_fkey',
    columns: [table.userId, table.projectId],
    foreignColumns: [projects.userId, projects.id],
  }).onDelete('cascade'),
  index('idx_outputs_project').on(table.projectId, table.userId),
  index('idx_outputs_user_created').on(table.userId, descending(table.createdAt), descending(table.id)),
  index('idx_outputs_status').on(table.status),
  index('idx_outputs_created_at').on(descending(table.createdAt)),
  // Completed ones from the oldest, as they are archived.
  index('idx_outputs_completed').on(table.createdAt).where(equals(table.status, 'completed')),
])
