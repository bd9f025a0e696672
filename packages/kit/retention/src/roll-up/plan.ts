/** What a roll-up groups and adds, checked when it is declared. */
import { ConfigurationError, tableConfig } from '@tenantry/core'
import { relation, type Relation } from '@tenantry/ddl'
import { getTableColumns } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Property } from '@tenantry/repository'

export interface RollUpOptions<F extends PgTable, I extends PgTable> {
  /** Property of the date in the monthly table: the first day of the month, UTC, of the rule's age column. */
  readonly month: Property<I>
  /** By property of the monthly table: the property of the other one. With the month, they are a unique key. */
  readonly groupBy: { readonly [P in Property<I>]?: Property<F> }
  /** By property of the monthly table, `bigint` or `numeric`: whole numbers or numerics of the other one. */
  readonly sums?: { readonly [P in Property<I>]?: Property<F> }
  /** Property of the monthly table that counts rows, a `bigint`. */
  readonly count?: Property<I>
  /**
   * Then drop partitions that have become empty and end before the cut-off. The run's login must own the table and
   * be able to become `tenantry_service`. Default false.
   */
  readonly dropPartitions?: boolean
}

export interface Pair {
  readonly into: PgColumn
  readonly from: PgColumn
}

export interface RollUpPlan {
  readonly from: PgTable
  readonly into: PgTable
  readonly target: Relation
  readonly month: PgColumn
  readonly keys: readonly Pair[]
  readonly sums: readonly Pair[]
  readonly count: PgColumn | null
}

export function planRollUp<F extends PgTable, I extends PgTable>(
  from: F,
  into: I,
  options: RollUpOptions<F, I>,
): RollUpPlan {
  const target = relation(into)
  const pairs = (declared: Readonly<Record<string, string | undefined>>): readonly Pair[] =>
    Object.entries(declared).flatMap(([property, source]) =>
      source === undefined ? [] : [{ into: columnOf(into, property), from: columnOf(from, source) }],
    )
  const plan: RollUpPlan = {
    from,
    into,
    target,
    month: columnOf(into, options.month),
    keys: pairs(options.groupBy),
    sums: pairs(options.sums ?? {}),
    count: options.count === undefined ? null : columnOf(into, options.count),
  }
  const refuse = (what: string, hint?: string): never => {
    throw new ConfigurationError(`${relation(from).label} can't be rolled up into ${target.label}: ${what}`, {
      hint,
    })
  }
  const { month, keys, sums, count } = plan
  if (month.getSQLType() !== 'date') refuse(`${month.name} is ${month.getSQLType()}, not a date`)
  if (sums.length === 0 && count === null) refuse('nothing is added', 'Give sums or count')
  for (const { into: kept, from: source } of keys) {
    if (!kept.notNull || !source.notNull) refuse(`${source.name} groups, and may be null`)
  }
  for (const { into: kept, from: source } of sums) {
    if (!/^(bigint|numeric)/.test(kept.getSQLType()) || !kept.notNull) {
      refuse(`${kept.name} must be bigint or numeric, and NOT NULL, to hold a sum`)
    }
    if (!/^(smallint|integer|bigint|numeric)/.test(source.getSQLType())) {
      refuse(`${source.name} is ${source.getSQLType()}, which doesn't add up exactly`)
    }
  }
  if (count !== null && (count.getSQLType() !== 'bigint' || !count.notNull)) {
    refuse(`${count.name} must be bigint and NOT NULL to count`)
  }
  const keyNames = [...keys.map((pair) => pair.into.name), month.name]
  if (!uniqueKeys(into).some((unique) => sameNames(unique, keyNames))) {
    refuse(`${keyNames.join(', ')} is no unique key`, 'Make it the primary key')
  }
  const written = [month, count, ...keys.map((pair) => pair.into), ...sums.map((pair) => pair.into)]
  const lacking = Object.values<PgColumn>(getTableColumns(into)).find(
    (column) => column.notNull && !column.hasDefault && !written.includes(column),
  )
  if (lacking !== undefined) refuse(`${lacking.name} would have no value`)
  return plan
}

function columnOf(table: PgTable, property: string): PgColumn {
  const columns: Readonly<Record<string, PgColumn>> = getTableColumns(table)
  const found = Object.hasOwn(columns, property) ? columns[property] : undefined
  if (found !== undefined) return found
  throw new ConfigurationError(`${relation(table).label} has no column ${property}`, {
    hint: `It has: ${Object.keys(columns).join(', ')}`,
  })
}

function uniqueKeys(table: PgTable): readonly (readonly string[])[] {
  const { primaryKeys, uniqueConstraints } = tableConfig(table)
  return [...primaryKeys, ...uniqueConstraints].map(({ columns }) => columns.map((column) => column.name))
}

const sameNames = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((name) => other.includes(name))
