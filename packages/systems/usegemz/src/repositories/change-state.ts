import type { Repository, Returned, StatementParts } from '@tenantry/repository'
import { transitioned } from '@tenantry/workflow'
import { getTableColumns, getTableName, inArray, sql, type SQL } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'

/** A table of a person's rows. */
type OwnedTable = PgTable & { readonly userId: PgColumn }

export interface StateChange {
  /** Names the statement among those of its repository. */
  readonly verb: string
  /** Which row: values of columns that, with the person, mean one. Absent: the person has one. */
  readonly row?: Readonly<Record<string, unknown>>
  /** Of the table, which holds the state. */
  readonly column: PgColumn
  /** States in which it may be. */
  readonly from: readonly string[]
  readonly to: string
  /** Assignments beside the state's, as `assign` makes them. */
  readonly set?: (value: StatementParts['value']) => readonly SQL[]
  /** What else must hold. */
  readonly where?: SQL
  /** What `set` refers to by `value`. */
  readonly values?: Readonly<Record<string, unknown>>
}

/**
 * Compare and set in one statement: of two callers who want the same step, one gets the row.
 *
 * @throws StaleTransitionError when the row is in another state, NotFoundError when the person has no such row.
 */
export async function changeState<T extends OwnedTable>(
  table: T,
  repository: Pick<Repository<T, unknown, unknown, never>, 'statement'>,
  { verb, row = {}, column, from, to, set = () => [], where = sql`true`, values }: StateChange,
): Promise<Returned<T['_']['columns']>> {
  const returns: T['_']['columns'] = getTableColumns(table)
  const isRow = ({ tenant, gate, value }: StatementParts): SQL => {
    const keys = Object.keys(row).map((property) => {
      const key = returns[property]
      return sql`${key} = ${value(property, key)}`
    })
    return sql`${sql.join([...keys, sql`${table.userId} = ${tenant}`, gate], sql` and `)}`
  }
  const rows = await repository.statement(
    verb,
    (parts) => ({
      returns,
      query: (columns) => sql`update ${table}
        set ${sql.join([assign(column, sql.raw(`'${to}'`)), ...set(parts.value)], sql`, `)}
        where ${inArray(column, [...from])} and ${where} and ${isRow(parts)}
        returning ${columns}`,
    }),
    { ...row, ...values },
  )
  return transitioned(rows, { table: getTableName(table), to, from }, async () => {
    const found = await repository.statement(
      `${verb}: is there one`,
      (parts) => ({
        returns: { userId: table.userId },
        query: (columns) => sql`select ${columns} from ${table} where ${isRow(parts)}`,
      }),
      row,
    )
    return found.length > 0
  })
}

/** `column = value` in SET, where a column has its bare name. */
export function assign(column: PgColumn, value: unknown): SQL {
  return sql`${sql.identifier(column.name)} = ${value}`
}
