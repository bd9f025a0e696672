import { index, pgTable, text, uuid } from 'drizzle-orm/pg-core'

export const notes = pgTable(
  'notes',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    userId: uuid('user_id').notNull(),
    body: text('body').notNull(),
    mood: text('mood'),
  },
  (table) => [index('notes_user_id_idx').on(table.userId)],
)
