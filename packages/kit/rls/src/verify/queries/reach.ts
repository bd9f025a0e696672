import type { Connection } from '@tenantry/core'
import { granteeName, rowsOf } from './rows.ts'

export interface Reach {
  /** `schema.name` of the relation. */
  readonly label: string
  readonly role: string
  /** Such as `select, insert`; on the relation or any of its columns. */
  readonly privileges: string
}

const TEXT = `
select label as "label", role as "role", pg_catalog.string_agg(distinct privilege, ', ') as "privileges"
from (
  select
    namespace.nspname || '.' || class.relname as label,
    ${granteeName('entry.grantee')} as role,
    pg_catalog.lower(entry.privilege_type) as privilege
  from pg_catalog.pg_class as class
  join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
  cross join lateral (
    select class.relacl as acl
    union all
    select attacl from pg_catalog.pg_attribute
    where attrelid = class.oid and attacl is not null and not attisdropped
  ) as rights
  cross join lateral pg_catalog.aclexplode(rights.acl) as entry
  where class.relkind in ('r', 'p', 'v', 'm', 'f')
    and namespace.nspname || '.' || class.relname = any ($1::text[])
    and entry.grantee <> class.relowner
    and (
      entry.grantee = 0
      or entry.grantee in (
        select granted.oid
        from pg_catalog.pg_roles as client
        join pg_catalog.pg_roles as granted on pg_catalog.pg_has_role(client.oid, granted.oid, 'member')
        where client.rolname = any ($2::text[]) and not client.rolsuper
      )
    )
) as rights
group by 1, 2
order by 1, 2`

/** Which of the relations the roles, a role of theirs, or everyone can use, and how. */
export function readReach(
  connection: Connection,
  labels: readonly string[],
  roles: readonly string[],
): Promise<readonly Reach[]> {
  return rowsOf(connection, TEXT, [labels, roles])
}
