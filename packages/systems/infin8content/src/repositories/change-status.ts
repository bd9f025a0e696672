import type { Repository, Returned, StatementParts } from '@tenantry/repository'
import { transitioned } from '@tenantry/workflow'
import { getTableColumns, getTableName, inArray, sql, type SQL } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'

/** A table of an organization's rows. */
type OrganizationTable = PgTable & { readonly id: PgColumn; readonly organizationId: PgColumn }

export interface StatusChange {
  /** Names the statement among those of its repository. */
  readonly verb: string
  readonly id: string
  /** Of the table, which holds the state. */
  readonly column: PgColumn
  /** States in which it may be. */
  readonly from: readonly string[]
  readonly to: string
  /** Assignments beside the state's, as `assign` makes them. */
  readonly set?: (value: StatementParts['value']) => readonly SQL[]
  /** What else must hold. */
  readonly where?: (parts: StatementParts) => SQL
  /** What `set` and `where` refer to by `value`. */
  readonly values?: Readonly<Record<string, unknown>>
}

/**
 * Compare and set in one statement: of two callers who want the same step, one gets the row.
 *
 * @throws StaleTransitionError when the row is in another state, NotFoundError when the organization has no such row.
 */
export async function changeStatus<T extends OrganizationTable>(
  table: T,
  repository: Pick<Repository<T, unknown, unknown, never>, 'statement'>,
  { verb, id, column, from, to, set = () => [], where = () => sql`true`, values }: StatusChange,
): Promise<Returned<T['_']['columns']>> {
  const returns: T['_']['columns'] = getTableColumns(table)
  const isRow = ({ tenant, gate, value }: StatementParts): SQL =>
    sql`${table.id} = ${value('id', table.id)} and ${table.organizationId} = ${tenant} and ${gate}`
  const rows = await repository.statement(
    // The states are part of its text.
    `${verb} from ${from.join(', ')}`,
    (parts) => ({
      returns,
      query: (columns) => sql`update ${table}
        set ${sql.join([assign(column, parts.value('to', column)), ...set(parts.value)], sql`, `)}
        where ${inArray(column, [...from])} and ${where(parts)} and ${isRow(parts)}
        returning ${columns}`,
    }),
    { id, to, ...values },
  )
  return transitioned(rows, { table: getTableName(table), to, from }, async () => {
    const found = await repository.statement(
      'is there one',
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
