import type { Repository, Returned, StatementParts } from '@tenantry/repository'
import { transitioned } from '@tenantry/workflow'
import { getTableColumns, getTableName, inArray, sql, type SQL } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'

type OwnedTable = PgTable & { readonly id: PgColumn; readonly userId: PgColumn }

export interface StatusChange {
  /** Names the statement among those of its repository. */
  readonly verb: string
  readonly column: PgColumn
  readonly id: string
  /** States in which the row may be. */
  readonly from: readonly string[]
  readonly to: string
  /** Further assignments, as `assign` makes them, and what they refer to by `value`. */
  readonly set?: (value: StatementParts['value']) => readonly SQL[]
  readonly values?: Readonly<Record<string, unknown>>
}

/**
 * Compare and set in one statement: of two callers who want the same step, one gets the row.
 *
 * @throws StaleTransitionError when the row is in another state, NotFoundError when the tenant has no such row.
 */
export async function changeStatus<T extends OwnedTable>(
  table: T,
  repository: Pick<Repository<T, unknown, unknown, never>, 'statement'>,
  { verb, column, id, from, to, set = () => [], values = {} }: StatusChange,
): Promise<Returned<T['_']['columns']>> {
  const returns: T['_']['columns'] = getTableColumns(table)
  const isRow = ({ tenant, gate, value }: StatementParts): SQL =>
    sql`${table.id} = ${value('id', table.id)} and ${table.userId} = ${tenant} and ${gate}`
  const rows = await repository.statement(
    verb,
    (parts) => ({
      returns,
      query: (columns) => sql`update ${table}
        set ${sql.join([assign(column, sql.raw(`'${to}'`)), ...set(parts.value)], sql`, `)}
        where ${inArray(column, [...from])} and ${isRow(parts)}
        returning ${columns}`,
    }),
    { id, ...values },
  )
  return transitioned(rows, { table: getTableName(table), to, from }, async () => {
    const found = await repository.statement(
      `${verb}: is there one`,
      (parts) => ({
        returns: { id: table.id },
        query: (columns) => sql`select ${columns} from ${table} where ${isRow(parts)}`,
      }),
      { id },
    )
    return found.length > 0
  })
}

/** `column = value` in SET, where a column has its bare name. */
export function assign(column: PgColumn, value: unknown): SQL {
  return sql`${sql.identifier(column.name)} = ${value}`
}
