/** What the sweep asks the database, as the service role; each statement names its tenants. */
import type { Connection, Executor } from '@tenantry/core'
import { quoteIdentifier } from '@tenantry/ddl'
import { castType } from '@tenantry/repository'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { SweepPlan } from './options.ts'

export interface OwnedKey {
  readonly key: string
  readonly tenant: string
}

export interface MissingRow {
  readonly id: string
  readonly tenant: string
}

/** An executor as the mechanisms that take a connection use one. */
export function asConnection(executor: Executor): Pick<Connection, 'query'> {
  return { query: ({ text, params }) => executor.run({ text, params, gated: false }) }
}

const rowsOf = async (executor: Executor, text: string, ...params: readonly unknown[]) =>
  (await executor.run({ text, params, gated: false })).rows

const named = ({ target }: SweepPlan, column: PgColumn): string =>
  `${target.sql}.${quoteIdentifier(column.name)}`

/** The database's time. */
export async function now(executor: Executor): Promise<Date> {
  const [row] = await rowsOf(
    executor,
    `select pg_catalog.to_char(pg_catalog.now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  )
  return new Date(String(row?.[0]))
}

/** Those of the keys that no row has. */
export async function unknownKeys(
  executor: Executor,
  plan: SweepPlan,
  keys: readonly OwnedKey[],
): Promise<readonly OwnedKey[]> {
  if (keys.length === 0) return []
  const rows = await rowsOf(
    executor,
    `select given.key
     from unnest($1::${castType(plan.tenant)}[], $2::text[]) as given (tenant, key)
     where not exists (
       select from ${plan.target.sql}
       where ${named(plan, plan.tenant)} = given.tenant and ${named(plan, plan.key)} = given.key
     )`,
    keys.map(({ tenant }) => tenant),
    keys.map(({ key }) => key),
  )
  const unknown = new Set(rows.map(([key]) => key))
  return keys.filter(({ key }) => unknown.has(key))
}

const TENANTS_AT_ONCE = 100

/** Tenants who have a row from before a moment. */
export async function* tenantsWithRows(
  executor: Executor,
  plan: SweepPlan,
  before: Date,
): AsyncGenerator<string> {
  const tenant = named(plan, plan.tenant)
  for (let last: string | null = null; ;) {
    const after: string = last === null ? '$2::text is null' : `${tenant} > $2::${castType(plan.tenant)}`
    const rows = await rowsOf(
      executor,
      `select distinct ${tenant} from ${plan.target.sql}
       where ${after} and ${expected(plan, '$1')} order by 1 limit ${TENANTS_AT_ONCE}`,
      before,
      last,
    )
    for (const [found] of rows) yield (last = String(found))
    if (rows.length === 0) return
  }
}

/** Rows whose objects should have been there since before the moment. */
function expected(plan: SweepPlan, before: string): string {
  return [
    `${named(plan, plan.since)} < ${before}::timestamptz`,
    `${named(plan, plan.key)} is not null`,
    ...(plan.where === null ? [] : [`(${plan.where})`]),
  ].join(' and ')
}

/** A tenant's rows from before a moment, and those of them whose key isn't among the keys. */
export async function missingRows(
  executor: Executor,
  plan: SweepPlan,
  {
    tenant,
    before,
    keys,
  }: { readonly tenant: string; readonly before: Date; readonly keys: ReadonlySet<string> },
): Promise<{ readonly rows: readonly MissingRow[]; readonly total: number }> {
  const found = await rowsOf(
    executor,
    `select ${named(plan, plan.id)}, ${named(plan, plan.key)} from ${plan.target.sql}
     where ${named(plan, plan.tenant)} = $1 and ${expected(plan, '$2')}`,
    tenant,
    before,
  )
  const missing = found.filter(([, key]) => !keys.has(String(key)))
  return { rows: missing.map(([id]) => ({ id: String(id), tenant })), total: found.length }
}

/** How many were removed. `free`: a condition on the row, as `swept`. */
export async function removeRows(
  executor: Executor,
  plan: SweepPlan,
  rows: readonly MissingRow[],
  free: string,
): Promise<number> {
  const [first] = rows
  if (first === undefined) return 0
  const swept = (column: PgColumn): string => `swept.${quoteIdentifier(column.name)}`
  const removed = await rowsOf(
    executor,
    `delete from ${plan.target.sql} as swept
     where ${swept(plan.tenant)} = $1 and ${swept(plan.id)} = any ($2::${castType(plan.id)}[]) and ${free}
     returning ${swept(plan.id)}`,
    first.tenant,
    rows.map(({ id }) => id),
  )
  return removed.length
}

/** Those of the tenants whom a hold names. */
export async function heldTenants(
  executor: Executor,
  tenants: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await rowsOf(
    executor,
    `select tenant from tenantry.legal_holds
     where tenant = any ($1::text[]) and released_at is null and (until is null or until > pg_catalog.now())`,
    tenants,
  )
  return new Set(rows.map(([tenant]) => String(tenant)))
}
