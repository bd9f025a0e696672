import type { Connection } from '@tenantry/core'
import { rowsOf } from './rows.ts'

export interface LiveRule {
  /** `schema.name` of the table. */
  readonly table: string
  readonly name: string
}

const TEXT = `
select namespace.nspname || '.' || class.relname as "table", rewrite.rulename::text as "name"
from pg_catalog.pg_rewrite as rewrite
join pg_catalog.pg_class as class on class.oid = rewrite.ev_class
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
where rewrite.rulename <> '_RETURN'
  and namespace.nspname || '.' || class.relname = any ($1::text[])
order by 1, 2`

/** Rewrite rules on the relations. */
export function readRules(connection: Connection, labels: readonly string[]): Promise<readonly LiveRule[]> {
  return rowsOf(connection, TEXT, [labels])
}
