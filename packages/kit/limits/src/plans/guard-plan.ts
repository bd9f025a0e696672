/** What is counted in a table of the host's, and how. */
import { ConfigurationError } from '@tenantry/core'
import { quoteIdentifier, relation, type Relation } from '@tenantry/ddl'
import type { Property } from '@tenantry/repository'
import { getTableColumns } from 'drizzle-orm'
import { getTableConfig, type PgColumn, type PgTable } from 'drizzle-orm/pg-core'
import type { Features } from './options.ts'
import type { PlansPlan } from './plan.ts'

/** One feature that rows of the table count for. SQL is over the columns of the row, which may be called `row.…`. */
export interface CountOptions<T extends PgTable, F extends Features> {
  readonly feature: keyof F & string
  /** Property, or SQL in `{ sql }`, that says whose row it is. Default: the guard's. */
  readonly account?: Property<T> | { readonly sql: string }
  /** What the feature is counted by, where it is counted by subject. */
  readonly subject?: Property<T> | { readonly sql: string }
  /**
   * SQL: which rows count. Default: all. A row of an allocated feature counts for as long as it holds. A row of
   * another feature counts once: when it is inserted, or, with `once`, as soon as it holds.
   */
  readonly where?: string
  /** SQL: how much a row counts, at least 0. Default: 1. */
  readonly amount?: string
  /**
   * A row counts once in its life, by the first INSERT or UPDATE after which `where` holds. What it counted is given
   * back to the period in which it did when `givesBack` (SQL) comes to hold, and by nothing else: not by leaving
   * `where`, not by deletion. Not for allocated features.
   */
  readonly once?: true | { readonly givesBack: string }
  /**
   * What an UPDATE adds to a row's amount counts as well, in the period in which it does: for what a row comes to use
   * in the course of its life. What is taken off it isn't given back. Not for allocated features, nor with `once`.
   */
  readonly grows?: true
}

export interface GuardOptions<T extends PgTable, F extends Features> {
  readonly table: T
  /** Property, or SQL in `{ sql }`, that says whose row it is: the account whose limits it uses. */
  readonly account: Property<T> | { readonly sql: string }
  readonly counts: readonly CountOptions<T, F>[]
}

export interface CountPlan {
  readonly feature: string
  readonly kind: 'metered' | 'costed' | 'allocated'
  /** SQL over `row`, each. */
  readonly account: string
  readonly subject: string
  readonly where: string
  readonly amount: string
  readonly rowKey: string
  readonly once: { readonly givesBack?: string } | null
  readonly grows: boolean
}

export interface GuardPlan {
  readonly table: PgTable
  readonly target: Relation
  /** Columns of the primary key. */
  readonly key: readonly string[]
  readonly counts: readonly CountPlan[]
}

export function planGuard<T extends PgTable, F extends Features>(
  { features, accountType }: PlansPlan,
  { table, account, counts }: GuardOptions<T, F>,
): GuardPlan {
  const target = relation(table)
  const columns: Record<string, PgColumn> = getTableColumns(table)
  const expression = (of: string | { readonly sql: string }): string => {
    if (typeof of !== 'string') return `(${of.sql})`
    const column = columns[of]
    if (column === undefined) throw new ConfigurationError(`${target.label} has no column ${of}`)
    return `row.${quoteIdentifier(column.name)}`
  }
  if (counts.length === 0) throw new ConfigurationError(`The guard of ${target.label} counts nothing`)
  const key = keyOf(table)
  return {
    table,
    target,
    key,
    counts: counts.map((count) => {
      const feature = features.find(({ name }) => name === count.feature)
      if (feature === undefined)
        throw new ConfigurationError(`${target.label} counts for "${count.feature}", which is no feature`)
      if ((feature.subject === undefined) !== (count.subject === undefined)) {
        throw new ConfigurationError(
          `${target.label}: ${feature.name} is ${feature.subject === undefined ? 'not' : 'only'} counted by subject`,
        )
      }
      if (feature.kind === 'allocated' && count.once !== undefined) {
        throw new ConfigurationError(
          `${target.label}: ${feature.name} is the number of rows, which count for as long as they are there`,
        )
      }
      if (count.grows === true && (feature.kind === 'allocated' || count.once !== undefined)) {
        throw new ConfigurationError(
          `${target.label}: what a row of ${feature.name} counts can't grow: it ${feature.kind === 'allocated' ? 'counts for as long as it is there' : 'counts once'}`,
        )
      }
      return {
        feature: feature.name,
        kind: feature.kind,
        account: `${expression(count.account ?? account)}::${accountType}`,
        subject:
          count.subject === undefined ? `''::text` : `coalesce(${expression(count.subject)}::text, '')`,
        where: count.where ?? 'true',
        amount: count.amount === undefined ? '1' : `greatest(${count.amount}, 0)`,
        rowKey: count.once === undefined && count.grows === undefined ? 'null' : keyAsText(key, target),
        once: count.once === undefined ? null : count.once === true ? {} : count.once,
        grows: count.grows === true,
      }
    }),
  }
}

function keyOf(table: PgTable): readonly string[] {
  const { columns, primaryKeys } = getTableConfig(table)
  return [
    ...columns.filter(({ primary }) => primary),
    ...primaryKeys.flatMap((primaryKey) => primaryKey.columns),
  ].map(({ name }) => name)
}

function keyAsText(key: readonly string[], { label }: Relation): string {
  const [only, ...others] = key.map((name) => `row.${quoteIdentifier(name)}`)
  if (only === undefined) {
    throw new ConfigurationError(
      `${label} has no primary key, by which a row that counts once would be known`,
    )
  }
  return others.length === 0
    ? `${only}::text`
    : `pg_catalog.jsonb_build_array(${[only, ...others].join(', ')})::text`
}
