import type { Connection } from '@tenantry/core'
import type { Relation } from '@tenantry/ddl'

export interface TableSize {
  readonly rows: number
  /** The planner's number, as many rows as fill the table's pages now. */
  readonly estimated: boolean
  /** Without indexes. */
  readonly bytes: number
}

/** Counting fewer takes a fraction of a second. */
const COUNTED_ROWS_MAX = 1_000_000

/** Summed over partitions; -1 where one was never analyzed. */
const ESTIMATE = `
select
  pg_catalog.sum(pg_catalog.pg_table_size(relation.oid))::bigint,
  case when pg_catalog.bool_or(relation.reltuples < 0) then -1
    else pg_catalog.sum(
      case when relation.relpages = 0 then 0
        else relation.reltuples / relation.relpages
          * (pg_catalog.pg_relation_size(relation.oid) / pg_catalog.current_setting('block_size')::integer)
      end
    )
  end::bigint
from pg_catalog.pg_class as relation
where relation.relkind = 'r' and (
  relation.oid = pg_catalog.to_regclass($1)
  or relation.oid in (select relid from pg_catalog.pg_partition_tree(pg_catalog.to_regclass($1)))
)`

export async function readSize(connection: Connection, target: Relation): Promise<TableSize> {
  const { rows } = await connection.query({ text: ESTIMATE, params: [target.sql] })
  const [bytes, estimate] = (rows[0] ?? []).map(Number)
  if (estimate !== undefined && estimate > COUNTED_ROWS_MAX) {
    return { rows: estimate, estimated: true, bytes: bytes ?? 0 }
  }
  const counted = await connection.query({
    text: `select pg_catalog.count(*) from ${target.sql}`,
    params: [],
  })
  return { rows: Number(counted.rows[0]?.[0]), estimated: false, bytes: bytes ?? 0 }
}
