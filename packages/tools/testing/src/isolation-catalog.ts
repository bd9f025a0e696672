/** What there is to be tried, from the catalog: a table that nobody declared is tried like the others. */
import type { Connection } from '@tenantry/core'
import { ROLES } from '@tenantry/rls'

export interface Relation {
  /** `schema.name` */
  readonly label: string
  /** Quoted, for SQL. */
  readonly sql: string
  readonly kind: 'table' | 'view' | 'materialized view' | 'foreign table'
  /** A part (a partition, an heir) of another table. */
  readonly part: boolean
  readonly columns: readonly Column[]
}

export interface Column {
  readonly name: string
  readonly type: string
  /** It isn't generated: a statement may give it a value. */
  readonly writable: boolean
  readonly primary: boolean
  /** What the tenant role may do with it. */
  readonly select: boolean
  readonly insert: boolean
  readonly update: boolean
}

export interface Callable {
  /** `schema.name(types)` */
  readonly label: string
  /** Quoted, without arguments. */
  readonly sql: string
  readonly argumentTypes: readonly string[]
  readonly volatile: boolean
}

const NOT_OF_EXTENSION = (oid: string): string =>
  `not exists (select from pg_catalog.pg_depend as d where d.objid = ${oid} and d.deptype = 'e')`

const RELATIONS = `
select
  namespace.nspname || '.' || class.relname as "label",
  pg_catalog.format('%I.%I', namespace.nspname, class.relname) as "sql",
  case class.relkind
    when 'v' then 'view'
    when 'm' then 'materialized view'
    when 'f' then 'foreign table'
    else 'table'
  end as "kind",
  exists (select from pg_catalog.pg_inherits where inhrelid = class.oid) as "part",
  (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'name', attribute.attname,
      'type', pg_catalog.format_type(attribute.atttypid, attribute.atttypmod),
      'writable', attribute.attgenerated = '' and attribute.attidentity <> 'a',
      'primary', exists (
        select from pg_catalog.pg_index
        where indrelid = class.oid and indisprimary and attribute.attnum = any (indkey)
      ),
      'select', pg_catalog.has_column_privilege($2::text, class.oid, attribute.attnum, 'select'),
      'insert', pg_catalog.has_column_privilege($2::text, class.oid, attribute.attnum, 'insert'),
      'update', pg_catalog.has_column_privilege($2::text, class.oid, attribute.attnum, 'update')
    ) order by attribute.attnum), '[]')
    from pg_catalog.pg_attribute as attribute
    where attribute.attrelid = class.oid and attribute.attnum > 0 and not attribute.attisdropped
  ) as "columns"
from pg_catalog.pg_class as class
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
where class.relkind in ('r', 'p', 'v', 'm', 'f')
  and (
    namespace.nspname = any ($1::text[])
    or exists (
      select from pg_catalog.pg_inherits as inheritance
      join pg_catalog.pg_class as parent on parent.oid = inheritance.inhparent
      join pg_catalog.pg_namespace as above on above.oid = parent.relnamespace
      where inheritance.inhrelid = class.oid and above.nspname = any ($1::text[])
    )
  )
  and ${NOT_OF_EXTENSION('class.oid')}
order by 1`

const CALLABLES = `
select
  namespace.nspname || '.' || function.proname || '(' || pg_catalog.pg_get_function_identity_arguments(function.oid) || ')' as "label",
  pg_catalog.format('%I.%I', namespace.nspname, function.proname) as "sql",
  (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.format_type(type, null) order by position), '[]')
    from pg_catalog.unnest(function.proargtypes::oid[]) with ordinality as argument (type, position)
  ) as "argumentTypes",
  function.provolatile = 'v' as "volatile"
from pg_catalog.pg_proc as function
join pg_catalog.pg_namespace as namespace on namespace.oid = function.pronamespace
where function.prokind = 'f'
  and function.prorettype not in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
  and namespace.nspname = any ($1::text[])
  and pg_catalog.has_schema_privilege($2::text, namespace.oid, 'usage')
  and pg_catalog.has_function_privilege($2::text, function.oid, 'execute')
  and ${NOT_OF_EXTENSION('function.oid')}
order by 1`

async function ask<T>(
  connection: Connection,
  text: string,
  schemas: readonly string[],
): Promise<readonly T[]> {
  const { columns, rows } = await connection.query({ text, params: [schemas, ROLES.tenant] })
  return rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]])) as T)
}

/** Tables, views and all else that holds rows, in the schemas and in what inherits from them. */
export function relationsIn(
  connection: Connection,
  schemas: readonly string[],
): Promise<readonly Relation[]> {
  return ask(connection, RELATIONS, schemas)
}

/** Functions of the schemas that the tenant role may call. */
export function callablesIn(
  connection: Connection,
  schemas: readonly string[],
): Promise<readonly Callable[]> {
  return ask(connection, CALLABLES, schemas)
}
