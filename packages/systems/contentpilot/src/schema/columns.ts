/** Columns and conditions that several tables share. */
import { sql, type SQL } from 'drizzle-orm'
import { customType, timestamp, type ExtraConfigColumn, type PgColumn } from 'drizzle-orm/pg-core'

/** A moment, whatever zone it was written in. */
export const timestamptz = (column: string) => timestamp(column, { withTimezone: true, mode: 'date' })

export const createdAt = () => timestamptz('created_at').notNull().defaultNow()

/** Set by a trigger on every UPDATE, so that it is the database's clock that decides. */
export const updatedAt = () => timestamptz('updated_at').notNull().defaultNow()

export const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })

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
  const literals = values.map((value) => `'${value.replaceAll("'", "''")}'`)
  return sql`${column} in (${sql.raw(literals.join(', '))})`
}

/** `column = 'a'` for the predicate of a partial index, as a literal for the same reason. */
export function equals(column: PgColumn, value: string): SQL {
  return sql`${column} = ${sql.raw(`'${value.replaceAll("'", "''")}'`)}`
}
