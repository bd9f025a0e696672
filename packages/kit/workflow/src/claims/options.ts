import type { Property } from '@tenantry/repository'
import type { PgTable } from 'drizzle-orm/pg-core'

/** Which states of a column mean what to those who work on the rows. */
export interface ClaimStates<T extends PgTable, State extends string> {
  /** Property of the column that holds the state: text, varchar or an enum. */
  readonly column: Property<T>
  /** Waiting. A row that is retried or released goes to the first. */
  readonly ready: State | readonly [State, ...State[]]
  /** Claimed. A claim puts the row into the first; its holder may move it on through the others, in order. */
  readonly working: State | readonly [State, ...State[]]
  /** Finished. Finishing means the first, unless it says another. */
  readonly done: State | readonly [State, ...State[]]
  /** Given up: after `maxAttempts` failures, or at once when the failure says so. */
  readonly failed: State
  /** Given up because the lease of the last attempt ran out. Default: `failed`. */
  readonly abandoned?: State
}

export interface BackoffOptions {
  /**
   * Wait after the first attempt that failed, or whose lease ran out, in seconds; doubled with each further one.
   * After a failure up to half of it is left to chance. Default 10.
   */
  readonly baseSeconds?: number
  /** Longest wait, in seconds. Default 3,600. */
  readonly maxSeconds?: number
}

export interface ClaimsOptions<T extends PgTable, State extends string, Extra extends string = never> {
  readonly table: T
  /** Property of the primary key, one column. Default: `id`. */
  readonly id?: Property<T>
  /** Property of the column that says whose row it is. */
  readonly tenant: Property<T>
  readonly state: ClaimStates<T, State>
  /**
   * Steps beside those of claimed work, such as `{ failed: ['queued'] }` for a retry by hand; a state that isn't
   * claimed work's is declared by its own key, if only with `[]`. They can't lead
   * into a working state, nor out of one.
   */
  readonly edges?: { readonly [S in Extra]?: readonly (NoInfer<State> | NoInfer<Extra>)[] }
  /** States in which a row may be inserted. Default: the ready ones. */
  readonly initial?: readonly NoInfer<State>[]
  /** Timestamps that entering a state sets: see `defineStateMachine`. */
  readonly stamps?: { readonly [S in NoInfer<State>]?: Property<T> }
  /** Where the table has other properties for them than `leaseColumns()` gives. */
  readonly columns?: {
    readonly leaseToken?: Property<T>
    readonly attempts?: Property<T>
    readonly availableAt?: Property<T>
    readonly lastError?: Property<T>
  }
  /** Property of a number: rows with a higher one come first. Default: in the order in which they become available. */
  readonly priority?: Property<T>
  /**
   * How long a claim holds unless it is renewed, in seconds. Default 300. A worker renews three times as often, so
   * this, and the backoff after it, is how long the work of a dead process waits, not how long work may take.
   */
  readonly leaseSeconds?: number
  /** Attempts at a row before it is given up. Default 5. */
  readonly maxAttempts?: number
  readonly backoff?: BackoffOptions
}
