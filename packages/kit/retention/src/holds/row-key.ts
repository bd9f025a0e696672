/** The one text form of a primary key's values, the same in every session. */
import { ConfigurationError } from '@tenantry/core'
import { quoteIdentifier, quoteLiteral } from '@tenantry/ddl'
import type { GraphTable } from '../graph/table-graph.ts'

/** SQL of `row_key` for the rows of an alias. Throws ConfigurationError without a primary key. */
export function rowKeyOf(table: GraphTable, alias: string): string {
  if (table.primaryKey.length === 0) {
    throw new ConfigurationError(`${table.label} has no primary key, so no row of it can be held`, {
      hint: 'Hold the tenant or the whole table',
    })
  }
  const pairs = table.primaryKey.map((name) => {
    const type = table.columns.get(name)?.type ?? 'text'
    return `${quoteLiteral(name)}, ${textOf(`${alias}.${quoteIdentifier(name)}`, type)}`
  })
  return `pg_catalog.jsonb_build_object(${pairs.join(', ')})`
}

/** Types whose text depends on settings, or writes equal values differently. */
function textOf(value: string, type: string): string {
  if (/^timestamp.* with time zone$/.test(type)) return utc(`${value} at time zone 'UTC'`)
  if (type.startsWith('timestamp')) return utc(value)
  if (type === 'date') return `pg_catalog.to_char(${value}, 'YYYY-MM-DD')`
  if (type.startsWith('numeric')) return `pg_catalog.trim_scale(${value})::text`
  return `${value}::text`
}

const utc = (timestamp: string): string => `pg_catalog.to_char(${timestamp}, 'YYYY-MM-DD HH24:MI:SS.US')`
