import { ConfigurationError, type Executor } from '@tenantry/core'
import { type Casing, getTableName } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import { createEngine } from './engine.ts'
import { Repository } from './repository.ts'
import type { Closed, CreateInput, DeclaredKey, KeyWithin, Property, Sort, UpdateInput } from './row-types.ts'

export interface RepositoryOptions<
  T extends PgTable,
  Tenant extends Property<T> | null,
  Key extends Property<T>,
  ReadOnly extends Property<T>,
  Soft extends Property<T>,
  Core,
  Verbs extends object,
> {
  /**
   * The column that says whose row it is; null for a table without tenants. It is stated here, not taken from
   * the tenancy, because inputs are typed without it; a system checks that the two agree.
   */
  readonly tenant: Tenant
  /**
   * `user`: the rows belong to a person across their organizations, as the tenancy says of the table, and
   * statements name the person instead of the organization. Default: `tenant`.
   */
  readonly of?: 'tenant' | 'user'
  /** The columns of a primary key that isn't declared by `.primaryKey()` on one column. */
  readonly key?: readonly Key[]
  /**
   * Columns that no input may hold. Always among them: the tenant, generated columns, the soft-delete column,
   * and with a default: the key (an id of the client's choice could probe for another tenant's),
   * `createdAt` and `updatedAt`.
   */
  readonly readOnly?: readonly ReadOnly[]
  /** A nullable timestamp that marks removed rows. Default: rows are deleted. */
  readonly softDelete?: Soft
  /**
   * Rules beyond the columns' own types, which are always checked before and after. They get an object of the
   * fields that were given, and return one.
   */
  readonly schema?: { readonly create?: z.ZodType; readonly update?: z.ZodType }
  /** The order of `find`, `list` and `stream`. The key is always appended. Default: the key alone. */
  readonly defaultSort?: Sort<T>
  /**
   * The unique key by which `upsert` finds a row (the tenant column is added), and what it may overwrite.
   * The table must have that key declared, on exactly these columns.
   */
  readonly upsert?: { readonly on: readonly Property<T>[]; readonly set: readonly Property<T>[] }
  /** For tables whose columns have no explicit names: the casing that Drizzle is given at run time. */
  readonly casing?: Casing
  /** Methods of the domain, beside the standard ones and not in place of them. Made anew for each binding. */
  readonly verbs?: (repository: Core, executor: Executor) => Verbs
}

export interface RepositoryDefinition<T extends PgTable, Bound> {
  readonly table: T
  /** The property of the tenant column, or null. */
  readonly tenant: string | null
  /** Whom that column names. Default: `tenant`. */
  readonly of?: 'tenant' | 'user'
  /** The repository for one principal. Cheap: call it per request. */
  bind(executor: Executor): Bound
}

/**
 * Declares the repository of a table, once, at start. Throws ConfigurationError when the declaration doesn't fit
 * the table.
 */
export function defineRepository<
  T extends PgTable,
  const Tenant extends Property<T> | null,
  Key extends Property<T> = DeclaredKey<T>,
  ReadOnly extends Property<T> = never,
  Soft extends Property<T> = never,
  Verbs extends object = object,
>(
  table: T,
  options: RepositoryOptions<
    T,
    Tenant,
    Key,
    ReadOnly,
    Soft,
    RepositoryOf<T, Tenant, Key, ReadOnly, Soft>,
    Verbs
  >,
): RepositoryDefinition<T, RepositoryOf<T, Tenant, Key, ReadOnly, Soft> & Verbs> {
  type Core = RepositoryOf<T, Tenant, Key, ReadOnly, Soft>
  const engine = createEngine(table, options, options.schema)
  const verbs: (repository: Core, executor: Executor) => Verbs | object = options.verbs ?? (() => ({}))
  let checked = false
  return {
    table,
    tenant: options.tenant,
    of: options.of ?? 'tenant',
    bind(executor) {
      const core: Core = new Repository(engine, executor)
      const own = verbs(core, executor)
      // The first binding tells the names; they are the same in all.
      if (!checked) checkVerbs(core, own, table)
      checked = true
      return Object.assign(core, own) as Core & Verbs
    },
  }
}

function checkVerbs(core: object, own: object, table: PgTable): void {
  const taken = Object.keys(own).find((name) => name in core)
  if (taken === undefined) return
  throw new ConfigurationError(
    `The verb "${taken}" of ${getTableName(table)} would replace a standard method`,
    {
      hint: 'Give it the name of what it does in the domain',
    },
  )
}

/** The standard repository of a table, with input types that follow from its options. */
export type RepositoryOf<
  T extends PgTable,
  Tenant extends string | null,
  Key extends string,
  ReadOnly extends string,
  Soft extends string,
> = Repository<
  T,
  CreateInput<T, Closed<T, Tenant, Key, ReadOnly, Soft>>,
  UpdateInput<T, Closed<T, Tenant, Key, ReadOnly, Soft>, Key>,
  KeyWithin<Key, Tenant>
>
