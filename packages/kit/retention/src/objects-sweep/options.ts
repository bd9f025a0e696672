import { ConfigurationError } from '@tenantry/core'
import { relation, type Relation } from '@tenantry/ddl'
import type { Property } from '@tenantry/repository'
import { getTableColumns, type SQL } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import type { TenantTable } from '../graph/table-graph.ts'
import { sqlText } from '../rule/define.ts'

export interface ObjectSweepOptions<T extends PgTable> {
  /** Each row says where one object lies. */
  readonly table: T
  /** Property of the primary key. Default: `id`. */
  readonly id?: Property<T>
  readonly tenant: Property<T>
  /** Property of the object's key; a row without one has no object, and is left alone. */
  readonly key: Property<T>
  /** Property of the timestamptz since which the object should be there. */
  readonly since: Property<T>
  /** Which rows' objects must be there, such as those of finished uploads. Default: all. */
  readonly where?: SQL
  /** Whose an object is, by its key. Null: it isn't known, so it stays. */
  readonly tenantOf: (key: string) => string | null
  /** Under which all objects of a tenant lie. Default: `<tenant>/`. */
  readonly prefixOf?: (tenant: string) => string
  /** A tenancy's `tables`, so that legal holds are found. Null: the system has no holds. */
  readonly holds: { readonly tenants: readonly TenantTable[] } | null
}

export const orphanOptions = z.strictObject({
  /** Younger rows and objects are left alone: one of the two may still be on its way. Default 24. */
  graceHours: z.number().int().min(1).max(8760).default(24),
  /**
   * Refuse to remove more than this share of the objects or rows that were looked at (0..1): a wrong bucket or an
   * empty database looks as if everything were an orphan. Twenty are always allowed. Default 0.5.
   */
  shareMax: z.number().min(0).max(1).default(0.5),
  /** Count, and remove nothing. */
  dryRun: z.boolean().default(false),
})

export type OrphanOptions = z.input<typeof orphanOptions>

export interface SweepPlan {
  readonly table: PgTable
  readonly target: Relation
  readonly id: PgColumn
  readonly tenant: PgColumn
  readonly key: PgColumn
  readonly since: PgColumn
  readonly where: string | null
  readonly tenantOf: (key: string) => string | null
  readonly prefixOf: (tenant: string) => string
  readonly holds: { readonly tenants: readonly TenantTable[] } | null
}

export function planSweep<T extends PgTable>(options: ObjectSweepOptions<T>): SweepPlan {
  const { table, prefixOf = (tenant: string) => `${tenant}/`, where, tenantOf, holds } = options
  const target = relation(table)
  const columns: Readonly<Record<string, PgColumn>> = getTableColumns(table)
  const column = (property: string): PgColumn => {
    const found = Object.hasOwn(columns, property) ? columns[property] : undefined
    if (found !== undefined) return found
    throw new ConfigurationError(`${target.label} has no column ${property}`)
  }
  const since = column(options.since)
  if (!/^timestamp.*with time zone$/.test(since.getSQLType())) {
    throw new ConfigurationError(`${target.label}.${since.name} is no timestamptz: it says no moment`)
  }
  return {
    table,
    target,
    id: column(options.id ?? 'id'),
    tenant: column(options.tenant),
    key: column(options.key),
    since,
    where: where === undefined ? null : sqlText(where),
    tenantOf,
    prefixOf,
    holds,
  }
}
