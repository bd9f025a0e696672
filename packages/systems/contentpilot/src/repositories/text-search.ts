import type { Executor } from '@tenantry/core'
import { parseInput, type Repository, type Returned } from '@tenantry/repository'
import type { SearchTarget } from '@tenantry/search'
import { getTableColumns, sql, type SQL } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { type TopicSearchInput, topicSearchInput } from '../types/inputs.ts'
import { foundRows, type SearchedTable, searchFunction } from './found-rows.ts'

type TopicTable = SearchedTable & { readonly content: PgColumn }

/**
 * Topics of the tenant whose content matches, best first, each with its rank. The service role has no context
 * for the search function to read; for it no policy stands before the index, so it searches the table itself.
 */
export async function searchTopics<T extends TopicTable>(
  table: T,
  target: SearchTarget,
  repository: Pick<Repository<T, unknown, unknown, never>, 'statement'>,
  executor: Executor,
  input: TopicSearchInput,
): Promise<Returned<T['_']['columns'] & { rank: SQL<number> }>[]> {
  const columns: T['_']['columns'] = getTableColumns(table)
  const returns = { ...columns, rank: sql<number>`found.rank` }
  const values = parseInput(table, topicSearchInput, input)
  if (executor.role === 'tenant') {
    return repository.statement(
      'search',
      (parts) => ({
        returns,
        query: foundRows(
          table,
          searchFunction(target, [parts.value('query'), parts.value('limit')]),
          sql`found.rank desc`,
          parts,
        ),
      }),
      values,
    )
  }
  const document = sql`to_tsvector('english', ${table.content})`
  return repository.statement(
    'search by service',
    (parts) => ({
      returns,
      query: foundRows(
        table,
        sql`(
          select ${table.id}, ts_rank_cd(${document}, asked.query) as rank
          from ${table}, websearch_to_tsquery('english', ${parts.value('query')}) as asked (query)
          where ${table.userId} = ${parts.tenant} and ${document} @@ asked.query
          order by rank desc, ${table.id}
          limit ${parts.value('limit')}
        )`,
        sql`found.rank desc`,
        parts,
      ),
    }),
    values,
  )
}
