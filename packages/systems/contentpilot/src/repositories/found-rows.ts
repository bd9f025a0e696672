import type { StatementParts } from '@tenantry/repository'
import type { SearchTarget } from '@tenantry/search'
import { getTableName, sql, type SQL } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'

/** A customer's rows that can be searched. */
export type SearchedTable = PgTable & { readonly id: PgColumn; readonly userId: PgColumn }

/** A search as a relation of ids and scores: by the function that searches for the tenant of the context. */
export function searchFunction(target: SearchTarget, args: readonly SQL[]): SQL {
  return sql`${sql.raw(target.functionName)}(${sql.join([...args], sql`, `)})`
}

/**
 * Reads what a search found by id, once more under row security and the tenant's name. `offset 0` keeps the planner
 * from joining in another way than row by row: it can't know how few rows a search finds, and a generic plan, made
 * for a tenant of average size, would read all topics of a large one into a hash table.
 */
export function foundRows(
  table: SearchedTable,
  search: SQL,
  order: SQL,
  { tenant, gate }: Pick<StatementParts, 'tenant' | 'gate'>,
): (columns: SQL) => SQL {
  return (columns) => sql`select ${columns}
    from ${search} as found
    cross join lateral (
      select * from ${table} where ${table.id} = found.id and ${table.userId} = ${tenant} offset 0
    ) as ${sql.identifier(getTableName(table))}
    where ${gate}
    order by ${order}, ${table.id}`
}
