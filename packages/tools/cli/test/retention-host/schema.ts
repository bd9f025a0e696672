import { createdAt, id } from '@tenantry/core'
import { index, pgTable, text, uuid } from 'drizzle-orm/pg-core'

export const notes = pgTable(
  'notes',
  { id: id(), userId: uuid('user_id').notNull(), body: text('body').notNull(), createdAt: createdAt() },
  (table) => [index('notes_created').on(table.createdAt), index('notes_user').on(table.userId)],
)

export const visits = pgTable(
  'visits',
  { id: id(), userId: uuid('user_id').notNull(), createdAt: createdAt() },
  (table) => [index('visits_created').on(table.createdAt), index('visits_user').on(table.userId)],
)
