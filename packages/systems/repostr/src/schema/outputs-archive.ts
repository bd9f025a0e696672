import { descending, instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { foreignKey, index, pgTable } from 'drizzle-orm/pg-core'
import { outputColumns } from './outputs.ts'
import { projects } from './projects.ts'

/** Completed outputs that are old, moved here out of the way. They still go with their project. */
export const outputsArchive = pgTable(
  'outputs_archive',
  {
    ...outputColumns(),
    archivedAt: instant('archived_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    foreignKey({
      name: 'outputs_archive_project_id_fkey',
      columns: [table.userId, table.projectId],
      foreignColumns: [projects.userId, projects.id],
    }).onDelete('cascade'),
    index('idx_outputs_archive_project').on(table.projectId, table.userId),
    index('idx_outputs_archive_user_created').on(
      table.userId,
      descending(table.createdAt),
      descending(table.id),
    ),
  ],
)
