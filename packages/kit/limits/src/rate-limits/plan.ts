/** Both forms of rate limits, resolved to the SQL in which they differ. */
import { ConfigurationError } from '@tenantry/core'
import { quoteIdentifier, quoteLiteral, relation, type Relation, type RelationReference } from '@tenantry/ddl'
import { getTableColumns } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { CallerTenant } from '../caller.ts'
import {
  type LimitExpression,
  type RateLimit,
  type RateLimitRowsOptions,
  type RateLimitsOptions,
  WINDOW_LIMIT_MAX,
} from './options.ts'

export interface RateLimitsPlan {
  readonly target: Relation
  readonly functionName: string
  readonly tenant: CallerTenant
  /** The declared limits; null where they are rows of the host's. */
  readonly names: readonly string[] | null
  /** Statements that set `v_bucket`, `v_size` and `v_span`, or leave `v_size` null where there is no such limit. */
  readonly read: string
  /** Of the row `state`. */
  readonly key: string
  /** The column of instants, quoted. */
  readonly instants: string
  /** What an update sets beside the instants, of a window and of a bucket. */
  readonly windowSets: readonly string[]
  readonly bucketSets: readonly string[]
  /** Makes the row, where calls may; else it is the host's. */
  readonly insert: ((instants: string, clearAt: string) => string) | null
}

export const DEFAULT_NAME = 'rate_limit_state'

export function planRateLimits(options: RateLimitsOptions<string>, table: RelationReference): RateLimitsPlan {
  const target = relation(table)
  const limits: readonly [string, RateLimit][] = Object.entries(options.limits)
  return {
    target,
    functionName: `take_${options.name ?? DEFAULT_NAME}`,
    tenant: options.tenant,
    names: limits.map(([name]) => name),
    read: [
      'case p_limit',
      ...limits.map(([name, limit]) => `    when ${quoteLiteral(name)} then\n${declared(limit)}`),
      '    else null;',
      '  end case;',
    ].join('\n'),
    key: 'state.tenant = p_tenant and state.limit_name = p_limit and state.subject = p_subject',
    instants: 'instants',
    windowSets: [`clear_at = greatest(v_now, state.instants[cardinality(state.instants)]) + v_span`],
    bucketSets: [`clear_at = greatest(v_now, state.instants[1]) + p_amount * v_span`],
    insert: (
      instants,
      clearAt,
    ) => `insert into ${target.sql} as state (tenant, limit_name, subject, instants, clear_at)
        values (p_tenant, p_limit, p_subject, ${instants}, ${clearAt})
        on conflict do nothing`,
  }
}

function declared(limit: RateLimit): string {
  const number = (value: number | LimitExpression): string =>
    typeof value === 'number' ? String(value) : `(${value.sql})`
  if (limit.kind === 'sliding-window') {
    return `      v_size := ${number(limit.limit)};
      v_span := interval '${limit.windowMs} milliseconds';`
  }
  return `      v_bucket := true;
      v_size := ${number(limit.capacity)};
      v_span := ceil(${limit.perMs}000.0 / nullif(greatest(${number(limit.refill)}, 0), 0)) * interval '1 microsecond';`
}

export function planRateLimitRows<T extends PgTable>(options: RateLimitRowsOptions<T>): RateLimitsPlan {
  const target = relation(options.table)
  const columns: Record<string, PgColumn> = getTableColumns(options.table)
  const column = (property: string, type: RegExp, typeName: string): string => {
    const found = columns[property]
    if (found === undefined) throw new ConfigurationError(`${target.label} has no column ${property}`)
    if (!type.test(found.getSQLType()) || !found.notNull) {
      throw new ConfigurationError(
        `${target.label}.${found.name} is ${found.getSQLType()}${found.notNull ? '' : ' and may be null'}: rate limits need ${typeName}, NOT NULL`,
      )
    }
    return quoteIdentifier(found.name)
  }
  if (!Number.isInteger(options.windowUnitMs) || options.windowUnitMs < 1) {
    throw new ConfigurationError('windowUnitMs must be a whole number of milliseconds from 1 on')
  }
  const integer = /^(smallint|integer|bigint)$/
  const given = options.columns
  const tenant = column(
    given.tenant,
    options.tenant.type === 'uuid' ? /^uuid$/ : /^(text|varchar)/,
    options.tenant.type,
  )
  const key = column(given.key, /^(text|varchar)/, 'text')
  const limit = column(given.limit, integer, 'a whole number')
  const window = column(given.window, integer, 'a whole number')
  const instants = column(given.instants, /^timestamp with time zone\[\]$/, 'timestamp with time zone[]')
  const past = `width_bucket(v_now - v_span, state.${instants})`
  return {
    target,
    functionName: `take_${target.name}`,
    tenant: options.tenant,
    names: null,
    read: `select state.${limit}, state.${window} * interval '${options.windowUnitMs} milliseconds' into v_size, v_span
  from ${target.sql} as state
  where state.${tenant} = p_tenant and state.${key} = p_limit;`,
    key: `state.${tenant} = p_tenant and state.${key} = p_limit`,
    instants,
    windowSets: [
      ...(given.count === undefined
        ? []
        : [
            `${column(given.count, integer, 'a whole number')} = cardinality(state.${instants}) - ${past} + p_amount`,
          ]),
      ...(given.windowStart === undefined
        ? []
        : [
            `${column(given.windowStart, /^timestamp with time zone$/, 'timestamp with time zone')} = coalesce(state.${instants}[${past} + 1], v_now)`,
          ]),
    ],
    bucketSets: [],
    insert: null,
  }
}

export const TOO_LARGE = `a sliding window holds ${WINDOW_LIMIT_MAX} calls at most`
