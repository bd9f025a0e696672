import { deletedAt, equals, id, oneOf, timestamps } from '@tenantry/core'
import { check, index, pgTable, text, unique, varchar } from 'drizzle-orm/pg-core'
import { USER_STATUSES } from '../types/enums.ts'

/** Accounts, mirrored from Clerk. The tenant of every other table is a row of this one. */
export const users = pgTable(
  'users',
  {
    id: id(),
    clerkId: varchar('clerk_id', { length: 255 }).notNull(),
    email: varchar('email', { length: 255 }).notNull(),
    fullName: varchar('full_name', { length: 255 }),
    avatarUrl: text('avatar_url'),
    status: varchar('status', { length: 50, enum: USER_STATUSES }).notNull().default('active'),
    ...timestamps(),
    deletedAt: deletedAt(),
  },
  (table) => [
    // Each is UNIQUE and indexed in the specification; one index does both, under the index's name.
    unique('idx_users_clerk_id').on(table.clerkId),
    unique('idx_users_email').on(table.email),
    index('idx_users_status').on(table.status).where(equals(table.status, 'active')),
    check('users_status_check', oneOf(table.status, USER_STATUSES)),
  ],
)
