import { id, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, pgTable, text, unique } from 'drizzle-orm/pg-core'

/**
 * People. On Supabase a row mirrors one of auth.users and goes with it (see database/people.ts); elsewhere
 * this is the table that the host's sign-in fills.
 */
export const users = pgTable(
  'users',
  {
    id: id(),
    /** In lower case, so that one address is one person. */
    email: text('email').notNull(),
    fullName: text('full_name'),
    avatarUrl: text('avatar_url'),
    ...timestamps(),
  },
  (table) => [
    unique('users_email_key').on(table.email),
    check('users_email_check', sql`${table.email} = lower(${table.email}) and ${table.email} like '%@%'`),
  ],
)
