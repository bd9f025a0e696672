import type { Property } from '@tenantry/repository'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { StateMachineOptions } from '../state-machine.ts'

/** The host's table of steps that were made, and which of its columns hold what. */
export interface TransitionRecord<R extends PgTable> {
  readonly table: R
  readonly columns: {
    /** The row that made the step. */
    readonly row: Property<R>
    readonly tenant: Property<R>
    readonly from: Property<R>
    readonly to: Property<R>
    /** The version that the step led to. Needs `version`. */
    readonly version?: Property<R>
    /** Nullable; with `row`, or `tenant` and `row`, a unique key of the table. */
    readonly idempotencyKey: Property<R>
    readonly reason?: Property<R>
    /** jsonb. */
    readonly metadata?: Property<R>
    readonly actor?: Property<R>
  }
  /** A SQL expression for `columns.actor`, such as `tenantry.current_user_uuid()`; null when nobody is there. */
  readonly actor?: string
}

export interface TransitionsOptions<
  T extends PgTable,
  State extends string,
  R extends PgTable,
> extends StateMachineOptions<T, State> {
  /** Property of the primary key, one column. Default: `id`. */
  readonly id?: Property<T>
  /** Property of the column that says whose row it is. */
  readonly tenant: Property<T>
  /** A row for each step, written by the database whoever makes the step, and by nobody else. */
  readonly record: TransitionRecord<R>
}
