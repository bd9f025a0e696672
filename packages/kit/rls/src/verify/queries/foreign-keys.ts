import type { Connection } from '@tenantry/core'
import { rowsOf } from './rows.ts'

export interface LiveForeignKey {
  readonly name: string
  readonly child: string
  readonly parent: string
  /** Column of the child, column of the parent. */
  readonly pairs: readonly (readonly [string, string])[]
}

const TEXT = `
select
  foreign_key.conname::text as "name",
  child_namespace.nspname || '.' || child.relname as "child",
  parent_namespace.nspname || '.' || parent.relname as "parent",
  (
    select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(own.attname, other.attname))
    from rows from (pg_catalog.unnest(foreign_key.conkey), pg_catalog.unnest(foreign_key.confkey)) as pair (own_number, other_number)
    join pg_catalog.pg_attribute as own on own.attrelid = child.oid and own.attnum = pair.own_number
    join pg_catalog.pg_attribute as other on other.attrelid = parent.oid and other.attnum = pair.other_number
  ) as "pairs"
from pg_catalog.pg_constraint as foreign_key
join pg_catalog.pg_class as child on child.oid = foreign_key.conrelid
join pg_catalog.pg_namespace as child_namespace on child_namespace.oid = child.relnamespace
join pg_catalog.pg_class as parent on parent.oid = foreign_key.confrelid
join pg_catalog.pg_namespace as parent_namespace on parent_namespace.oid = parent.relnamespace
where foreign_key.contype = 'f'
  and foreign_key.conparentid = 0
  and child_namespace.nspname || '.' || child.relname = any ($1::text[])
order by 2, 1`

/** Foreign keys of the tables. */
export function readForeignKeys(
  connection: Connection,
  tables: readonly string[],
): Promise<readonly LiveForeignKey[]> {
  return rowsOf(connection, TEXT, [tables])
}
