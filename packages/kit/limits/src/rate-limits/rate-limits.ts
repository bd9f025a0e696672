import {
  ConfigurationError,
  type Executor,
  lazyModule,
  type Module,
  NotFoundError,
  ValidationError,
} from '@tenantry/core'
import { sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { gatedStatement, tenantOf } from '../gated-statements.ts'
import { serviceJob } from '../service-job.ts'
import { RateLimitError } from './error.ts'
import { rateLimitObjects } from './objects.ts'
import { checkRateLimits, type RateLimitRowsOptions, type RateLimitsOptions } from './options.ts'
import { DEFAULT_NAME, planRateLimitRows, planRateLimits, type RateLimitsPlan } from './plan.ts'
import { stateTable } from './table.ts'

export interface TakeOptions {
  /** Whom or what the limit counts by itself, within the tenant: a user, a topic, a host name. Default: the tenant. */
  readonly subject?: string
  /** Calls to take at once, all or none. Default 1. */
  readonly amount?: number
}

/** What is left of a limit, at the moment of the call. Fits the RateLimit header fields of HTTP. */
export interface RateLimitStatus {
  /** Calls that the window or bucket holds. */
  readonly quota: number
  /** Calls that could be made at once now. */
  readonly remaining: number
  /** Until all of the quota is there again, if nobody calls. */
  readonly resetAfterMs: number
}

export interface RateLimits<Name extends string, Options = TakeOptions> {
  readonly module: Module
  /**
   * Takes calls from a limit of the executor's tenant, in one statement and by the database's clock. Of calls at once,
   * at any isolation level, exactly as many are allowed as fit. In a transaction a call counts when it commits, and
   * others wait for that: take it before the transaction begins, unless work that fails should cost nothing.
   *
   * @throws RateLimitError with `retryAfterMs` when there are too few left; nothing is written then.
   * @throws SerializationError at REPEATABLE READ and SERIALIZABLE when another call came between: see `withRetry`.
   * @throws ValidationError for an amount that isn't a whole number from 1 to 1,000,000, or a limit whose expression
   *   gives no number.
   * @throws ConfigurationError for a limit that is not declared, with the names of those that are.
   */
  take(executor: Executor, limit: Name, options?: Options): Promise<RateLimitStatus>
  /** What `take` would find. Writes nothing. */
  status(executor: Executor, limit: Name, options?: Pick<TakeOptions, 'subject'>): Promise<RateLimitStatus>
}

/**
 * Rate limits that are declared here, with their state in a table of the schema `tenantry`. A tenant may read its own
 * state and never writes it.
 *
 * @throws ConfigurationError for a limit that can't be kept: see `WINDOW_LIMIT_MAX`.
 */
export function defineRateLimits<const Name extends string>(
  options: RateLimitsOptions<Name>,
): RateLimits<Name> {
  checkRateLimits(options)
  const name = options.name ?? DEFAULT_NAME
  const table = stateTable(name, options.tenant.type)
  const plan = planRateLimits(options, table)
  const module = lazyModule({
    name: `rate limits in ${name}`,
    tables: [{ table, tenant: 'tenant' }],
    objects: () => rateLimitObjects(plan),
    jobs: () => [
      serviceJob(
        {
          name: `clear_${name}`,
          schedule: '23 4 * * *',
          description: `Deletes the state of rate limits that nobody has used for a day; without it ${name} grows with every new subject`,
        },
        `delete from ${plan.target.sql} where clear_at < pg_catalog.now() - interval '1 day'`,
        (changed) => `Cleared the state of ${changed} rate limits`,
      ),
    ],
  })
  return bind(plan, module)
}

/**
 * Sliding windows whose limits are rows of a host's table, each with the instants of its calls. A row is made and
 * changed by whoever may write the table; a tenant must not. Calls of a limit that has no row are a NotFoundError.
 *
 * @throws ConfigurationError for a column that is missing or of another type.
 */
export function defineRateLimitRows<T extends PgTable>(
  options: RateLimitRowsOptions<T>,
): RateLimits<string, Pick<TakeOptions, 'amount'>> {
  const plan = planRateLimitRows(options)
  return bind(
    plan,
    lazyModule({ name: `rate limits in ${plan.target.name}`, objects: () => rateLimitObjects(plan) }),
  )
}

/** Subjects are part of an index, whose rows have an end. */
const SUBJECT_LENGTH_MAX = 200

function bind(plan: RateLimitsPlan, module: Module): RateLimits<string> {
  const { label } = plan.target
  const value = (name: string, type: string) => sql`${sql.placeholder(name)}::${sql.raw(type)}`
  const statement = gatedStatement(
    (
      gate,
    ) => sql`select taken.allowed, taken.quota, taken.remaining, taken.retry_after_ms, taken.reset_after_ms
    from tenantry.${sql.identifier(plan.functionName)}(
      ${value('tenant', plan.tenant.type)}, ${value('limit', 'text')}, ${value('subject', 'text')}, ${value('amount', 'integer')}
    ) as taken where ${gate}`,
  )
  async function call(executor: Executor, limit: string, subject: string, amount: number) {
    if (plan.names?.includes(limit) === false) {
      throw new ConfigurationError(`There is no rate limit "${limit}" in ${label}`, {
        hint: `Declared are ${plan.names.join(', ')}`,
      })
    }
    if (typeof subject !== 'string' || subject.length > SUBJECT_LENGTH_MAX || subject.includes('\0')) {
      throw new ValidationError('A subject is a short text', [
        { path: 'subject', message: `Must be a text of at most ${SUBJECT_LENGTH_MAX} characters` },
      ])
    }
    const { rows } = await executor.run(statement(executor.gate), {
      tenant: tenantOf(executor, `Calls of ${label}`),
      limit,
      subject,
      amount,
    })
    const [row] = rows
    if (row === undefined) {
      throw new NotFoundError(`The tenant has no rate limit of this key in ${label}`, { table: label })
    }
    const [allowed, quota, remaining, retryAfterMs, resetAfterMs] = row
    return {
      allowed: allowed === true,
      retryAfterMs: retryAfterMs === null ? null : Number(retryAfterMs),
      status: { quota: Number(quota), remaining: Number(remaining), resetAfterMs: Number(resetAfterMs) },
    }
  }
  return {
    module,
    async take(executor, limit, { subject = '', amount = 1 } = {}) {
      if (!Number.isInteger(amount) || amount < 1) {
        throw new ValidationError('Calls are counted in whole numbers from 1 on', [
          { path: 'amount', message: 'Must be a whole number from 1 on' },
        ])
      }
      const { allowed, retryAfterMs, status } = await call(executor, limit, subject, amount)
      if (allowed) return status
      const { quota, remaining } = status
      throw new RateLimitError({ limit, subject, quota, remaining, requested: amount, retryAfterMs })
    },
    async status(executor, limit, { subject = '' } = {}) {
      return (await call(executor, limit, subject, 0)).status
    },
  }
}
