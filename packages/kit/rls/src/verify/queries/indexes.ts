import type { Connection } from '@tenantry/core'
import { rowsOf } from './rows.ts'

export interface LiveIndex {
  /** `schema.name` of the table. */
  readonly table: string
  readonly name: string
  /** Its key columns in order; null stands for an expression. */
  readonly columns: readonly (string | null)[]
  readonly primary: boolean
  /** It refuses a second row, as a unique index or for an exclusion constraint. */
  readonly excludes: boolean
  /** Usable for any row of the table: valid, not partial, and ordered. */
  readonly general: boolean
}

const TEXT = `
select
  namespace.nspname || '.' || class.relname as "table",
  index_class.relname::text as "name",
  (
    select pg_catalog.jsonb_agg(attribute.attname order by key.position)
    from pg_catalog.unnest(index.indkey::smallint[]) with ordinality as key (number, position)
    left join pg_catalog.pg_attribute as attribute
      on attribute.attrelid = class.oid and attribute.attnum = key.number and key.number > 0
    where key.position <= index.indnkeyatts
  ) as "columns",
  index.indisprimary as "primary",
  index.indisunique or index.indisexclusion as "excludes",
  index.indisvalid and index.indpred is null and method.amname in ('btree', 'hash') as "general"
from pg_catalog.pg_index as index
join pg_catalog.pg_class as class on class.oid = index.indrelid
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_catalog.pg_class as index_class on index_class.oid = index.indexrelid
join pg_catalog.pg_am as method on method.oid = index_class.relam
where namespace.nspname || '.' || class.relname = any ($1::text[])
order by 1, 2`

/** Indexes of the tables. */
export function readIndexes(
  connection: Connection,
  tables: readonly string[],
): Promise<readonly LiveIndex[]> {
  return rowsOf(connection, TEXT, [tables])
}
