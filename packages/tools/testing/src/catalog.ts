/** What a live catalog says of the tables in `public`, in short texts that a test writes out by hand. */

/** Whatever runs a statement with an owner's rights and answers its rows as objects. */
export interface CatalogSource {
  rows<T extends object>(text: string, params?: readonly unknown[]): Promise<T[]>
}

const plain = (text: string) =>
  text
    .replaceAll('character varying', 'varchar')
    .replaceAll('timestamp with time zone', 'timestamptz')
    .replaceAll(/::(varchar|jsonb|text)/g, '')
    .replaceAll(/\s+/g, ' ')

/** By table, in their order: `name type not null default …`. */
export async function columnsOf(database: CatalogSource): Promise<Record<string, string[]>> {
  const rows = await database.rows<{ table: string; column: string }>(`
    select c.relname as table,
           a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
             || case when a.attnotnull then ' not null' else '' end
             || case when d.oid is null then ''
                     when a.attgenerated = 's' then ' generated as ' || pg_get_expr(d.adbin, d.adrelid)
                     else ' default ' || pg_get_expr(d.adbin, d.adrelid) end as column
    from pg_attribute a
    join pg_class c on c.oid = a.attrelid
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and a.attnum > 0 and not a.attisdropped
    order by c.relname, a.attnum`)
  const tables: Record<string, string[]> = {}
  for (const row of rows) (tables[row.table] ??= []).push(plain(row.column))
  return tables
}

export interface CatalogConstraint {
  name: string
  table: string
  type: 'c' | 'f' | 'p' | 'u'
  definition: string
}

/** CHECKs, foreign, primary and unique keys. */
export async function constraintsOf(database: CatalogSource): Promise<CatalogConstraint[]> {
  return database.rows<CatalogConstraint>(`
    select k.conname as name, c.relname as table, k.contype as type, pg_get_constraintdef(k.oid) as definition
    from pg_constraint k join pg_class c on c.oid = k.conrelid
    where c.relnamespace = 'public'::regnamespace and not c.relispartition and k.contype in ('c', 'f', 'p', 'u')
      and k.convalidated
    order by 2, 1`)
}

