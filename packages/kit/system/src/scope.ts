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
   * The repositories of another tenant, for a reader of the system (an administrator): reads find its rows,
   * writes are refused. Whoever is no reader finds nothing. Throws ConfigurationError where the tenancy
   * declares no readers.
   */
  reading(tenantId: string): Scope<R, S>
  /**
   * Several calls in one transaction with one context. Inside another one: a savepoint, which can fail by
   * itself and can't change the context.
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
  readonly tenancy: Pick<Tenancy, 'kind' | 'readers'>
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
function repositories<R extends Definitions, S extends Record<string, unknown>>(
  parts: ScopeParts<R, S>,
  executor: Executor,
  methods: object,
): object {
  return Object.assign(
    Object.create(prototypeOf(parts), { [EXECUTOR]: { value: executor } }),
    methods,
  ) as object
}

const EXECUTOR = Symbol('executor')

/** One for each system on a database, because defining a dozen accessors costs more than a statement. */
const prototypes = new WeakMap<object, object>()

function prototypeOf<R extends Definitions, S extends Record<string, unknown>>(
  parts: ScopeParts<R, S>,
): object {
  const known = prototypes.get(parts)
  if (known !== undefined) return known
  const { definitions, schema, casing } = parts
  const prototype: object = {}
  for (const [name, definition] of Object.entries(definitions))
    lazy(prototype, name, (executor) => definition.bind(executor))
  lazy(prototype, 'db', (executor) => scopedDrizzle(executor, schema, casing))
  prototypes.set(parts, prototype)
  return prototype
}

function lazy(prototype: object, name: string, make: (executor: Executor) => unknown): void {
  Object.defineProperty(prototype, name, {
    enumerable: true,
    get(this: { readonly [EXECUTOR]: Executor }) {
      const value = make(this[EXECUTOR])
      Object.defineProperty(this, name, { value, enumerable: true })
      return value
    },
  })
}
