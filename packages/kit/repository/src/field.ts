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
  return new LazyField(property, column, dialect)
}

/** What takes time to make is made when it is first used: importing a system uses none of it. */
class LazyField implements Field {
  readonly property: string
  readonly column: PgColumn
  readonly #dialect: PgDialect
  #name: SQL | undefined
  #cast: SQL | undefined
  #arrayCast: SQL | undefined
  #schema: z.ZodType | undefined
  #decode: Field['decode'] | undefined

  constructor(property: string, column: PgColumn, dialect: PgDialect) {
    this.property = property
    this.column = column
    this.#dialect = dialect
  }

  get name(): SQL {
    // In index definitions Drizzle writes columns bare; it is the one public way to have casing applied.
    return (this.#name ??= sql.raw(this.#dialect.sqlToQuery(sql`${this.column}`, 'indexes').sql))
  }

  get cast(): SQL {
    return (this.#cast ??= sql.raw(`::${castType(this.column)}`))
  }

  get arrayCast(): SQL {
    return (this.#arrayCast ??= sql.raw(`::${castType(this.column)}[]`))
  }

  get nullable(): boolean {
    return !this.column.notNull && !this.column.primary
  }

  get comparable(): boolean {
    return isComparable(this.column)
  }

  get textual(): boolean {
    return TEXTUAL.has(this.column.columnType)
  }

  get schema(): z.ZodType {
    return (this.#schema ??= valueSchema(this.column))
  }

  get decode(): Field['decode'] {
    return (this.#decode ??= decoderOf(this.column))
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
