/** What several tables share, and `@tenantry/core` has no column helper for. */
import { sql, type SQL } from 'drizzle-orm'
import { type ExtraConfigColumn, jsonb, numeric, type PgColumn } from 'drizzle-orm/pg-core'
import type { Metadata } from '../types/metadata.ts'

/** `jsonb not null default '{}'`, an object whose keys are the host's. */
export const metadataColumn = (name = 'metadata') => jsonb(name).$type<Metadata>().notNull().default({})

/** `DECIMAL`, a number in JavaScript: scores, prices and similarities have few digits. */
export const decimal = (name: string) => numeric(name, { mode: 'number' })

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