/** `status: active, inactive` for a list of values, else the condition as the server prints it. */
export function condition(definition: string): string {
  const inner = definition.replace(/^CHECK \((.*)\)$/s, '$1')
  const list = /^\(+(\w+)\)?(?:::\w+)? = ANY \(\(?ARRAY\[(.*)\]/s.exec(inner)
  if (list === null) return inner
  const values = [...(list[2] ?? '').matchAll(/'([^']*)'/g)].map((match) => match[1])
  return `${list[1]}: ${values.join(', ')}`
}

export interface CatalogIndex {
  name: string
  table: string
  unique: boolean
  method: string
  keys: string[]
  where: string | null
}

/** Those of constraints too. */
export async function indexesOf(database: CatalogSource): Promise<CatalogIndex[]> {
  return database.rows<CatalogIndex>(`
    select i.relname as name, t.relname as table, x.indisunique as unique, m.amname as method,
           pg_get_expr(x.indpred, x.indrelid) as where,
           (select json_agg(pg_get_indexdef(x.indexrelid, k::int, true)
                     || case when o.opcdefault then '' else ' ' || o.opcname end
                     || case x.indoption[k - 1] & 3 when 0 then '' when 3 then ' DESC'
                             when 1 then ' DESC NULLS LAST' else ' NULLS FIRST' end order by k)
            from generate_series(1, x.indnkeyatts) as k
            join pg_opclass o on o.oid = x.indclass[k - 1]) as keys
    from pg_index x
    join pg_class i on i.oid = x.indexrelid
    join pg_class t on t.oid = x.indrelid
    join pg_am m on m.oid = i.relam
    where t.relnamespace = 'public'::regnamespace and not t.relispartition and x.indisvalid
    order by 1`)
}

/** `table: name TIMING EVENTS, function`. */
export async function triggersOf(database: CatalogSource): Promise<string[]> {
  const rows = await database.rows<{ trigger: string }>(`
    select c.relname || ': ' || t.tgname || ' ' || substring(pg_get_triggerdef(t.oid) from ' ((?:BEFORE|AFTER|INSTEAD OF) .*) ON public')
             || ', ' || p.proname || case t.tgenabled when 'O' then '' when 'A' then ' (always)' else ' (not enabled)' end as trigger
    from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    join pg_proc p on p.oid = t.tgfoid
    where c.relnamespace = 'public'::regnamespace and not c.relispartition and not t.tgisinternal
    order by c.relname, t.tgname`)
  return rows.map(({ trigger }) => trigger)
}

/** `security function(arguments) returns type: callers` for the functions that aren't an extension's. */
export async function functionsOf(database: CatalogSource): Promise<string[]> {
  const rows = await database.rows<{ function: string }>(`
    select n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ') returns '
             || pg_get_function_result(p.oid) || ', '
             || case when p.prosecdef then 'definer' else 'invoker' end || ', for '
             || coalesce((
                  select string_agg(case a.grantee when 0 then 'everyone' else pg_get_userbyid(a.grantee) end, ' ' order by pg_get_userbyid(a.grantee))
                  from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                  where a.grantee <> p.proowner
                ), 'nobody') as function
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ('public', 'tenantry')
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')
    order by 1`)
  return rows.map(({ function: text }) => text)
}

/** What plans and retention bring for the tables that they are given; their own packages say what it does. */
const OF_KIT = /^tenantry\.(?:limit_|(?:guard|normalise)_legal_hold)|: limit_(?:guard|follow)_/

/** Functions or triggers as `functionsOf` and `triggersOf` say them: those of plans and retention apart, by name. */
export function apartFromKit(all: readonly string[]): { readonly own: string[]; readonly kit: string[] } {
  return {
    own: all.filter((each) => !OF_KIT.test(each)),
    kit: all
      .filter((each) => OF_KIT.test(each))
      .map((each) => each.replace(/\(.*\) returns .*, (?:invoker|definer), /, ' ')),
  }
}

/** By type: its labels, in order. */
export async function enumsOf(database: CatalogSource): Promise<Record<string, string[]>> {
  const rows = await database.rows<{ name: string; labels: string[] }>(`
    select t.typname as name, json_agg(e.enumlabel order by e.enumsortorder) as labels
    from pg_enum e join pg_type t on t.oid = e.enumtypid
    where t.typnamespace = 'public'::regnamespace group by 1 order by 1`)
  return Object.fromEntries(rows.map(({ name, labels }) => [name, labels]))
}

/** By table: `policy for command to role`, restrictive ones in capitals. */
export async function policiesOf(database: CatalogSource): Promise<Record<string, string[]>> {
  const rows = await database.rows<{ table: string; policies: string[] }>(`
    select tablename as table, json_agg(
             case permissive when 'RESTRICTIVE' then 'RESTRICTIVE ' else '' end
               || policyname || ' for ' || lower(cmd) || ' to ' || array_to_string(roles, ', ')
             order by policyname) as policies
    from pg_policies where schemaname = 'public' group by tablename order by tablename`)
  return Object.fromEntries(rows.map(({ table, policies }) => [table, policies]))
}

/** The conditions of all policies for tenants, as the server prints them, each once. */
export async function tenantConditions(database: CatalogSource): Promise<string[]> {
  const rows = await database.rows<{ condition: string }>(`
    select distinct regexp_replace(condition, '\\s+', ' ', 'g') as condition
    from pg_policies, unnest(array[qual, with_check]) as condition
    where schemaname = 'public' and condition is not null and roles && array['tenantry_tenant']::name[]
    order by 1`)
  return rows.map(({ condition: text }) => text)
}

export interface CatalogRelation {
  name: string
  kind: 'table' | 'partition' | 'view' | 'materialized view'
  forced: boolean
  options: string[] | null
}

/** Tables and views, and whether row security is forced. */
export async function relationsOf(database: CatalogSource): Promise<CatalogRelation[]> {
  return database.rows<CatalogRelation>(`
    select relname as name, relrowsecurity and relforcerowsecurity as forced, to_json(reloptions) as options,
           case when relispartition then 'partition' when relkind in ('r', 'p') then 'table'
                when relkind = 'v' then 'view' else 'materialized view' end as kind
    from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm')
    order by relname`)
}

export interface CatalogPartition {
  name: string
  /** The first instant of its month and of the next one, in UTC. */
  from: string
  to: string
  grants: number
  policies: number
}

/** The partitions of a table that is partitioned by month. */
export async function partitionsOf(database: CatalogSource, parent: string): Promise<CatalogPartition[]> {
  return database.rows<CatalogPartition>(
    `select c.relname as name,
       (bounds[1]::timestamptz at time zone 'UTC')::text as from,
       (bounds[2]::timestamptz at time zone 'UTC')::text as to,
       (select count(*)::int from aclexplode(c.relacl) a where a.grantee <> c.relowner) as grants,
       (select count(*)::int from pg_policy p where p.polrelid = c.oid) as policies
     from pg_inherits i
     join pg_class c on c.oid = i.inhrelid
     left join lateral regexp_match(
       pg_get_expr(c.relpartbound, c.oid), 'FROM \\(''(.+)''\\) TO \\(''(.+)''\\)'
     ) as bounds on true
     where i.inhparent = $1::regclass
     order by 1`,
    [parent],
  )
}

/** `column type` of a view, in order. */
export async function viewColumnsOf(database: CatalogSource, view: string): Promise<string[]> {
  const rows = await database.rows<{ column: string }>(
    `select attname || ' ' || format_type(atttypid, atttypmod) as column
     from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [view],
  )
  return rows.map(({ column }) => plain(column))
}

/** Indexes that another one serves as well, or that are there twice: none should be. */
export function superfluous(indexes: readonly CatalogIndex[]): string[] {
  return indexes.flatMap((index) =>
    indexes
      .filter(
        (other) =>
          other !== index &&
          (!index.unique ||
            (other.unique && other.keys.length === index.keys.length && other.name > index.name)) &&
          other.table === index.table &&
          other.method === index.method &&
          other.where === index.where &&
          index.keys.every((key, position) => other.keys[position] === key),
      )
      .map((other) => `${index.name} by ${other.name}`),
  )
}

/** Foreign keys whose columns lead no index: every delete of a parent would read the whole child. */
export function unindexed(
  constraints: readonly CatalogConstraint[],
  indexes: readonly CatalogIndex[],
): CatalogConstraint[] {
  return constraints.filter(({ type, table, definition }) => {
    const columns = (/\(([^)]*)\)/.exec(definition)?.[1] ?? '').split(', ').toSorted().join()
    return (
      type === 'f' &&
      !indexes.some(
        (index) =>
          index.table === table &&
          index.where === null &&
          index.keys.slice(0, columns.split(',').length).toSorted().join() === columns,
      )
    )
  })
}
