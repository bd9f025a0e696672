/** What several tables share, and `@tenantry/core` has no column helper for. */
import { sql, type SQL } from 'drizzle-orm'
import { foreignKey, numeric, type PgColumn, text, uuid } from 'drizzle-orm/pg-core'
import { users } from './users.ts'

/** The tenant. */
export const userId = () => uuid('user_id').notNull()

/** `numeric(3,2)`, from 0 to 1: see `fraction`. */
export const score = (name: string) => numeric(name, { precision: 3, scale: 2, mode: 'number' })

/** The condition of a score. */
export const fraction = (column: PgColumn): SQL => sql`${column} between 0 and 1`

/** `text[] not null default '{}'` */
export const texts = (name: string) =>
  text(name)
    .array()
    .notNull()
    .default(sql`'{}'::text[]`)

/** Rows that go with their user. */
export const ownedBy = (table: string, column: PgColumn) =>
  foreignKey({ name: `${table}_user_id_fkey`, columns: [column], foreignColumns: [users.id] }).onDelete(
    'cascade',
  )
