/**
 * What a repository runs its statements through. An executor stands for one principal; whoever holds
 * one can't run a statement without that principal's context.
 */
import { is, Param, Placeholder, type Query, type SQL } from 'drizzle-orm'
import type { Answer, Statement, TransactionOptions } from './driver.ts'
import { ConfigurationError } from './errors.ts'

/**
 * A query shape compiled once: text, and parameters that are values or Drizzle placeholders.
 * `gated` says that the statement carries the executor's gate in its WHERE clause.
 */
export interface CompiledQuery {
  readonly text: string
  readonly params: readonly unknown[]
  readonly gated: boolean
  /** The text won't recur: don't keep it as a named prepared statement. */
  readonly once?: boolean
}

export type ExecutorRole = 'tenant' | 'service'

export interface Executor {
  readonly role: ExecutorRole
  /**
   * The tenant that every statement on a tenant table must name, in the text form of its column.
   * Null only for the service role when it has not been bound to a tenant.
   */
  readonly tenant: string | null
  /**
   * The person of the context, for tables whose rows belong to a user across organizations. Absent for the
   * service role: there such a table's statements name what `tenant` binds.
   */
  readonly user?: string | null
  /**
   * A condition that sets this principal's context as it is evaluated, before any row is read: put it
   * into the WHERE clause of a single statement and the statement needs no transaction. Null where a
   * transaction already holds the context, or the login can't be trusted with a gate; the same object
   * for all principals of a system (its values are placeholders), so compiled shapes can be shared.
   */
  readonly gate: SQL | null
  /**
   * Where each statement goes by itself: calls of several executors of one database may travel together. Absent inside
   * a transaction.
   */
  readonly database?: object
  /**
   * Runs one statement. One that isn't gated runs in a transaction with the context, so leaving the
   * gate out costs time, never isolation.
   */
  run(query: CompiledQuery, values?: Readonly<Record<string, unknown>>): Promise<Answer>
  /** Several statements in one transaction. Inside another one: a savepoint, same context. */
  transaction<T>(run: (executor: Executor) => Promise<T>, options?: ScopeTransactionOptions): Promise<T>
}

export type ScopeTransactionOptions = Pick<
  TransactionOptions,
  'isolation' | 'readOnly' | 'statementTimeoutMs'
>

/** Wraps what a Drizzle dialect compiled (`dialect.sqlToQuery(query)`). */
export function compiledQuery(query: Query, options: { readonly gated: boolean }): CompiledQuery {
  return { text: query.sql, params: query.params, gated: options.gated }
}

type Values = Readonly<Record<string, unknown>>

/** Where a parameter's value comes from: itself, or the value that is given under a name. */
type Source =
  | { readonly name: null; readonly value: unknown }
  | { readonly name: string; readonly encode: ((value: unknown) => unknown) | null }

/** By compiled query, because telling a placeholder from a value costs more than everything else in a binding. */
const sources = new WeakMap<CompiledQuery, readonly Source[]>()

function sourcesOf(query: CompiledQuery): readonly Source[] {
  let known = sources.get(query)
  if (known === undefined) {
    known = query.params.map(sourceOf)
    sources.set(query, known)
  }
  return known
}

function sourceOf(param: unknown): Source {
  if (is(param, Placeholder)) return { name: param.name, encode: null }
  if (is(param, Param) && is(param.value, Placeholder)) {
    return { name: param.value.name, encode: (value) => param.encoder.mapToDriverValue(value) }
  }
  return { name: null, value: param }
}

/**
 * Fills a compiled query's placeholders. `context`, the executor's own values, decides before the caller's.
 * Throws when one has no value.
 */
export function bindQuery(query: CompiledQuery, values: Values, context: Values = {}): Statement {
  const params = sourcesOf(query).map((source) => {
    if (source.name === null) return source.value
    const value = context[source.name] ?? given(values, source.name)
    return source.encode === null ? value : source.encode(value)
  })
  return { text: query.text, params, reusable: query.once !== true }
}

function given(values: Values, name: string): unknown {
  const value = values[name]
  if (value === undefined && !(name in values))
    throw new ConfigurationError(`No value for placeholder "${name}" was provided`)
  return value
}
