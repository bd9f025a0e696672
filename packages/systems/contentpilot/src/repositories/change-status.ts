import type { Repository, Returned, StatementParts } from '@tenantry/repository'
import { transitioned } from '@tenantry/workflow'
import { getTableColumns, getTableName, inArray, sql, type SQL } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'

/** A table of a customer's rows, each in a state. */
type StatusTable = PgTable & {
  readonly id: PgColumn
  readonly userId: PgColumn
  readonly status: PgColumn
}

export interface StatusChange {
  /** Names the statement among those of its repository. */
  readonly verb: string
  /** Which row: values of columns that together mean one. */
  readonly row: Readonly<Record<string, unknown>>
  /** States in which it may be. */
  readonly from: readonly string[]
  /** What it becomes, in the words of the error that says it can't. */
  readonly to: string
  /** Assignments, as `assign` makes them. */
  readonly set: (value: StatementParts['value']) => readonly SQL[]
  /** What `set` refers to by `value`. */
  readonly values?: Readonly<Record<string, unknown>>
}

/**
 * Compare and set in one statement: of two callers who want the same step, one gets the row.
 *
 * @throws StaleTransitionError when the row is in another state, NotFoundError when the tenant has no such row.
 */
export async function changeStatus<T extends StatusTable>(
  table: T,
  repository: Pick<Repository<T, unknown, unknown, never>, 'statement'>,
  { verb, row, from, to, set, values }: StatusChange,
): Promise<Returned<T['_']['columns']>> {
  const returns: T['_']['columns'] = getTableColumns(table)
  const isRow = ({ tenant, gate, value }: StatementParts): SQL => {
    const keys = Object.keys(row).map((property) => {
      const column = returns[property]
      return sql`${column} = ${value(property, column)}`
    })
    return sql`${sql.join([...keys, sql`${table.userId} = ${tenant}`, gate], sql` and `)}`
  }
  const rows = await repository.statement(
    verb,
    (parts) => ({
      returns,
      query: (columns) => sql`update ${table} set ${sql.join([...set(parts.value)], sql`, `)}
        where ${inArray(table.status, [...from])} and ${isRow(parts)}
        returning ${columns}`,
    }),
    { ...row, ...values },
  )
  return transitioned(rows, { table: getTableName(table), to, from }, async () => {
    const found = await repository.statement(
      `${verb}: is there one`,
      (parts) => ({
        returns: { id: table.id },
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

/** From any state into `archived`; repeating it changes nothing. */
export function archiveRow<T extends StatusTable>(
  table: T,
  repository: Pick<Repository<T, unknown, unknown, never>, 'statement'>,
  id: string,
): Promise<Returned<T['_']['columns']>> {
  return changeStatus(table, repository, {
    verb: 'archive',
    row: { id },
    from: table.status.enumValues ?? [],
    to: 'archived',
    set: () => [assign(table.status, 'archived')],
  })
}
