/** Columns that most tables share, declared once. Names in the database are always explicit. */
import { sql, type SQL } from 'drizzle-orm'
import { type ExtraConfigColumn, type PgColumn, timestamp, uuid } from 'drizzle-orm/pg-core'

/** `id uuid primary key default gen_random_uuid()` */
export const id = () => uuid('id').primaryKey().defaultRandom()

/** A point in time: `timestamptz`, a Date in JavaScript. */
export const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })

/** `created_at timestamptz not null default now()` */
export const createdAt = () =>
  instant('created_at')
    .notNull()
    .default(sql`now()`)

/** `created_at` and `updated_at`; the trigger that keeps the latter is declared with `@tenantry/ddl`. */
export const timestamps = () => ({
  createdAt: createdAt(),
  updatedAt: instant('updated_at')
    .notNull()
    .default(sql`now()`),
})

/** `deleted_at timestamptz`: null means that the row is live. */
export const deletedAt = () => instant('deleted_at')

/**
 * A descending key of an index, in the order that `order by x desc` asks for. drizzle-kit makes a bare
 * `desc()` NULLS LAST, which no such query can use, even where the column has no nulls.
 */
export const descending = (column: ExtraConfigColumn) => column.desc().nullsFirst()

/**
 * `column in ('a', 'b')` for a CHECK. drizzle-kit writes interpolated values as `$1`, which DDL can't
 * have, so they are written as literals here.
 */
export function oneOf(column: PgColumn, values: readonly string[]): SQL {
  return sql`${column} in (${sql.raw(values.map(literal).join(', '))})`
}

/** `column = 'a'` for the predicate of a partial index, as a literal for the same reason. */
export function equals(column: PgColumn, value: string): SQL {
  return sql`${column} = ${sql.raw(literal(value))}`
}

const literal = (value: string): string => `'${value.replaceAll("'", "''")}'`
