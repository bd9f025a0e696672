/** Partitions as the catalog has them. Names mean nothing here: pg_partman and people give others. */
import { ConfigurationError, type Connection } from '@tenantry/core'
import { qualify, relation, type Relation, type RelationReference } from '@tenantry/ddl'

export interface Partition {
  /** `schema.name`. */
  readonly label: string
  /** Quoted, for SQL. */
  readonly sql: string
  /** First moment that belongs to it, as ISO text with offset; null: open below. */
  readonly from: string | null
  /** First moment after it; null: open above. */
  readonly to: string | null
  /** `FOR VALUES FROM (…) TO (…)`. */
  readonly bound: string
  /** A concurrent detach was begun and not finished: rows don't count through the parent any more. */
  readonly detaching: boolean
  /** As the last ANALYZE or VACUUM estimated; null: it never ran. */
  readonly estimatedRows: number | null
  /** Table, indexes and TOAST. */
  readonly bytes: number
}

export interface PartitionedTable {
  readonly target: Relation
  /** The column by which it is partitioned, and its type. */
  readonly by: { readonly name: string; readonly type: string }
  /** In the order in which they were declared. */
  readonly columns: readonly string[]
  /** A partition for all that fits no other: detaching concurrently isn't possible beside it. */
  readonly hasDefault: boolean
  /** From the oldest on; without the default partition. */
  readonly partitions: readonly Partition[]
}

const PARENT = `
select
  attribute.attname::text,
  pg_catalog.format_type(attribute.atttypid, attribute.atttypmod),
  partitioned.partdefid <> 0,
  (
    select pg_catalog.jsonb_agg(attname order by attnum)
    from pg_catalog.pg_attribute
    where attrelid = partitioned.partrelid and attnum > 0 and not attisdropped
  )
from pg_catalog.pg_partitioned_table as partitioned
join pg_catalog.pg_attribute as attribute
  on attribute.attrelid = partitioned.partrelid and attribute.attnum = partitioned.partattrs[0]
where partitioned.partrelid = pg_catalog.to_regclass($1) and partitioned.partstrat = 'r' and partitioned.partnatts = 1`

const PARTITIONS = `
select
  bounds.schema, bounds.name, bounds.bound, bounds.detaching, bounds.rows, bounds.bytes,
  pg_catalog.to_char(bounds.lower at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  pg_catalog.to_char(bounds.upper at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
from (
  select
    namespace.nspname::text as schema,
    partition.relname::text as name,
    pg_catalog.pg_get_expr(partition.relpartbound, partition.oid) as bound,
    inheritance.inhdetachpending as detaching,
    case when partition.reltuples >= 0 then partition.reltuples::double precision end as rows,
    pg_catalog.pg_total_relation_size(partition.oid)::double precision as bytes,
    case when range[1] = 'MINVALUE' then null else pg_catalog.btrim(range[1], '''') end::timestamptz as lower,
    case when range[2] = 'MAXVALUE' then null else pg_catalog.btrim(range[2], '''') end::timestamptz as upper
  from pg_catalog.pg_inherits as inheritance
  join pg_catalog.pg_class as partition on partition.oid = inheritance.inhrelid
  join pg_catalog.pg_namespace as namespace on namespace.oid = partition.relnamespace
  cross join lateral pg_catalog.regexp_match(
    pg_catalog.pg_get_expr(partition.relpartbound, partition.oid),
    'FROM \\((.+)\\) TO \\((.+)\\)'
  ) as range
  where inheritance.inhparent = pg_catalog.to_regclass($1) and range is not null
) as bounds
order by bounds.lower nulls first`

/**
 * Reads a table's partitions, in a transaction.
 *
 * @throws ConfigurationError for a table that isn't partitioned by range on one column of dates or timestamps.
 */
export async function readPartitions(
  connection: Connection,
  reference: RelationReference,
): Promise<PartitionedTable> {
  const target = relation(reference)
  await connection.query(BOUNDS_IN_UTC)
  const parent = await connection.query({ text: PARENT, params: [target.sql] })
  const [name, type, hasDefault, columns] = parent.rows[0] ?? []
  if (parent.rows.length === 0 || !/^(timestamp|date)/.test(String(type))) {
    throw new ConfigurationError(
      `${target.label} is not partitioned by range on one column of dates or times`,
    )
  }
  const { rows } = await connection.query({ text: PARTITIONS, params: [target.sql] })
  return {
    target,
    by: { name: String(name), type: String(type) },
    columns: columns as readonly string[],
    hasDefault: hasDefault === true,
    partitions: rows.map(partitionOf),
  }
}

/** pg_get_expr writes, and a cast reads, timestamps by these settings. */
const BOUNDS_IN_UTC = {
  text: `select pg_catalog.set_config('TimeZone', 'UTC', true), pg_catalog.set_config('DateStyle', 'ISO, YMD', true)`,
  params: [],
}

function partitionOf(row: readonly unknown[]): Partition {
  const [schema, name, bound, detaching, estimatedRows, bytes, from, to] = row
  return {
    label: `${String(schema)}.${String(name)}`,
    sql: qualify(String(schema), String(name)),
    bound: String(bound),
    detaching: detaching === true,
    estimatedRows: estimatedRows === null ? null : Number(estimatedRows),
    bytes: Number(bytes),
    from: from === null ? null : String(from),
    to: to === null ? null : String(to),
  }
}
