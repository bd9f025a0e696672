/** A column as the repository uses it: everything about it that doesn't change from call to call. */
import { sql, type SQL } from 'drizzle-orm'
import type { PgColumn, PgDialect } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import { decoderOf, isJson } from './column-codec.ts'
import { valueSchema } from './column-schema.ts'
import { castType } from './column-type.ts'

export interface Field {
  /** The column's property on the table object. */
  readonly property: string
  readonly column: PgColumn
  /** The bare quoted name, as INSERT and SET want it; the column itself compiles to a qualified one. */
  readonly name: SQL
  /** `::type` */
  readonly cast: SQL
  /** `::type[]` */
  readonly arrayCast: SQL
  readonly nullable: boolean
  /** Has `=` and `<` that mean what a caller expects. */
  readonly comparable: boolean
  /** Holds free text, so LIKE applies. */
  readonly textual: boolean
  readonly schema: z.ZodType
  /** A value as the driver answered it, in the column's TypeScript type. Throws DatabaseError if it has none. */
  readonly decode: (raw: unknown) => unknown
}

export function fieldOf(property: string, column: PgColumn, dialect: PgDialect): Field {
  const type = castType(column)
  return {
    property,
    column,
    // In index definitions Drizzle writes columns bare; it is the one public way to have casing applied.
    name: sql.raw(dialect.sqlToQuery(sql`${column}`, 'indexes').sql),
    cast: sql.raw(`::${type}`),
    arrayCast: sql.raw(`::${type}[]`),
    nullable: !column.notNull && !column.primary,
    comparable: isComparable(column),
    textual: TEXTUAL.has(column.columnType),
    schema: valueSchema(column),
    decode: decoderOf(column),
  }
}

const TEXTUAL: ReadonlySet<string> = new Set(['PgText', 'PgVarchar', 'PgChar'])

const INCOMPARABLE: ReadonlySet<string> = new Set([
  'PgArray',
  'PgVector',
  'PgHalfVector',
  'PgSparseVector',
  'PgPointTuple',
  'PgPointObject',
  'PgLine',
  'PgLineABC',
  'PgGeometry',
  'PgGeometryObject',
])

function isComparable(column: PgColumn): boolean {
  return !isJson(column) && !INCOMPARABLE.has(column.columnType)
}
