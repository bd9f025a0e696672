import type { Connection } from '@tenantry/core'
import { notOfExtension, rowsOf } from './rows.ts'

export interface LiveRelation {
  readonly label: string
  readonly kind: 'table' | 'view' | 'materialized view' | 'foreign table'
  /** The topmost ancestor, for a partition or an inheriting table; else null. */
  readonly root: string | null
  readonly enabled: boolean
  readonly forced: boolean
  readonly owner: string
  readonly ownerBypasses: boolean
}

const TEXT = `
with recursive lineage as (
  select inhrelid as relation, inhparent as ancestor
  from pg_catalog.pg_inherits
  union
  select lineage.relation, above.inhparent
  from lineage
  join pg_catalog.pg_inherits as above on above.inhrelid = lineage.ancestor
),
roots as (
  select distinct on (relation) relation, ancestor
  from lineage
  where not exists (select from pg_catalog.pg_inherits where inhrelid = ancestor)
  order by relation, ancestor
)
select
  namespace.nspname || '.' || class.relname as "label",
  case class.relkind
    when 'v' then 'view'
    when 'm' then 'materialized view'
    when 'f' then 'foreign table'
    else 'table'
  end as "kind",
  root_namespace.nspname || '.' || root.relname as "root",
  class.relrowsecurity as "enabled",
  class.relforcerowsecurity as "forced",
  owner.rolname::text as "owner",
  owner.rolsuper or owner.rolbypassrls as "ownerBypasses"
from pg_catalog.pg_class as class
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_catalog.pg_roles as owner on owner.oid = class.relowner
left join roots on roots.relation = class.oid
left join pg_catalog.pg_class as root on root.oid = roots.ancestor
left join pg_catalog.pg_namespace as root_namespace on root_namespace.oid = root.relnamespace
where class.relkind in ('r', 'p', 'v', 'm', 'f')
  and (namespace.nspname = any ($1::text[]) or root_namespace.nspname = any ($1::text[]))
  and ${notOfExtension('pg_class', 'class.oid')}
order by 1`

/** Tables, views and foreign tables of the schemas, and what inherits from one of them, wherever it is. */
export function readRelations(
  connection: Connection,
  schemas: readonly string[],
): Promise<readonly LiveRelation[]> {
  return rowsOf(connection, TEXT, [schemas])
}
