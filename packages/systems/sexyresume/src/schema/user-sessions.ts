import { createdAt, descending, id, instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { index, inet, pgTable, text, unique } from 'drizzle-orm/pg-core'
import { ownedBy, userId } from './columns.ts'

/** Where a customer is signed in. */
export const userSessions = pgTable(
  'user_sessions',
  {
    id: id(),
    userId: userId(),
    /** A hash of the session's token, never the token. */
    tokenHash: text('token_hash').notNull(),
    ipAddress: inet('ip_address'),
    userAgent: text('user_agent'),
    lastSeenAt: instant('last_seen_at')
      .notNull()
      .default(sql`now()`),
    expiresAt: instant('expires_at').notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    ownedBy('user_sessions', table.userId),
    unique('user_sessions_token_hash_key').on(table.tokenHash),
    index('idx_user_sessions_user_id').on(table.userId, descending(table.lastSeenAt), descending(table.id)),
    index('idx_user_sessions_expires_at').on(table.expiresAt),
  ],
)
