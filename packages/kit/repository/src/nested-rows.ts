/** Rows of another table inside a row of a statement, so that one query answers a parent with its children. */
import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { decoderOf, isJson } from './column-codec.ts'
import type { Returned } from './verb-statement.ts'

/**
 * A column for a verb's `returns` that holds all rows of a subquery, decoded as a repository decodes them; an
 * empty array where there are none. `query` selects `row`, and orders as it likes:
 *
 *     files: nestedRows(getTableColumns(files), (row) => sql`
 *       select ${row} from ${files}
 *       where ${files.userId} = ${tenant} and ${files.projectId} = ${projects.id}
 *       order by ${files.createdAt}`)
 *
 * Several of them in one statement don't multiply each other's rows, as joins would.
 */
export function nestedRows<C extends Readonly<Record<string, PgColumn>>>(
  columns: C,
  query: (row: SQL) => SQL,
): SQL<Returned<C>[]> {
  const entries = Object.entries(columns)
  const row = sql`json_build_array(${sql.join(
    entries.map(([, column]) => (isNative(column) ? sql`${column}` : sql`${column}::text`)),
    sql`, `,
  )})`
  // Once, and not for every value of every row.
  const decoders = entries.map(([property, column]) => [property, readerOf(column)] as const)
  // An array constructor keeps the subquery's order, which an aggregate over it would not promise.
  return sql<Returned<C>[]>`array_to_json(array(${query(row)}))`.mapWith((rows: unknown) =>
    lists(rows).map((values) => {
      const list = lists(values)
      const nested: Record<string, unknown> = {}
      for (const [index, [property, read]] of decoders.entries()) nested[property] = read(list[index])
      return nested as Returned<C>
    }),
  )
}

/** JSON holds it as the driver answers it. Everything else goes as text, or it would lose digits. */
function isNative(column: PgColumn): boolean {
  return isJson(column) || column.getSQLType() === 'boolean'
}

/** The driver makes bytes of their text, and hands on every other text as it is. */
function readerOf(column: PgColumn): (value: unknown) => unknown {
  const read = decoderOf(column)
  if (column.getSQLType() !== 'bytea') return read
  return (value) => read(typeof value === 'string' ? Buffer.from(value.slice(2), 'hex') : value)
}

function lists(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
