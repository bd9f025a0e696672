/** Types that follow from a Drizzle table and what its repository declares about it. */
import type { PgTable } from 'drizzle-orm/pg-core'

/** Names of the table's columns as TypeScript properties. */
export type Property<T extends PgTable> = keyof T['_']['columns'] & string

/** A whole row, as Drizzle types it. */
export type Row<T extends PgTable> = T['$inferSelect']

/** Columns that carry `.primaryKey()`; a key declared in the table's extra part isn't visible to TypeScript. */
export type DeclaredKey<T extends PgTable> = {
  [P in Property<T>]: T['_']['columns'][P]['_']['isPrimaryKey'] extends true ? P : never
}[Property<T>]

/** What tells one row of a tenant from another: the primary key without the tenant column. */
export type KeyWithin<Key extends string, Tenant extends string | null> = [Exclude<Key, Tenant>] extends [
  never,
]
  ? Key
  : Exclude<Key, Tenant>

type IsUnion<U, Each = U> = U extends Each ? ([Each] extends [U] ? false : true) : never

/** The value of a single-column key, or an object with the columns of a longer one. */
export type Id<T extends PgTable, Key extends string> =
  IsUnion<Key> extends true ? Pick<Row<T>, Key & keyof Row<T>> : Row<T>[Key & keyof Row<T>]

type Defaulted<T extends PgTable, P extends string> = {
  [Q in P & Property<T>]: T['_']['columns'][Q]['_']['hasDefault'] extends true ? Q : never
}[P & Property<T>]

/** Columns that no input may hold: see `RepositoryOptions.readOnly`. */
export type Closed<
  T extends PgTable,
  Tenant extends string | null,
  Key extends string,
  ReadOnly extends string,
  Soft extends string,
> = Extract<Tenant, string> | ReadOnly | Soft | Defaulted<T, Key | 'createdAt' | 'updatedAt'>

/** Fields of a new row: those without a default are required. */
export type CreateInput<T extends PgTable, Shut extends string> = Omit<T['$inferInsert'], Shut>

/** Fields of a change: everything optional, the key excluded. */
export type UpdateInput<T extends PgTable, Shut extends string, Key extends string> = {
  [P in Exclude<keyof T['$inferInsert'], Shut | Key>]?: T['$inferInsert'][P] | undefined
}

type Scalar = string | number | bigint | boolean | Date

/** What may be asked of a column that compares. `ne` and `notIn` also match rows where it is null. */
export interface Comparison<V> {
  readonly eq?: V | undefined
  readonly ne?: V | undefined
  readonly in?: readonly NonNullable<V>[] | undefined
  readonly notIn?: readonly NonNullable<V>[] | undefined
  readonly lt?: NonNullable<V> | undefined
  readonly lte?: NonNullable<V> | undefined
  readonly gt?: NonNullable<V> | undefined
  readonly gte?: NonNullable<V> | undefined
}

/** Parts of a text, matched literally and case-sensitively: `%` and `_` mean themselves. */
export interface TextMatch {
  readonly contains?: string | undefined
  readonly startsWith?: string | undefined
  readonly endsWith?: string | undefined
}

/** For json, arrays and vectors, which aren't compared: only whether there is a value. */
export interface NullTest {
  readonly eq?: null | undefined
  readonly ne?: null | undefined
}

export type FieldFilter<V> = [NonNullable<V>] extends [Scalar]
  ? V | (Comparison<V> & ([NonNullable<V>] extends [string] ? TextMatch : unknown)) | undefined
  : null | NullTest | undefined

/** Conditions on a row, all of which must hold. A field that is undefined isn't asked about. */
export type Where<T extends PgTable> = {
  readonly [P in Property<T>]?: FieldFilter<Row<T>[P & keyof Row<T>]>
} & {
  readonly and?: readonly Where<T>[] | undefined
  /** At least one holds; an empty list matches nothing. */
  readonly or?: readonly Where<T>[] | undefined
  /** The complement: rows for which the condition is false or unknown. */
  readonly not?: Where<T> | undefined
}

/** Nulls stand where PostgreSQL puts them, last ascending and first descending, unless the direction says. */
export type Direction =
  | 'asc'
  | 'desc'
  | 'asc nulls first'
  | 'asc nulls last'
  | 'desc nulls first'
  | 'desc nulls last'

/** Terms in order of weight, each one column: `[{ createdAt: 'desc' }, { name: 'asc' }]`. */
export type Sort<T extends PgTable> = readonly { readonly [P in Property<T>]?: Direction | undefined }[]

export interface Visibility {
  /** Removed rows of a table with soft deletion are seen too. Default false. */
  readonly withDeleted?: boolean | undefined
}

export interface FindOptions<T extends PgTable> extends Visibility {
  readonly where?: Where<T> | undefined
}

export interface UpdateOptions<T extends PgTable> {
  /** What the row must be like for the change to be made. Default: anything. */
  readonly where?: Where<T> | undefined
}

export interface ListOptions<T extends PgTable, P extends Property<T> = Property<T>> extends FindOptions<T> {
  readonly sort?: Sort<T> | undefined
  /** Rows on a page, 1 to 200. Default 20. */
  readonly limit?: number | undefined
  /** `nextCursor` of the page before, with the same filter and sort. */
  readonly cursor?: string | null | undefined
  /** Columns to read. Default: all. */
  readonly select?: readonly P[] | undefined
}

export interface StreamOptions<T extends PgTable> extends FindOptions<T> {
  readonly sort?: Sort<T> | undefined
  /** Rows fetched by one statement, 1 to 5,000. Default 500. */
  readonly batch?: number | undefined
}

export interface Page<R> {
  readonly items: R[]
  /** Pass it as `cursor` to get the next page; null when this one is the last. */
  readonly nextCursor: string | null
}
