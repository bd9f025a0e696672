import { ConfigurationError, type Executor, type ScopeTransactionOptions } from '@tenantry/core'
import type { RepositoryDefinition } from '@tenantry/repository'
import { bindReading, bindTenant, type Tenancy } from '@tenantry/rls'
import { type Casing } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { scopedDrizzle, type ScopedDrizzle } from './drizzle.ts'

/** Repositories by the name under which a system offers them. */
export type Definitions = Readonly<Record<string, RepositoryDefinition<PgTable, unknown>>>

export type Bound<R extends Definitions> = {
  readonly [K in keyof R]: R[K] extends RepositoryDefinition<infer _T, infer B> ? B : never
}

/** A principal's view of a system: its repositories, and Drizzle for everything else. */
export type Scope<R extends Definitions, S extends Record<string, unknown>> = Bound<R> & {
  /** Drizzle, with the principal's context on every statement. */
  readonly db: ScopedDrizzle<S>
  /**
   * The repositories of another tenant, for a reader of the system (an administrator), or of the tenant of
   * shared rows, for everyone: reads find its rows, writes are refused. Whoever is no reader finds nothing.
   * Throws ConfigurationError where the tenancy declares neither.
   */
  reading(tenantId: string): Scope<R, S>
  /**
   * Several calls in one transaction with one context. Inside another one: a savepoint, which can fail by
   * itself and can't change the context; several that are started at once take turns.
   */
  transaction<T>(run: (scope: Scope<R, S>) => Promise<T>, options?: ScopeTransactionOptions): Promise<T>
}

/** The service role's view: every tenant, one at a time. */
export type ServiceScope<R extends Definitions, S extends Record<string, unknown>> = Omit<
  Scope<R, S>,
  'transaction' | 'reading'
> & {
  /** The repositories bound to one tenant, which a tenant table needs; in the same transaction. */
  tenant(id: string): ServiceScope<R, S>
  transaction<T>(
    run: (scope: ServiceScope<R, S>) => Promise<T>,
    options?: ScopeTransactionOptions,
  ): Promise<T>
}

/** Names that a scope uses itself. */
const RESERVED = ['db', 'transaction', 'tenant', 'reading', 'then']

export interface ScopeParts<R extends Definitions, S extends Record<string, unknown>> {
  readonly definitions: R
  readonly schema: S
  readonly tenancy: Pick<Tenancy, 'kind' | 'readers' | 'tables'>
  readonly casing: Casing | undefined
}

export function checkNames(definitions: Definitions): void {
  const taken = Object.keys(definitions).find((name) => RESERVED.includes(name))
  if (taken !== undefined)
    throw new ConfigurationError(`A repository can't be called ${taken}: a scope uses the name itself`)
}

export function tenantScope<R extends Definitions, S extends Record<string, unknown>>(
  parts: ScopeParts<R, S>,
  executor: Executor,
): Scope<R, S> {
  return repositories(parts, executor, {
    reading: (id: string) => tenantScope(parts, bindReading(executor, parts.tenancy, id)),
    transaction: <T>(run: (scope: Scope<R, S>) => Promise<T>, options?: ScopeTransactionOptions) =>
      executor.transaction((inner) => run(tenantScope(parts, inner)), options),
  }) as Scope<R, S>
}

export function serviceScope<R extends Definitions, S extends Record<string, unknown>>(
  parts: ScopeParts<R, S>,
  executor: Executor,
): ServiceScope<R, S> {
  return repositories(parts, executor, {
    tenant: (id: string) => serviceScope(parts, bindTenant(executor, id)),
    transaction: <T>(run: (scope: ServiceScope<R, S>) => Promise<T>, options?: ScopeTransactionOptions) =>
      executor.transaction((inner) => run(serviceScope(parts, inner)), options),
  }) as ServiceScope<R, S>
}

/** Binds a repository when it is first asked for: a request uses two or three of a dozen. */
class Handles {
  readonly #executor: Executor
  readonly #made = new Map<string, unknown>()

  constructor(executor: Executor) {
    this.#executor = executor
  }

  static made(handles: Handles, name: string, make: (executor: Executor) => unknown): unknown {
    const known = handles.#made.get(name)
    if (known !== undefined) return known
    const value = make(handles.#executor)
    handles.#made.set(name, value)
    return value
  }
}

/** One class for each system on a database: a dozen accessors defined anew for each scope would cost more than a statement. */
const classes = new WeakMap<object, typeof Handles>()

function repositories<R extends Definitions, S extends Record<string, unknown>>(
  parts: ScopeParts<R, S>,
  executor: Executor,
  methods: object,
): object {
  let handlesOf = classes.get(parts)
  if (handlesOf === undefined) {
    handlesOf = classOf(parts)
    classes.set(parts, handlesOf)
  }
  return Object.assign(new handlesOf(executor), methods)
}

function classOf<R extends Definitions, S extends Record<string, unknown>>({
  definitions,
  schema,
  casing,
}: ScopeParts<R, S>): typeof Handles {
  const handlesOf = class extends Handles {}
  const lazy = (name: string, make: (executor: Executor) => unknown): void => {
    Object.defineProperty(handlesOf.prototype, name, {
      enumerable: true,
      get(this: Handles) {
        return Handles.made(this, name, make)
      },
    })
  }
  for (const [name, definition] of Object.entries(definitions))
    lazy(name, (executor) => definition.bind(executor))
  lazy('db', (executor) => scopedDrizzle(executor, schema, casing))
  return handlesOf
}
