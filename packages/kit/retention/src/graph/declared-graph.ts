import { tableConfig } from '@tenantry/core'
import { relation } from '@tenantry/ddl'
import { getTableColumns } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import {
  type GraphEdge,
  type GraphTable,
  tableGraph,
  type TableGraph,
  tenantColumns,
  type TenantTable,
} from './table-graph.ts'

/** The graph that Drizzle tables declare; foreign keys made by hand aren't in it. */
export function declaredGraph(
  tables: readonly PgTable[],
  options: { readonly tenants?: readonly TenantTable[] } = {},
): TableGraph {
  const tenants = tenantColumns(options.tenants ?? [])
  return tableGraph(
    tables.map((table) => graphTable(table, tenants)),
    tables.flatMap(edgesOf),
  )
}

function graphTable(table: PgTable, tenants: ReadonlyMap<string, string>): GraphTable {
  const { schema, name, label, sql } = relation(table)
  const columns = Object.values(getTableColumns(table))
  const [composite] = tableConfig(table).primaryKeys
  return {
    label,
    schema,
    name,
    sql,
    columns: new Map(
      columns.map((column) => [column.name, { type: column.getSQLType(), notNull: column.notNull }]),
    ),
    primaryKey: (composite?.columns ?? columns.filter((column) => column.primary)).map(
      (column) => column.name,
    ),
    tenantColumn: tenants.get(label) ?? null,
  }
}

function edgesOf(table: PgTable): readonly GraphEdge[] {
  return tableConfig(table).foreignKeys.map((key) => {
    const { columns, foreignTable, foreignColumns } = key.reference()
    return {
      constraint: key.getName(),
      child: relation(table).label,
      parent: relation(foreignTable).label,
      childColumns: columns.map((column) => column.name),
      parentColumns: foreignColumns.map((column) => column.name),
      onDelete: key.onDelete ?? 'no action',
      indexed: null,
    }
  })
}
