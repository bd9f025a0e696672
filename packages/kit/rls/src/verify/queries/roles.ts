import type { Connection } from '@tenantry/core'
import { rowsOf } from './rows.ts'

export interface LiveRole {
  readonly name: string
  /** Attributes that it has and that none of the library's roles may have, such as `login`. */
  readonly attributes: readonly string[]
  /** Roles, not superusers, that are members of it, directly or through others. */
  readonly members: readonly string[]
  /**
   * Those of them that log in and neither administer roles nor own a relation in any database of the cluster:
   * roles that migrate do both, and are members so that they can hand objects over.
   */
  readonly applications: readonly string[]
}

const TEXT = `
select
  role.rolname::text as "name",
  pg_catalog.to_jsonb(pg_catalog.array_remove(array[
    case when role.rolcanlogin then 'login' end,
    case when role.rolsuper then 'superuser' end,
    case when role.rolbypassrls then 'bypassrls' end,
    case when role.rolcreaterole then 'createrole' end,
    case when role.rolcreatedb then 'createdb' end,
    case when role.rolreplication then 'replication' end
  ], null)) as "attributes",
  coalesce(pg_catalog.jsonb_agg(member.rolname order by member.rolname) filter (where member.oid is not null), '[]')
    as "members",
  coalesce(pg_catalog.jsonb_agg(member.rolname order by member.rolname) filter (
    where member.rolcanlogin
      and not member.rolcreaterole
      and not exists (
        select from pg_catalog.pg_shdepend as ownership
        where ownership.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
          and ownership.refobjid = member.oid
          and ownership.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
          and ownership.deptype = 'o'
      )
  ), '[]') as "applications"
from pg_catalog.pg_roles as role
left join pg_catalog.pg_roles as member
  on member.oid <> role.oid
  and not member.rolsuper
  and pg_catalog.pg_has_role(member.oid, role.oid, 'member')
where role.rolname = any ($1::text[])
group by role.oid, role.rolname, role.rolcanlogin, role.rolsuper, role.rolbypassrls, role.rolcreaterole,
  role.rolcreatedb, role.rolreplication
order by 1`

/** The roles that exist of those asked for. */
export function readRoles(connection: Connection, names: readonly string[]): Promise<readonly LiveRole[]> {
  return rowsOf(connection, TEXT, [names])
}
