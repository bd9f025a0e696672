import type { Property } from '@tenantry/repository'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { CallerTenant } from '../caller.ts'

/** The host's table of balances, and its columns. */
export interface BalancesOf<T extends PgTable> {
  readonly table: T
  readonly columns: {
    /** The primary key. */
    readonly tenant: Property<T>
    /** A whole number with `default 0` and a CHECK that it is never negative. */
    readonly balance: Property<T>
    /** A whole number with `default 0`: the version of the last entry. */
    readonly version: Property<T>
  }
}

/** The host's table of entries, which becomes append-only, and its columns. */
export interface EntriesOf<T extends PgTable> {
  readonly table: T
  readonly columns: {
    readonly tenant: Property<T>
    /** A whole number; unique with `tenant`. */
    readonly version: Property<T>
    readonly kind: Property<T>
    readonly amount: Property<T>
    readonly balanceAfter: Property<T>
    readonly source: Property<T>
    readonly description: Property<T>
    /** Nullable; unique with `tenant`. */
    readonly idempotencyKey: Property<T>
    /** A whole number, nullable; unique with `tenant`. */
    readonly reverses: Property<T>
    /** timestamptz, nullable. */
    readonly expiresAt: Property<T>
    /** jsonb, nullable. */
    readonly lots: Property<T>
    readonly createdAt: Property<T>
  }
}

/** What the column `kind` says of each kind of entry. */
export interface CreditKinds {
  readonly earned: string
  readonly spent: string
  readonly reversed: string
  readonly expired: string
}

export interface CreditsOptions<B extends PgTable, E extends PgTable> {
  readonly tenant: CallerTenant
  /** Of the functions and tables in the schema `tenantry`: one for each currency. Default: `credits`. */
  readonly name?: string
  /** Tables of the host's. Default: `tenantry.<name>_balances` and `tenantry.<name>_entries`. */
  readonly tables?: { readonly balances: BalancesOf<B>; readonly entries: EntriesOf<E> }
  /** Default: the names of the kinds. */
  readonly kinds?: Partial<CreditKinds>
}
