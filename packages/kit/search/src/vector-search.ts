import { ConfigurationError, type Module } from '@tenantry/core'
import { quoteIdentifier, relation } from '@tenantry/ddl'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import { type SearchTarget, searchFunction } from './search-function.ts'

/** pgvector's operators: cosine distance, Euclidean distance, negative inner product. */
export const DISTANCE_OPERATORS = { cosine: '<=>', euclidean: '<->', innerProduct: '<#>' } as const
export type Distance = keyof typeof DISTANCE_OPERATORS

export interface VectorSearchOptions {
  /** The function's name in the schema `tenantry`: `similar_voice_examples`. */
  readonly name: string
  readonly table: PgTable
  /** The table's uuid primary key. */
  readonly id: PgColumn
  /** Both are left out for a table whose rows are everybody's; the service role may then search it too. */
  readonly tenantColumn?: PgColumn
  /** SQL for the current tenant, as `contextExpressions(tenancy).tenant` of @tenantry/rls gives it. */
  readonly tenant?: string
  /** The column of type vector; rows without one aren't found. */
  readonly vector: PgColumn
  /** Must be the one that the index was built for. Default: cosine. */
  readonly distance?: Distance
  /** A further SQL condition on `source`, such as `source.status = 'active'`. */
  readonly where?: string
}

/**
 * Nearest neighbours among one tenant's rows, or among rows that are everybody's. The distance operators aren't
 * leakproof, so below a policy their index goes unused; see `defineTextSearch` for how the function stays isolated. For a tenant with few rows the
 * planner sorts them exactly; for one with many it walks the HNSW index, with pgvector's iterative scan, which
 * goes on until enough rows of the tenant are found instead of filtering a fixed number of neighbours.
 *
 * `tenantry.<name>(embedding text, max integer) returns table (id uuid, distance double precision)`,
 * nearest first. The embedding is in pgvector's text form, `[0.1,…]`.
 */
export function defineVectorSearch(options: VectorSearchOptions): {
  readonly module: Module
  readonly target: SearchTarget
} {
  const { table, vector, distance = 'cosine', where, tenantColumn, tenant } = options
  if ((tenantColumn === undefined) !== (tenant === undefined)) {
    throw new ConfigurationError(`${options.name}: tenantColumn and tenant belong together`, {
      hint: 'Leave out both for a table whose rows are everybody’s',
    })
  }
  const column = `source.${quoteIdentifier(vector.name)}`
  // %1$s is the schema of the extension, which differs from host to host (Supabase: extensions).
  const measured = `${column} operator(%1$s.${DISTANCE_OPERATORS[distance]}) $2::%1$s.vector`
  const statement = [
    `select source.${quoteIdentifier(options.id.name)}, ${measured}`,
    `from ${relation(table).sql} as source`,
    ...(tenantColumn === undefined
      ? [`where ${column} is not null`]
      : [`where source.${quoteIdentifier(tenantColumn.name)} = $1`, `  and ${column} is not null`]),
    ...(where === undefined ? [] : [`  and ${where.replaceAll('%', '%%')}`]),
    `order by ${measured}`,
    `limit $3`,
  ].join('\n')
  return searchFunction({
    ...options,
    args: [
      { name: 'embedding', type: 'text' },
      { name: 'max', type: 'integer' },
    ],
    score: { name: 'distance', type: 'double precision' },
    // It changes a setting, for the rest of the transaction.
    volatility: 'volatile',
    tenant:
      tenantColumn === undefined || tenant === undefined
        ? null
        : { expression: tenant, type: tenantColumn.getSQLType() },
    declare: ['extension_schema text;'],
    body: (caller) => [
      'select pg_catalog.quote_ident(namespace.nspname) into strict extension_schema',
      'from pg_catalog.pg_extension as extension',
      'join pg_catalog.pg_namespace as namespace on namespace.oid = extension.extnamespace',
      `where extension.extname = 'vector';`,
      `perform pg_catalog.set_config('hnsw.iterative_scan', 'strict_order', true);`,
      `return query execute pg_catalog.format($statement$\n${statement}\n$statement$, extension_schema) using ${caller ?? 'null::text'}, embedding, max;`,
    ],
  })
}
