import { ConfigurationError } from '@tenantry/core'
import type { PgTable } from 'drizzle-orm/pg-core'
import { DECLARED_ONCE, type Property } from '@tenantry/repository'
import { z } from 'zod'
import type { CallerTenant } from '../caller.ts'

/**
 * The most calls that a sliding window holds. Each is an instant of 8 bytes in one row, which every allowed call
 * writes anew: 8 kB at most.
 */
export const WINDOW_LIMIT_MAX = 1000

/** A hundred million calls, or a year: what nobody needs more of, and no sum of instants overflows. */
const BUCKET_MAX = 100_000_000
const SPAN_MS_MAX = 366 * 86_400_000

/**
 * A number that the database works out for each call: an expression of type integer, run as the service role, that
 * may use `p_tenant` and `p_subject`. Null refuses the call, so that a setting that is missing opens nothing.
 */
export interface LimitExpression {
  readonly sql: string
}

/** At most `limit` calls in any span of `windowMs`, whenever it begins. */
export interface SlidingWindow {
  readonly kind: 'sliding-window'
  /** Calls, at most 1,000. */
  readonly limit: number | LimitExpression
  readonly windowMs: number
}

/**
 * A bucket of `capacity` calls, full at first, into which `refill` come back every `perMs`, one after the other. One
 * comes back after `perMs / refill`, rounded up to a whole microsecond.
 */
export interface TokenBucket {
  readonly kind: 'token-bucket'
  readonly capacity: number | LimitExpression
  readonly refill: number | LimitExpression
  readonly perMs: number
}

export type RateLimit = SlidingWindow | TokenBucket

export interface RateLimitsOptions<Name extends string> {
  readonly limits: Readonly<Record<Name, RateLimit>>
  readonly tenant: CallerTenant
  /** Of the table and the function in the schema `tenantry`. Default: `rate_limit_state`. */
  readonly name?: string
}

/** A table of the host's with a row for each limit of a tenant, which is also where its calls are kept. */
export interface RateLimitRowsOptions<T extends PgTable> {
  readonly table: T
  readonly tenant: CallerTenant
  readonly columns: {
    /** With `key`, the table's primary key or a unique one. */
    readonly tenant: Property<T>
    /** Which limit of the tenant. */
    readonly key: Property<T>
    /** Calls in a window, at most 1,000. A row with more refuses its calls. */
    readonly limit: Property<T>
    readonly window: Property<T>
    /** `timestamptz[] not null default '{}'`: the instants of the calls in the window. */
    readonly instants: Property<T>
    /** Set to the number of calls in the window, as of the last one. */
    readonly count?: Property<T>
    /** Set to the instant of the oldest of them. */
    readonly windowStart?: Property<T>
  }
  /** What one unit of `window` lasts: 60,000 for minutes. */
  readonly windowUnitMs: number
}

const identifier = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/, 'must be lower-case letters, digits and _')
const tenant = z.object({ expression: z.string().min(1), type: z.enum(['uuid', 'text']) })
const span = z.int().min(1).max(SPAN_MS_MAX)
const amount = (max: number, message: string) =>
  z.union([z.object({ sql: z.string().min(1) }), z.int().min(0).max(max, message)])

const limit = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sliding-window'),
    limit: amount(
      WINDOW_LIMIT_MAX,
      `a sliding window remembers each call, ${WINDOW_LIMIT_MAX} at most: take a token bucket`,
    ),
    windowMs: span,
  }),
  z.strictObject({
    kind: z.literal('token-bucket'),
    capacity: amount(BUCKET_MAX, `must be at most ${BUCKET_MAX}`),
    refill: z.union([z.object({ sql: z.string().min(1) }), z.int().min(1).max(BUCKET_MAX)]),
    perMs: span,
  }),
])

const options = z.strictObject({
  limits: z.record(z.string().min(1).max(100), limit).refine((all) => Object.keys(all).length > 0, {
    message: 'declare at least one limit',
  }),
  tenant,
  name: identifier.optional(),
})

/** @throws ConfigurationError that names the option. */
export function checkRateLimits(given: RateLimitsOptions<string>): void {
  const checked = options.safeParse(given, DECLARED_ONCE)
  if (checked.success) return
  const [issue] = checked.error.issues
  throw new ConfigurationError(
    `The rate limits can't be declared: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not an object'}`,
  )
}
