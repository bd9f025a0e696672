/** The statements by which a scope uses the functions of limits: one call each, with the gate of its executor. */
import { type Answer, type CompiledQuery, compiledQuery, type Executor } from '@tenantry/core'
import { type SQL, sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'

const FUNCTIONS = {
  consume: ['feature text', 'subject text', 'amount numeric', 'key text', 'answer boolean'],
  consume_each: ['feature text', 'subject text', 'amounts numeric[]'],
  reserve: ['feature text', 'subject text', 'amount numeric', 'key text', 'ttlMs bigint'],
  commit: ['hold uuid', 'actual numeric'],
  release: ['hold uuid'],
  usage: [],
} as const

export type LimitFunction = keyof typeof FUNCTIONS

const dialect = new PgDialect()

/** Calls a function for the executor's tenant; answers what it returns. */
export type Call = (
  executor: Executor,
  name: LimitFunction,
  values: Readonly<Record<string, unknown>>,
) => Promise<unknown>

/** Gates are shared by all principals of a system, so each function is compiled once for each kind. */
export function calls(tenantType: string): Call {
  const plain = new Map<LimitFunction, CompiledQuery>()
  const gated = new WeakMap<SQL, Map<LimitFunction, CompiledQuery>>()
  return async (executor, name, values) => {
    const known = executor.gate === null ? plain : (gated.get(executor.gate) ?? new Map())
    if (executor.gate !== null) gated.set(executor.gate, known)
    const query = known.get(name) ?? compile(name, tenantType, executor.gate)
    known.set(name, query)
    return onlyValue(await executor.run(query, { tenant: executor.tenant, ...values }))
  }
}

function compile(name: LimitFunction, tenantType: string, gate: SQL | null): CompiledQuery {
  const args = [`tenant ${tenantType}`, ...FUNCTIONS[name]].map((argument) => {
    const [parameter = '', type = ''] = argument.split(' ')
    return sql`${sql.placeholder(parameter)}::${sql.raw(type)}`
  })
  const call = sql`select ${sql.raw(`tenantry.limit_${name}`)}(${sql.join(args, sql`, `)})`
  const query = gate === null ? call : sql`${call} where ${gate}`
  return compiledQuery(dialect.sqlToQuery(query), { gated: gate !== null })
}

function onlyValue({ rows }: Answer): unknown {
  return rows[0]?.[0] ?? null
}
