import { descending, id, timestamps } from '@tenantry/core'
import { index, pgTable, text, unique } from 'drizzle-orm/pg-core'
import { userId } from './columns.ts'

/** Something to be repurposed: files go in, outputs come out. */
export const projects = pgTable(
  'projects',
  {
    id: id(),
    userId: userId(),
    title: text('title').notNull(),
    description: text('description'),
    ...timestamps(),
  },
  (table) => [
    // The target of keys that carry the tenant. A constraint, since they are added before any index.
    unique('projects_user_id_id_key').on(table.userId, table.id),
    index('idx_projects_user_created').on(table.userId, descending(table.createdAt), descending(table.id)),
  ],
)
