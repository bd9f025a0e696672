import type { Connection } from '@tenantry/core'
import { granteeName, rowsOf } from './rows.ts'

export interface LiveGrant {
  /** `schema.name` of the relation. */
  readonly label: string
  readonly grantee: string
  /** In lower case, such as `select`. */
  readonly privilege: string
  /** Null: on the whole relation. */
  readonly column: string | null
  readonly grantable: boolean
}

const TEXT = `
select
  namespace.nspname || '.' || class.relname as "label",
  ${granteeName('entry.grantee')} as "grantee",
  pg_catalog.lower(entry.privilege_type) as "privilege",
  rights.column_name as "column",
  entry.is_grantable as "grantable"
from pg_catalog.pg_class as class
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
cross join lateral (
  select class.relacl as acl, null::text as column_name
  union all
  select attacl, attname::text
  from pg_catalog.pg_attribute
  where attrelid = class.oid and attacl is not null and not attisdropped
) as rights
cross join lateral pg_catalog.aclexplode(rights.acl) as entry
where class.relkind in ('r', 'p', 'v', 'm', 'f')
  and namespace.nspname || '.' || class.relname = any ($1::text[])
  and entry.grantee <> class.relowner
order by 1, 2, 3, 4`

/** Every right on the relations, but their owners' own. */
export function readGrants(connection: Connection, labels: readonly string[]): Promise<readonly LiveGrant[]> {
  return rowsOf(connection, TEXT, [labels])
}
