import type { Connection } from '@tenantry/core'
import { rowsOf } from './rows.ts'

export interface DependentView {
  readonly label: string
  readonly kind: 'view' | 'materialized view'
  /** It reads with its reader's rights. A materialized view never does. */
  readonly invoker: boolean
  /** One of the tables that it shows, directly or through another view. */
  readonly over: string
}

const TEXT = `
with recursive shown as (
  select class.oid as relation, class.oid as source
  from pg_catalog.pg_class as class
  join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
  where namespace.nspname || '.' || class.relname = any ($1::text[])
  union
  select rewrite.ev_class, shown.source
  from shown
  join pg_catalog.pg_depend as dependency
    on dependency.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and dependency.refobjid = shown.relation
    and dependency.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
  join pg_catalog.pg_rewrite as rewrite on rewrite.oid = dependency.objid and rewrite.rulename = '_RETURN'
)
select
  namespace.nspname || '.' || class.relname as "label",
  case class.relkind when 'v' then 'view' else 'materialized view' end as "kind",
  class.relkind = 'v' and coalesce((
    select pg_catalog.bool_or(option_value::boolean)
    from pg_catalog.pg_options_to_table(class.reloptions)
    where option_name = 'security_invoker'
  ), false) as "invoker",
  min(source_namespace.nspname || '.' || source.relname) as "over"
from shown
join pg_catalog.pg_class as class on class.oid = shown.relation
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
join pg_catalog.pg_class as source on source.oid = shown.source
join pg_catalog.pg_namespace as source_namespace on source_namespace.oid = source.relnamespace
where class.relkind in ('v', 'm')
group by 1, 2, 3
order by 1`

/** Views of any schema that show rows of the given tables, through other views too. */
export function readDependentViews(
  connection: Connection,
  tables: readonly string[],
): Promise<readonly DependentView[]> {
  return rowsOf(connection, TEXT, [tables])
}
