/** What is really in the tenant tables, as the service role sees it. */
import type { Connection } from '@tenantry/core'
import { quoteIdentifier } from '@tenantry/ddl'
import type { ClassifiedTable } from '@tenantry/rls'
import type { Relation } from './isolation-catalog.ts'
import { type KnownTenant, sharedTenant, TRUSTED, tenantValue } from './isolation-contexts.ts'
import { undone } from './undone.ts'

export interface TenantTable {
  readonly relation: Relation
  readonly classified: ClassifiedTable
  /** Its quoted tenant column. */
  readonly column: string
}

export interface Truth {
  /** Texts of values that occur in one tenant's rows and in nobody else's. */
  readonly secrets: ReadonlyMap<KnownTenant, readonly string[]>
  /** Values of the second tenant's rows by type, for arguments and writes. */
  readonly samples: ReadonlyMap<string, readonly unknown[]>
  /** A row of the second tenant in each table, by the table's label. */
  readonly rows: ReadonlyMap<string, Readonly<Record<string, string | null>>>
  /** A row that is shared with all tenants, where the table has such. */
  readonly shared: ReadonlyMap<string, Readonly<Record<string, string | null>>>
}

export function tenantTables(
  relations: readonly Relation[],
  tables: readonly ClassifiedTable[],
): readonly TenantTable[] {
  return relations.flatMap((relation) => {
    const classified = tables.find((table) => `${table.schema}.${table.name}` === relation.label)
    if (classified === undefined || classified.tenantColumn === null) return []
    return [{ relation, classified, column: quoteIdentifier(classified.tenantColumn.name) }]
  })
}

/** Rows of one tenant as texts by column, up to a number that a test's seed won't exceed by much. */
async function rowsOf(connection: Connection, table: TenantTable, tenant: KnownTenant) {
  const list = table.relation.columns.map(({ name }) => `${quoteIdentifier(name)}::text`).join(', ')
  const { rows } = await connection.query({
    text: `select ${list} from ${table.relation.sql} where ${table.column} = $1 limit 100`,
    params: [tenantValue(tenant, table.classified.of)],
  })
  return rows.map((row) =>
    Object.fromEntries(table.relation.columns.map(({ name }, index) => [name, row[index]])),
  ) as Readonly<Record<string, string | null>>[]
}

/** Shorter values (a status, a number) occur by chance in rows of several tenants. */
const SECRET_CHARACTERS_MIN = 8

export async function readTruth(
  connection: Connection,
  tables: readonly TenantTable[],
  tenants: readonly KnownTenant[],
): Promise<Truth> {
  return undone(connection, async (part) => {
    await part.query(TRUSTED)
    const values = new Map<KnownTenant, Set<string>>(tenants.map((tenant) => [tenant, new Set()]))
    const samples = new Map<string, unknown[]>()
    const rows = new Map<string, Readonly<Record<string, string | null>>>()
    const shared = new Map<string, Readonly<Record<string, string | null>>>()
    const last = tenants.at(-1)
    for (const table of tables) {
      const [common] =
        table.classified.shared === null
          ? []
          : await rowsOf(part, table, sharedTenant(table.classified.shared))
      if (common !== undefined) shared.set(table.relation.label, common)
      for (const tenant of tenants) {
        const found = await rowsOf(part, table, tenant)
        for (const row of found)
          for (const value of Object.values(row)) if (value !== null) values.get(tenant)?.add(value)
        const [first] = found
        if (tenant !== last || first === undefined) continue
        rows.set(table.relation.label, first)
        for (const { name, type } of table.relation.columns) {
          if (first[name] === null) continue
          const known = type.replace(/\(.*\)/, '')
          samples.set(known, [...(samples.get(known) ?? []), first[name]])
        }
      }
    }
    const secrets = new Map(
      tenants.map((tenant) => {
        const others = tenants.filter((other) => other !== tenant)
        const own = [...(values.get(tenant) ?? [])].filter(
          (value) =>
            value.length >= SECRET_CHARACTERS_MIN && !others.some((other) => values.get(other)?.has(value)),
        )
        // As they stand in an answer, which is JSON within JSON.
        return [
          tenant,
          own.map((value) => JSON.stringify(JSON.stringify(value).slice(1, -1)).slice(1, -1)),
        ] as const
      }),
    )
    return { secrets, samples, rows, shared }
  })
}

/** Changes whenever a row of the tenant is added, removed or written, if only with its own values. */
export async function fingerprint(
  connection: Connection,
  table: TenantTable,
  tenant: KnownTenant,
): Promise<string> {
  await connection.query(TRUSTED)
  const { rows } = await connection.query({
    text: `select pg_catalog.count(*) || ':' || coalesce(pg_catalog.md5(pg_catalog.string_agg(
        t.tableoid::text || t.ctid::text || t::text, ',' order by t.tableoid, t.ctid)), '')
      from ${table.relation.sql} as t where t.${table.column} = $1`,
    params: [tenantValue(tenant, table.classified.of)],
  })
  return String(rows[0]?.[0])
}

/** Tenants that have no row in a table. */
export async function unseeded(
  connection: Connection,
  tables: readonly TenantTable[],
  tenants: readonly KnownTenant[],
): Promise<readonly string[]> {
  return undone(connection, async (part) => {
    const missing: string[] = []
    for (const table of tables) {
      for (const [index, tenant] of tenants.entries()) {
        const rows = await fingerprint(part, table, tenant)
        if (rows.startsWith('0:')) missing.push(`${table.relation.label}: no row of tenant ${index + 1}`)
      }
      const { shared } = table.classified
      if (shared !== null && (await fingerprint(part, table, sharedTenant(shared))).startsWith('0:')) {
        missing.push(`${table.relation.label}: no row that is shared with all tenants`)
      }
    }
    return missing
  })
}
