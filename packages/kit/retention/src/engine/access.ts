/** In which order a run goes through a table: by age where an index has it so, else by primary key. */
import type { Connection } from '@tenantry/core'
import { eligible, NOTHING_STAYS, type Phase } from '../rule/phase.ts'
import type { RetentionRule } from '../rule/rule.ts'
import { qualified, type TableShape, typeOf } from './shape.ts'

export interface Access {
  /** Columns of the order; their values say where a batch ended. */
  readonly order: readonly string[]
  /** An index finds the rows; without one a run reads the whole table, once. */
  readonly byAge: boolean
}

/** Indexes that lead with the column, as far as partial ones hold what is looked for: the planner is asked for that. */
const LEADING = `
select relation.relname::text
from pg_catalog.pg_index as index
join pg_catalog.pg_class as relation on relation.oid = index.indexrelid
join pg_catalog.pg_am as method on method.oid = relation.relam and method.amname = 'btree'
join pg_catalog.pg_attribute as attribute
  on attribute.attrelid = index.indrelid and attribute.attnum = index.indkey[0]
where attribute.attname = $2 and index.indisvalid and (
  index.indrelid = pg_catalog.to_regclass($1)
  or index.indrelid in (select relid from pg_catalog.pg_partition_tree(pg_catalog.to_regclass($1)))
)`

/** Small tables are read whole, whatever indexes they have; here it is asked what would serve if they were large. */
const NO_SCANS = `
select
  pg_catalog.set_config('enable_seqscan', 'off', true),
  pg_catalog.set_config('enable_bitmapscan', 'off', true),
  pg_catalog.set_config('enable_sort', 'off', true)`

export async function accessTo(
  connection: Connection,
  rule: RetentionRule,
  phase: Phase,
  shape: TableShape,
): Promise<Access> {
  const byKey: Access = { order: shape.primaryKey, byAge: false }
  if (phase.age.kind === 'iso-text') return byKey
  const since = phase.age.column.name
  const { rows } = await connection.query({ text: LEADING, params: [rule.target.sql, since] })
  const leading = new Set(rows.map(([name]) => String(name)))
  if (leading.size === 0) return byKey
  const byAge: Access = { order: [since, ...shape.primaryKey.filter((name) => name !== since)], byAge: true }
  await connection.query({ text: NO_SCANS, params: [] })
  const explained = await connection.query({
    text: `
explain (format json, costs off)
select from ${rule.target.sql}
where ${eligible(rule, phase, NOTHING_STAYS)}
order by ${qualified(rule.target, since)}
limit 100`,
    // Beyond every partition, for a plan from which they were all pruned would show no index.
    params: ['3000-01-01T00:00:00Z', '3000-01-01T00:00:00Z'],
  })
  await connection.query({
    text: `select pg_catalog.set_config('enable_seqscan', 'on', true), pg_catalog.set_config('enable_bitmapscan', 'on', true), pg_catalog.set_config('enable_sort', 'on', true)`,
    params: [],
  })
  return indexesIn(explained.rows[0]?.[0]).some((name) => leading.has(name)) ? byAge : byKey
}

function indexesIn(plan: unknown): readonly string[] {
  if (Array.isArray(plan)) return plan.flatMap(indexesIn)
  if (typeof plan !== 'object' || plan === null) return []
  return Object.entries(plan).flatMap(([key, value]: [string, unknown]) =>
    key === 'Index Name' && typeof value === 'string' ? [value] : indexesIn(value),
  )
}

export const orderText = ({ target }: RetentionRule, { order }: Access, direction = ''): string =>
  order.map((name) => `${qualified(target, name)} ${direction}`.trim()).join(', ')

/** `("drafts"."created_at", "drafts"."id") > ($3::…, $4::…)` */
function compared(
  { target }: RetentionRule,
  shape: TableShape,
  { order }: Access,
  operator: '>' | '>=' | '<=',
  firstParameter: number,
  count = order.length,
): string {
  const compared = order.slice(0, count)
  const columns = compared.map((name) => qualified(target, name)).join(', ')
  const values = compared
    .map((name, index) => `$${firstParameter + index}::${typeOf(shape, name)}`)
    .join(', ')
  return `(${columns}) ${operator} (${values})`
}

/** Rows behind a position; empty at the beginning. */
export function after(
  rule: RetentionRule,
  shape: TableShape,
  access: Access,
  position: Position | null,
  firstParameter: number,
): string {
  return position === null ? '' : `and ${compared(rule, shape, access, '>', firstParameter, position.length)}`
}

export const from = (
  rule: RetentionRule,
  shape: TableShape,
  access: Access,
  firstParameter: number,
): string => compared(rule, shape, access, '>=', firstParameter)

export const upTo = (
  rule: RetentionRule,
  shape: TableShape,
  access: Access,
  firstParameter: number,
): string => compared(rule, shape, access, '<=', firstParameter)

/**
 * Values of the order's columns in the last row that was dealt with, as text. Of the first columns alone: all rows
 * with these values were.
 */
export type Position = readonly string[]
