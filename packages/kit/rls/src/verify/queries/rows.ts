import type { Connection } from '@tenantry/core'

/** The rows of a query on the catalog as objects by column name; each query's file states their type. */
export async function rowsOf<T>(
  connection: Connection,
  text: string,
  params: readonly unknown[],
): Promise<readonly T[]> {
  const { columns, rows } = await connection.query({ text, params })
  return rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]])) as T)
}

/** A query part: not a member of an extension, whose objects are the extension's own affair. */
export function notOfExtension(catalog: 'pg_class' | 'pg_proc', oid: string): string {
  return `not exists (
    select from pg_catalog.pg_depend as membership
    where membership.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass
      and membership.objid = ${oid}
      and membership.deptype = 'e'
  )`
}

/** A query part: a role's name, and `public` for everyone. */
export function granteeName(oid: string): string {
  return `case ${oid} when 0 then 'public' else pg_catalog.pg_get_userbyid(${oid})::text end`
}
