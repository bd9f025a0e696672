/** What several tables share, and `@tenantry/core` has no column helper for. */
import { sql, type SQL } from 'drizzle-orm'
import { customType, type ExtraConfigColumn, type PgColumn } from 'drizzle-orm/pg-core'

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
