/** Columns that most tables share, declared once. Names in the database are always explicit. */
import { sql } from 'drizzle-orm'
import { timestamp, uuid } from 'drizzle-orm/pg-core'

/** `id uuid primary key default gen_random_uuid()` */
export const id = () => uuid('id').primaryKey().defaultRandom()

/** A point in time: `timestamptz`, a Date in JavaScript. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })

/** `created_at timestamptz not null default now()` */
export const createdAt = () => instant('created_at').notNull().default(sql`now()`)

/** `created_at` and `updated_at`; the trigger that keeps the latter is declared with `@tenantry/ddl`. */
export const timestamps = () => ({
  createdAt: createdAt(),
  updatedAt: instant('updated_at').notNull().default(sql`now()`),
})

/** `deleted_at timestamptz`: null means that the row is live. */
export const deletedAt = () => instant('deleted_at')

