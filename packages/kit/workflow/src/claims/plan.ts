/** Options resolved to names and SQL, once, when claims are declared. */
import { ConfigurationError } from '@tenantry/core'
import { quoteIdentifier, quoteLiteral, relation, type Relation } from '@tenantry/ddl'
import { getTableColumns } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { ClaimsOptions } from './options.ts'

export interface ClaimsPlan {
  readonly target: Relation
  readonly columns: Readonly<Record<string, PgColumn>>
  readonly id: PgColumn
  readonly tenant: PgColumn
  readonly state: PgColumn
  readonly priority: PgColumn | null
  readonly lease: Readonly<Record<'leaseToken' | 'attempts' | 'availableAt' | 'lastError', PgColumn>>
  /** Properties that only the library's statements write. */
  readonly closed: ReadonlySet<string>
  readonly ready: readonly [string, ...string[]]
  readonly working: readonly [string, ...string[]]
  readonly done: readonly [string, ...string[]]
  readonly failed: string
  readonly abandoned: string
  readonly leaseSeconds: number
  readonly maxAttempts: number
  readonly backoff: { readonly baseSeconds: number; readonly maxSeconds: number }
  /** Where the database says that rows are waiting. */
  readonly channel: string
}

export function planClaims<T extends PgTable, State extends string, Extra extends string>(
  options: ClaimsOptions<T, State, Extra>,
): ClaimsPlan {
  const target = relation(options.table)
  const columns: Record<string, PgColumn> = getTableColumns(options.table)
  const column = (property: string): PgColumn => {
    const found = columns[property]
    if (found !== undefined) return found
    throw new ConfigurationError(`${target.label} has no column ${property}`, {
      hint: 'Spread leaseColumns() into a table whose rows are claimed, or name its columns in `columns`',
    })
  }
  const { state } = options
  const lease = {
    leaseToken: options.columns?.leaseToken ?? 'leaseToken',
    attempts: options.columns?.attempts ?? 'attempts',
    availableAt: options.columns?.availableAt ?? 'availableAt',
    lastError: options.columns?.lastError ?? 'lastError',
  }
  const id = options.id ?? 'id'
  const plan: ClaimsPlan = {
    target,
    columns,
    id: column(id),
    tenant: column(options.tenant),
    state: column(state.column),
    priority: options.priority === undefined ? null : column(options.priority),
    lease: {
      leaseToken: column(lease.leaseToken),
      attempts: column(lease.attempts),
      availableAt: column(lease.availableAt),
      lastError: column(lease.lastError),
    },
    closed: new Set([id, options.tenant, state.column, ...Object.values(lease)]),
    ready: list(state.ready),
    working: list(state.working),
    done: list(state.done),
    failed: state.failed,
    abandoned: state.abandoned ?? state.failed,
    leaseSeconds: positive('leaseSeconds', options.leaseSeconds ?? 300),
    maxAttempts: positive('maxAttempts', options.maxAttempts ?? 5),
    backoff: {
      baseSeconds: positive('backoff.baseSeconds', options.backoff?.baseSeconds ?? 10),
      maxSeconds: positive('backoff.maxSeconds', options.backoff?.maxSeconds ?? 3600),
    },
    channel: `tenantry_${target.schema}_${target.name}`,
  }
  check(plan)
  return plan
}

function list(states: string | readonly [string, ...string[]]): readonly [string, ...string[]] {
  return typeof states === 'string' ? [states] : states
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value
  throw new ConfigurationError(`${name} must be a number above 0`)
}

function check({ target, lease, ready, working, done, failed, abandoned, maxAttempts }: ClaimsPlan): void {
  const types: readonly (readonly [PgColumn, RegExp])[] = [
    [lease.leaseToken, /^uuid$/],
    [lease.attempts, /^(integer|smallint|bigint)$/],
    [lease.availableAt, /^timestamp( \(\d\))? with time zone$/],
    [lease.lastError, /^(text|varchar)/],
  ]
  const wrong = types.find(([column, type]) => !type.test(column.getSQLType()))
  if (wrong !== undefined) {
    throw new ConfigurationError(
      `${target.label}.${wrong[0].name} is ${wrong[0].getSQLType()}, which a lease can't use`,
      {
        hint: 'Take the types of leaseColumns()',
      },
    )
  }
  if (!lease.attempts.notNull || !lease.availableAt.notNull) {
    throw new ConfigurationError(`${target.label}: attempts and available_at of a lease must be NOT NULL`)
  }
  if (!Number.isInteger(maxAttempts)) throw new ConfigurationError('maxAttempts must be a whole number')
  const roles = [...ready, ...working, ...done, failed, ...(abandoned === failed ? [] : [abandoned])]
  const twice = roles.find((state, index) => roles.indexOf(state) !== index)
  if (twice !== undefined)
    throw new ConfigurationError(`${target.label}: the state "${twice}" is given two meanings`)
}

/** `"name"` */
export const named = (column: PgColumn): string => quoteIdentifier(column.name)

/** `'a', 'b'`: without a type, so that it fits text and enums alike. */
export const literals = (states: readonly string[]): string => states.map(quoteLiteral).join(', ')

/** Rows that are claimed or may be: the predicate of the index, and so, word for word, of every statement that uses it. */
export function isOpen({ state, ready, working }: ClaimsPlan, alias = ''): string {
  return `${alias}${named(state)} in (${literals([...ready, ...working])})`
}
