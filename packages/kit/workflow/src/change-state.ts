import { NotFoundError, StaleTransitionError } from '@tenantry/core'
import type { Repository, Returned, StatementParts } from '@tenantry/repository'
import { getTableColumns, getTableName, inArray, sql, type SQL } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'

export interface StateChange {
  /** Names the statement among those of its repository: another `set` or `where` is another verb. */
  readonly verb: string
  /** The column that says whose row it is. */
  readonly tenant: PgColumn
  /** Which row: values of properties that, with the tenant, mean one. Default: the tenant has one row. */
  readonly row?: Readonly<Record<string, unknown>>
  /** The column that holds the state. */
  readonly column: PgColumn
  /** States in which the row may be. */
  readonly from: readonly string[]
  /** The state that it gets. Default: it stays in the one it is in, and `set` changes something else. */
  readonly to?: string
  /** Further assignments, as `assign` makes them. */
  readonly set?: (value: StatementParts['value']) => readonly SQL[]
  /** What else must hold for the change to be made. */
  readonly where?: (parts: StatementParts) => SQL
  /** What `set` and `where` refer to by `value`. */
  readonly values?: Readonly<Record<string, unknown>>
}

/**
 * Changes one row of the tenant's if it is in one of the given states, and returns it: compare and set in one
 * statement, so of several callers who want the same step, one makes it.
 *
 * @throws StaleTransitionError when the row is in another state, or `where` doesn't hold.
 * @throws NotFoundError when the tenant has no such row.
 */
export async function changeState<T extends PgTable>(
  table: T,
  repository: Pick<Repository<T, unknown, unknown, never>, 'statement'>,
  { verb, tenant: owner, row = {}, column, from, to, set, where, values }: StateChange,
): Promise<Returned<T['_']['columns']>> {
  const returns: T['_']['columns'] = getTableColumns(table)
  const keys = Object.keys(row)
  const isRow = ({ tenant, gate, value }: StatementParts): SQL =>
    sql.join(
      [
        ...keys.map((property) => sql`${returns[property]} = ${value(property, returns[property])}`),
        sql`${owner} = ${tenant}`,
        sql`${gate}`,
      ],
      sql` and `,
    )
  // All that the texts below are made of.
  const name = `${verb}: ${keys.join(', ')} from ${from.join(', ')}`
  const [changed] = await repository.statement(
    name,
    (parts) => ({
      returns,
      query: (columns) => sql`update ${table} set ${sql.join(
        [
          ...(to === undefined ? [] : [assign(column, parts.value('to', column))]),
          ...(set?.(parts.value) ?? []),
        ],
        sql`, `,
      )}
        where ${inArray(column, [...from])} and ${where?.(parts) ?? sql`true`} and ${isRow(parts)}
        returning ${columns}`,
    }),
    { ...values, ...row, to },
  )
  if (changed !== undefined) return changed
  const label = getTableName(table)
  const found = await repository.statement(
    `${name}: is there one`,
    (parts) => ({
      returns: { state: column },
      query: (columns) => sql`select ${columns} from ${table} where ${isRow(parts)}`,
    }),
    row,
  )
  if (found.length === 0) throw new NotFoundError(`There is no such row in ${label}`, { table: label })
  throw new StaleTransitionError(
    `The row of ${label} can't ${to === undefined ? 'be changed so in' : `become "${to}" from`} the state it is in`,
    {
      table: label,
      hint: `That needs it to be ${from.join(' or ')}; read it again and decide anew`,
    },
  )
}

/** `column = value` in SET, where a column has its bare name. */
export function assign(column: PgColumn, value: unknown): SQL {
  return sql`${sql.identifier(column.name)} = ${value}`
}
