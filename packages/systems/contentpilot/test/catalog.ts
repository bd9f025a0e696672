/** What the catalog says of the tables in `public`, in the notation of specification.ts. */
import type { TestDatabase } from './database.ts'

const plain = (text: string) =>
  text
    .replaceAll('character varying', 'varchar')
    .replaceAll('timestamp with time zone', 'timestamptz')
    .replaceAll(/::(varchar|jsonb|text)/g, '')

export async function columnsOf(database: TestDatabase): Promise<Record<string, string[]>> {
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

export interface Constraint {
  name: string
  table: string
  type: 'c' | 'f' | 'p' | 'u'
  definition: string
}

export async function constraintsOf(database: TestDatabase): Promise<Constraint[]> {
  return database.rows<Constraint>(`
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

export interface Index {
  name: string
  table: string
  unique: boolean
  method: string
  keys: string[]
  where: string | null
}

export async function indexesOf(database: TestDatabase): Promise<Index[]> {
  return database.rows<Index>(`
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
