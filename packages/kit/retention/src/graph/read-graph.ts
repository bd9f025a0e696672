import type { Connection } from '@tenantry/core'
import { qualify } from '@tenantry/ddl'
import {
  type GraphEdge,
  type GraphTable,
  type OnDelete,
  tableGraph,
  type TableGraph,
  tenantColumns,
  type TenantTable,
} from './table-graph.ts'

/** Tables, their columns and keys; partitions are left out, since their parent stands for them. */
const TABLES = `
select
  namespace.nspname::text,
  relation.relname::text,
  (
    select pg_catalog.jsonb_agg(
      pg_catalog.jsonb_build_object(
        'name', attname,
        'type', pg_catalog.format_type(atttypid, atttypmod),
        'notNull', attnotnull
      )
      order by attnum
    )
    from pg_catalog.pg_attribute
    where attrelid = relation.oid and attnum > 0 and not attisdropped
  ),
  (
    select pg_catalog.jsonb_agg(attribute.attname order by key.position)
    from pg_catalog.pg_constraint as primary_key
    cross join lateral pg_catalog.unnest(primary_key.conkey) with ordinality as key (number, position)
    join pg_catalog.pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum = key.number
    where primary_key.conrelid = relation.oid and primary_key.contype = 'p'
  )
from pg_catalog.pg_class as relation
join pg_catalog.pg_namespace as namespace on namespace.oid = relation.relnamespace
where relation.relkind in ('r', 'p') and not relation.relispartition
  and namespace.nspname not in ('pg_catalog', 'information_schema') and namespace.nspname !~ '^pg_(temp|toast)'
order by 1, 2`

const names = (relation: string, numbers: string): string => `(
    select pg_catalog.jsonb_agg(attribute.attname order by key.position)
    from pg_catalog.unnest(${numbers}) with ordinality as key (number, position)
    join pg_catalog.pg_attribute as attribute on attribute.attrelid = ${relation} and attribute.attnum = key.number
  )`

/** What a partition inherits of its parent's foreign keys, or repeats of keys to the parent, isn't one of its own. */
const EDGES = `
select
  foreign_key.conname::text,
  child_schema.nspname || '.' || child.relname,
  parent_schema.nspname || '.' || parent.relname,
  ${names('child.oid', 'foreign_key.conkey')},
  ${names('parent.oid', 'foreign_key.confkey')},
  case foreign_key.confdeltype
    when 'c' then 'cascade' when 'r' then 'restrict' when 'n' then 'set null' when 'd' then 'set default'
    else 'no action'
  end,
  exists (
    select from pg_catalog.pg_index as index
    where index.indrelid = child.oid and index.indisvalid and index.indpred is null
      and (index.indkey::smallint[])[0:pg_catalog.cardinality(foreign_key.conkey) - 1] @> foreign_key.conkey
  )
from pg_catalog.pg_constraint as foreign_key
join pg_catalog.pg_class as child on child.oid = foreign_key.conrelid
join pg_catalog.pg_namespace as child_schema on child_schema.oid = child.relnamespace
join pg_catalog.pg_class as parent on parent.oid = foreign_key.confrelid
join pg_catalog.pg_namespace as parent_schema on parent_schema.oid = parent.relnamespace
where foreign_key.contype = 'f' and foreign_key.conparentid = 0
  and not child.relispartition and not parent.relispartition
order by 2, 1`

/** The graph of a live database, every schema's tables. Two statements that any role may run. */
export async function readGraph(
  connection: Pick<Connection, 'query'>,
  options: { readonly tenants?: readonly TenantTable[] } = {},
): Promise<TableGraph> {
  const tenants = tenantColumns(options.tenants ?? [])
  const tables = await connection.query({ text: TABLES, params: [], reusable: true })
  const edges = await connection.query({ text: EDGES, params: [], reusable: true })
  return tableGraph(
    tables.rows.map((row) => tableOf(row, tenants)),
    edges.rows.map(edgeOf),
  )
}

interface ColumnRow {
  readonly name: string
  readonly type: string
  readonly notNull: boolean
}

function tableOf(row: readonly unknown[], tenants: ReadonlyMap<string, string>): GraphTable {
  const [schema, name] = [String(row[0]), String(row[1])]
  const label = `${schema}.${name}`
  const columns = (row[2] ?? []) as readonly ColumnRow[]
  return {
    label,
    schema,
    name,
    sql: qualify(schema, name),
    columns: new Map(columns.map((column) => [column.name, { type: column.type, notNull: column.notNull }])),
    primaryKey: (row[3] ?? []) as readonly string[],
    tenantColumn: tenants.get(label) ?? null,
  }
}

function edgeOf(row: readonly unknown[]): GraphEdge {
  return {
    constraint: String(row[0]),
    child: String(row[1]),
    parent: String(row[2]),
    childColumns: row[3] as readonly string[],
    parentColumns: row[4] as readonly string[],
    onDelete: row[5] as OnDelete,
    indexed: row[6] === true,
  }
}
