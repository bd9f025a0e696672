/** Calls of a function of this package, compiled once for each kind of gate. */
import { type CompiledQuery, compiledQuery, ConfigurationError, type Executor } from '@tenantry/core'
import { type SQL, sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'

const dialect = new PgDialect()

/**
 * Compiles a statement, which puts the gate into each part that reads, when it is first needed. A gate is one object
 * for all principals of a system, so there are two statements at most.
 */
export function gatedStatement(build: (gate: SQL) => SQL): (gate: SQL | null) => CompiledQuery {
  const gated = new WeakMap<SQL, CompiledQuery>()
  let plain: CompiledQuery | undefined
  const compile = (gate: SQL | null): CompiledQuery =>
    compiledQuery(dialect.sqlToQuery(build(gate ?? sql`true`)), { gated: gate !== null })
  return (gate) => {
    if (gate === null) return (plain ??= compile(null))
    const known = gated.get(gate) ?? compile(gate)
    gated.set(gate, known)
    return known
  }
}

/** @throws ConfigurationError for the service role that is bound to no tenant. */
export function tenantOf(executor: Executor, label: string): string {
  if (executor.tenant !== null) return executor.tenant
  throw new ConfigurationError(`${label} belong to tenants, and the service role is not bound to one`, {
    hint: 'Bind it first: repos.tenant(id)',
  })
}
