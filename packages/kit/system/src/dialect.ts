import { getTableColumns, is, Param, type SQL } from 'drizzle-orm'
import { PgDialect, type PgTable } from 'drizzle-orm/pg-core'

type InsertConfig = Parameters<PgDialect['buildInsertQuery']>[0]

/** Where Drizzle keeps a table's columns. */
const COLUMNS = Symbol.for('drizzle:Columns')

/**
 * Drizzle's dialect, but an INSERT names only the columns that are given. Drizzle itself names all and writes
 * DEFAULT for the rest, which needs the right to insert into each, and a tenant has none on keys that the
 * database makes, nor on columns that it manages.
 */
export class ScopedDialect extends PgDialect {
  override buildInsertQuery(config: InsertConfig): SQL {
    return super.buildInsertQuery({ ...config, table: withGivenColumns(config) })
  }
}

function withGivenColumns({ table, values }: InsertConfig): PgTable {
  if (!Array.isArray(values)) return table
  const rows: readonly Readonly<Record<string, Param | SQL | undefined>>[] = values
  const given = Object.entries(getTableColumns(table)).filter(
    ([property, column]) =>
      column.defaultFn !== undefined ||
      (column.default === undefined && column.onUpdateFn !== undefined) ||
      rows.some((row) => isGiven(row[property])),
  )
  if (given.length === 0) return table
  return Object.create(table, { [COLUMNS]: { value: Object.fromEntries(given) } }) as PgTable
}

function isGiven(value: Param | SQL | undefined): boolean {
  return value !== undefined && !(is(value, Param) && value.value === undefined)
}
