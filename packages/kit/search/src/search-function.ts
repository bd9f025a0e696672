import type { Module } from '@tenantry/core'
import { type FunctionArgument, sqlFunction } from '@tenantry/ddl'
import type { PgTable } from 'drizzle-orm/pg-core'

/** What a repository needs to know to ask. */
export interface SearchTarget {
  readonly table: PgTable
  /** Qualified, for SQL: `tenantry.search_raw_topics`. */
  readonly functionName: string
}

interface SearchFunction {
  readonly name: string
  readonly table: PgTable
  /** Null: the rows are everybody's. */
  readonly tenant: { readonly expression: string; readonly type: string } | null
  readonly args: readonly FunctionArgument[]
  readonly score: { readonly name: string; readonly type: string }
  /** Statements of the body, given the variable that holds the tenant; null where there is none. */
  readonly body: (tenant: string | null) => readonly string[]
  readonly declare?: readonly string[]
  readonly volatility: 'stable' | 'volatile'
}

/** Owner and callers are the roles of @tenantry/rls, by the names that they have in every database. */
const OWNER = 'tenantry_definer'
const CALLER = 'tenantry_tenant'
const SERVICE = 'tenantry_service'

/**
 * A definer function that searches for the tenant of the caller's context, and finds nothing without one; where
 * the rows are everybody's, it searches for anybody.
 */
export function searchFunction(options: SearchFunction): {
  readonly module: Module
  readonly target: SearchTarget
} {
  const { name, table, tenant, args, score, body, declare = [], volatility } = options
  const object = sqlFunction({
    schema: 'tenantry',
    name,
    args,
    returns: `table (id uuid, ${score.name} ${score.type})`,
    language: 'plpgsql',
    volatility,
    parallel: 'restricted',
    security: 'definer',
    owner: OWNER,
    body: [
      'declare',
      ...(tenant === null ? [] : [`  caller ${tenant.type} := ${tenant.expression};`]),
      ...declare.map((line) => `  ${line}`),
      'begin',
      ...(tenant === null
        ? []
        : [
            '  -- The caller is checked by its context: no tenant, no rows; never a tenant that it names itself.',
            '  if caller is null then return; end if;',
          ]),
      ...body(tenant === null ? null : 'caller').map((line) => `  ${line}`),
      'end',
    ].join('\n'),
    executableBy: tenant === null ? [CALLER, SERVICE] : [CALLER],
  })
  return {
    module: { name: `search ${name}`, objects: [object] },
    target: { table, functionName: `tenantry.${name}` },
  }
}
