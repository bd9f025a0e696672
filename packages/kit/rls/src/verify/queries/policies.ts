import type { Connection } from '@tenantry/core'
import { rowsOf } from './rows.ts'

export interface LivePolicy {
  /** The table's schema. */
  readonly schema: string
  readonly table: string
  readonly name: string
  readonly as: 'permissive' | 'restrictive'
  readonly command: 'select' | 'insert' | 'update' | 'delete' | 'all'
  readonly roles: readonly string[]
  /** As the server writes them. */
  readonly using: string | null
  readonly check: string | null
}

const TEXT = `
select
  namespace.nspname::text as "schema",
  class.relname::text as "table",
  policy.polname::text as "name",
  case when policy.polpermissive then 'permissive' else 'restrictive' end as "as",
  case policy.polcmd
    when 'r' then 'select'
    when 'a' then 'insert'
    when 'w' then 'update'
    when 'd' then 'delete'
    else 'all'
  end as "command",
  (
    select pg_catalog.jsonb_agg(
      case member when 0 then 'public' else pg_catalog.pg_get_userbyid(member)::text end
      order by pg_catalog.pg_get_userbyid(member)
    )
    from pg_catalog.unnest(policy.polroles) as member
  ) as "roles",
  pg_catalog.pg_get_expr(policy.polqual, policy.polrelid) as "using",
  pg_catalog.pg_get_expr(policy.polwithcheck, policy.polrelid) as "check"
from pg_catalog.pg_policy as policy
join pg_catalog.pg_class as class on class.oid = policy.polrelid
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname = any ($1::text[])
order by 1, 2, 3`

/** Every policy on a table of the schemas. */
export function readPolicies(
  connection: Connection,
  schemas: readonly string[],
): Promise<readonly LivePolicy[]> {
  return rowsOf(connection, TEXT, [schemas])
}
