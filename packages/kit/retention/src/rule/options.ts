import type { Property } from '@tenantry/repository'
import type { SQL } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import type { RetentionAction } from '../action.ts'

/**
 * How old a row must be: exactly one of `hours`, `days`, `months` and `years`, a whole number above 0. Months and
 * years are the calendar's, in UTC.
 */
export interface AgeOptions<T extends PgTable> {
  /** Property of the column that says since when. Rows without a value in it are never touched. */
  readonly column: Property<T>
  readonly hours?: number
  readonly days?: number
  readonly months?: number
  readonly years?: number
  /**
   * What the column holds. Known by itself for timestamptz, timestamp (taken as UTC) and date; must be said for
   * text (ISO 8601; without an offset it is taken as UTC; what can't be read is never touched) and numbers.
   */
  readonly kind?: 'iso-text' | 'epoch-seconds' | 'epoch-milliseconds'
}

/** A value that anonymising writes: a constant, or a SQL expression over the row's columns. */
export type AnonymousValue = string | number | boolean | null | SQL

export type ActionOptions<T extends PgTable> =
  /** The rows go for good. */
  | 'delete'
  /** Rows go once a verified object holds them. */
  | 'archive-then-delete'
  | {
      readonly kind: 'archive-then-delete'
      /** Default `ndjson`: gzip of JSON Lines, an array a row. `parquet` needs hyparquet-writer and hyparquet. */
      readonly format?: 'ndjson' | 'parquet'
      /** Rows of one object at most. Default 50,000. */
      readonly segmentRows?: number
      /** Bytes of rows in one object at most, before compression. Default 8 MiB; one row may exceed it. */
      readonly segmentBytes?: number
      /**
       * Say `delete` where rows of other tables go with these by ON DELETE CASCADE and need no archive. Without it
       * such a key refuses the run.
       */
      readonly cascades?: 'delete'
    }
  | {
      readonly kind: 'soft-delete-then-purge'
      /** Property of the timestamp that marks a row as deleted. */
      readonly column: Property<T>
      /** Days between the mark and the end, a whole number above 0. */
      readonly purgeAfterDays: number
    }
  | {
      readonly kind: 'anonymise'
      readonly set: { readonly [P in Property<T>]?: AnonymousValue }
      /** Property of a nullable timestamptz column that says when; rows that have it are done. */
      readonly marker: Property<T>
    }
  /** An action of another room, such as a roll-up. */
  | RetentionAction

export interface BatchOptions {
  /** Rows of the first transaction. Default 1,000. */
  readonly rows?: number
  /** Rows of one transaction at most. Default 20,000. */
  readonly maxRows?: number
  /** A transaction that takes longer halves the next one, in milliseconds. Default 50. */
  readonly targetMs?: number
}

export interface FloorOptions<T extends PgTable> {
  /** Age below which nothing may bring the rule, a host's own policies included. Default: the rule's age. */
  readonly minimumDays?: number
  /** A run that would take more than this share of the table is refused. Default 0.5; null: no limit. */
  readonly maxFraction?: number | null
  /**
   * The newest rows of each parent stay, whatever their age. Needs an index on the parent and the age's column.
   * Rows without a parent stay as well.
   */
  readonly keepLast?: { readonly rows: number; readonly per: Property<T> }
}

export interface RetentionOptions<T extends PgTable> {
  /** Unique among the rules of a database; stands in the manifest. Default: the table's name. */
  readonly name?: string
  readonly age: AgeOptions<T>
  /** A further condition on the row. */
  readonly where?: SQL
  /** Other tables that `where` reads. */
  readonly reads?: readonly PgTable[]
  readonly action: ActionOptions<T>
  readonly batch?: BatchOptions
  readonly floors?: FloorOptions<T>
  /** `false`: legal holds don't bind this table, such as a cache. Default: they do. */
  readonly hold?: boolean
}

const whole = z.number().int().positive()

/** Everything but what needs the table to be judged. */
export const optionsSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_.-]{0,99}$/, 'use lower-case letters, digits, dots, dashes and underscores')
    .optional(),
  age: z
    .strictObject({
      column: z.string(),
      hours: whole.optional(),
      days: whole.optional(),
      months: whole.optional(),
      years: whole.optional(),
      kind: z.enum(['iso-text', 'epoch-seconds', 'epoch-milliseconds']).optional(),
    })
    .refine(
      ({ hours, days, months, years }) =>
        [hours, days, months, years].filter((unit) => unit !== undefined).length === 1,
      'give exactly one of hours, days, months and years',
    ),
  where: z.custom<SQL>().optional(),
  reads: z.array(z.custom<PgTable>()).readonly().optional(),
  action: z.custom<ActionOptions<PgTable>>((value) => typeof value === 'string' || typeof value === 'object'),
  batch: z
    .strictObject({ rows: whole.optional(), maxRows: whole.optional(), targetMs: whole.optional() })
    .optional(),
  floors: z
    .strictObject({
      minimumDays: whole.optional(),
      maxFraction: z.number().gt(0).lte(1).nullable().optional(),
      keepLast: z.strictObject({ rows: whole, per: z.string() }).optional(),
    })
    .optional(),
  hold: z.boolean().optional(),
})

export const actionSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('delete') }),
  z.strictObject({
    kind: z.literal('archive-then-delete'),
    format: z.enum(['ndjson', 'parquet']).optional(),
    segmentRows: whole.optional(),
    segmentBytes: whole.optional(),
    cascades: z.literal('delete').optional(),
  }),
  z.strictObject({
    kind: z.literal('soft-delete-then-purge'),
    column: z.string(),
    purgeAfterDays: whole,
  }),
  z.strictObject({
    kind: z.literal('anonymise'),
    set: z.record(z.string(), z.custom<AnonymousValue>()),
    marker: z.string(),
  }),
])
