import { createdAt, descending, id } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { bigint, check, foreignKey, index, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { userId } from './columns.ts'
import { projects } from './projects.ts'

/** Uploaded media of a project. What they hold lies in a store of objects, under `path`. */
export const files = pgTable(
  'files',
  {
    id: id(),
    userId: userId(),
    projectId: uuid('project_id').notNull(),
    /** `{user_id}/{project_id}/{uuid.ext}` */
    path: text('path').notNull(),
    mimeType: text('mime_type'),
    sizeBytes: bigint('size_bytes', { mode: 'number' }),
    publicUrl: text('public_url'),
    createdAt: createdAt(),
  },
  (table) => [
    foreignKey({
      name: 'files_project_id_fkey',
      columns: [table.userId, table.projectId],
      foreignColumns: [projects.userId, projects.id],
    }).onDelete('cascade'),
    // Unique over all users, since the check below has every path hold its user: no user can find out by it
    // what another has.
    unique('files_path_key').on(table.path, table.userId),
    index('idx_files_project').on(table.projectId, table.userId),
    index('idx_files_user_created').on(table.userId, descending(table.createdAt), descending(table.id)),
    // What follows the project is one name: with a slash in it, two users' paths could be the same.
    check(
      'files_path_check',
      sql`starts_with(${table.path}, ${table.userId} || '/' || ${table.projectId}::text || '/')
        and substr(${table.path}, length(${table.userId}) + 39) not in ('', '.', '..')
        and strpos(substr(${table.path}, length(${table.userId}) + 39), '/') = 0`,
    ),
    check('files_size_bytes_check', sql`${table.sizeBytes} >= 0`),
  ],
)
