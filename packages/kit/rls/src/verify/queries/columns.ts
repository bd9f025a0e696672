import type { Connection } from '@tenantry/core'
import { rowsOf } from './rows.ts'

export interface LiveColumn {
  readonly schema: string
  readonly table: string
  readonly name: string
  /** With its schema, unless it is PostgreSQL's own. */
  readonly type: string
}

const TEXT = `
select
  namespace.nspname::text as "schema",
  class.relname::text as "table",
  attribute.attname::text as "name",
  pg_catalog.format_type(attribute.atttypid, attribute.atttypmod) as "type"
from pg_catalog.pg_attribute as attribute
join pg_catalog.pg_class as class on class.oid = attribute.attrelid
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname || '.' || class.relname = any ($1::text[])
  and class.relkind in ('r', 'p')
  and attribute.attnum > 0
  and not attribute.attisdropped
order by 1, 2, attribute.attnum`

/** Columns of the tables, in order. */
export function readColumns(
  connection: Connection,
  tables: readonly string[],
): Promise<readonly LiveColumn[]> {
  return rowsOf(connection, TEXT, [tables])
}
