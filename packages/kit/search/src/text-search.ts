import type { Module } from '@tenantry/core'
import { quoteIdentifier, quoteLiteral, relation } from '@tenantry/ddl'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import { type SearchTarget, searchFunction } from './search-function.ts'

export interface TextSearchOptions {
  /** The function's name in the schema `tenantry`: `search_raw_topics`. */
  readonly name: string
  readonly table: PgTable
  /** The table's uuid primary key. */
  readonly id: PgColumn
  readonly tenantColumn: PgColumn
  /** SQL for the current tenant, as `contextExpressions(tenancy).tenant` of @tenantry/rls gives it. */
  readonly tenant: string
  /** The text that is searched; indexed by `gin (to_tsvector(language, text))`. */
  readonly text: PgColumn
  /** A text search configuration. Default: `english`. */
  readonly language?: string
}

/**
 * Full-text search below row security, at the speed of a search without it. `@@` isn't leakproof, so a policy
 * keeps the planner from using its index; here a SECURITY DEFINER function runs the search with the tenant of
 * the caller's context as an explicit condition, planned anew for each call, and gives back only ids and ranks.
 * The rows themselves are then read by id, through row security like any others.
 *
 * `tenantry.<name>(query text, max integer) returns table (id uuid, rank real)`, best first. The query is
 * in the syntax of web search engines (`websearch_to_tsquery`), which no input can make invalid.
 */
export function defineTextSearch(options: TextSearchOptions): {
  readonly module: Module
  readonly target: SearchTarget
} {
  const { table, text, language = 'english' } = options
  const document = `pg_catalog.to_tsvector(${quoteLiteral(language)}, source.${quoteIdentifier(text.name)})`
  const query = `pg_catalog.websearch_to_tsquery(${quoteLiteral(language)}, $2)`
  const statement = [
    `select source.${quoteIdentifier(options.id.name)}, pg_catalog.ts_rank_cd(${document}, ${query})`,
    `from ${relation(table).sql} as source`,
    `where source.${quoteIdentifier(options.tenantColumn.name)} = $1 and ${document} @@ ${query}`,
    `order by 2 desc, 1`,
    `limit $3`,
  ].join('\n')
  return searchFunction({
    ...options,
    args: [
      { name: 'query', type: 'text' },
      { name: 'max', type: 'integer' },
    ],
    score: { name: 'rank', type: 'real' },
    volatility: 'stable',
    tenant: { expression: options.tenant, type: options.tenantColumn.getSQLType() },
    body: (tenant) => [`return query execute ${dollar(statement)} using ${tenant}, query, max;`],
  })
}

const dollar = (text: string): string => `$statement$\n${text}\n$statement$`
