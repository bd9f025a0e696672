/** How a host declares plans. */
import type { CallerTenant } from '../caller.ts'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Property } from '@tenantry/repository'

/** When the count of a metered or costed feature starts anew. */
export type FeaturePeriod =
  /** At the first of each month, midnight in `zone`. */
  | 'calendar_month'
  /** At midnight in `zone`. */
  | 'calendar_day'
  /** By months from the subscription's anchor. */
  | 'billing_month'
  /** By years from the subscription's anchor. */
  | 'billing_year'

export interface PeriodicFeature {
  /** `metered`: whole units, known beforehand. `costed`: an amount with up to six decimals, known afterwards. */
  readonly kind: 'metered' | 'costed'
  readonly per: FeaturePeriod
  /** A time zone of the server, such as `Europe/Berlin`. Default: `UTC`. */
  readonly zone?: string
  /** Each subject, such as a topic, has the cap for itself. The word says what a subject is. */
  readonly subject?: string
}

/** The number of rows that exist at a time; kept by a guard on their table, and by nothing else. */
export interface AllocatedFeature {
  readonly kind: 'allocated'
  readonly subject?: string
}

export type Feature = PeriodicFeature | AllocatedFeature
export type Features = Readonly<Record<string, Feature>>

/** For each feature the cap: 0 is none, null is unlimited. */
export type Caps<F extends Features> = { readonly [K in keyof F]: number | null }

/**
 * What a status means. `consumes`: the plan's caps. `reads`: nothing may be consumed. `until`: consumes until the time
 * in that column of the subscription, `graceDays` (default 0) added; a null there is no end.
 */
export type Standing<T extends PgTable> =
  | 'consumes'
  | 'reads'
  | { readonly until: Property<T>; readonly graceDays?: number }

/** The statuses that the column can hold, where its type says so. */
export type StatusOf<T extends PgTable, P> = P extends keyof T['$inferSelect']
  ? Extract<T['$inferSelect'][P], string>
  : never

/** Where an account's plan is found: a table of the host's, with one row for each account. */
export interface SubscriptionSource<T extends PgTable, Status extends Property<T>> {
  readonly table: T
  /** Property of the column that names the account: unique, uuid or text. */
  readonly account: Property<T>
  readonly plan: Property<T>
  readonly status?: Status
  /**
   * Where billing periods are counted from: the original anchor, not the start of the current period. Null there: the
   * calendar's months or years, in UTC.
   */
  readonly anchor?: Property<T>
  /** From this time on the default plan is in force. Null there: without end. */
  readonly paidUntil?: Property<T>
}

export interface PlansOptions<
  F extends Features,
  P extends Readonly<Record<string, Caps<F>>>,
  T extends PgTable,
  Status extends Property<T>,
> {
  readonly features: F
  /** The smallest first: errors name the first that would fit. */
  readonly plans: P
  readonly subscription: SubscriptionSource<T, Status>
  /** What each status means; one that isn't listed may read. Without a status column every subscription consumes. */
  readonly standing?: { readonly [S in StatusOf<T, Status>]: Standing<T> }
  /** The plan of accounts without a subscription, and of those that aren't paid any more. Default: none. */
  readonly defaultPlan?: (keyof P & string) | null
  readonly tenant: CallerTenant
  /**
   * Whose limits a tenant uses, where it isn't the tenant itself: SQL over `of_tenant`, such as
   * `(select team.payer_id from public.teams as team where team.id = of_tenant)`.
   */
  readonly account?: string
  /**
   * The unique column by which a table of the host's has the accounts, such as `users.id`: what limits keep of one is
   * deleted with its row, in the same transaction. Default: none, and `operator.forget` is there for it.
   */
  readonly accounts?: PgColumn
}
