import { descending, id, timestamps } from '@tenantry/core'
import { index, pgTable, text, unique } from 'drizzle-orm/pg-core'

/**
 * Accounts. The tenant of every other table is a row of this one. On Supabase its id is that of `auth.users`,
 * which the sign-up is given.
 */
export const users = pgTable(
  'users',
  {
    id: id(),
    email: text('email').notNull(),
    fullName: text('full_name'),
    ...timestamps(),
  },
  (table) => [
    // UNIQUE and indexed in the specification; one index does both, under the index's name.
    unique('idx_users_email').on(table.email),
    index('idx_users_created_at').on(descending(table.createdAt)),
  ],
)
