import type { Connection, Driver } from '@tenantry/core'
import * as queries from './queries.ts'

/** Texts by name. */
type Texts = Readonly<Record<string, string>>
/** Rights by grantee, `public` being everyone; the owner's own are left out. */
type Rights = Readonly<Record<string, readonly string[]>>

export interface CatalogTable {
  /** `migrator`, or the name of another role than the one that asked. */
  readonly owner: string
  readonly rowSecurity: 'off' | 'enabled' | 'forced'
  /** Such as `RANGE (created_at)`; null for a table that isn't partitioned. */
  readonly partitionKey: string | null
  /** Such as `FOR VALUES FROM … TO …`; null for a table that isn't a partition. */
  readonly partitionBound: string | null
  readonly columns: Texts
  readonly constraints: Texts
  /** Those that don't serve a constraint. */
  readonly indexes: Texts
  readonly triggers: Texts
  readonly policies: Texts
  readonly grants: Rights
}

export interface CatalogView {
  readonly kind: 'view' | 'materialized view'
  readonly owner: string
  readonly options: readonly string[]
  readonly definition: string
  readonly indexes: Texts
  readonly triggers: Texts
  readonly grants: Rights
}

export interface CatalogFunction {
  readonly owner: string
  /** Null for a procedure. */
  readonly returns: string | null
  readonly language: string
  readonly volatility: 'immutable' | 'stable' | 'volatile'
  readonly security: 'definer' | 'invoker'
  /** Such as `strict parallel safe`. */
  readonly attributes: string
  readonly config: readonly string[]
  /** SHA-256 of the body, in hex. */
  readonly bodyHash: string
  readonly executableBy: readonly string[]
}

/** All keys are names with their schema, in the order of their code points. */
export interface Catalog {
  readonly schemas: Readonly<Record<string, Rights>>
  readonly enums: Readonly<Record<string, readonly string[]>>
  readonly tables: Readonly<Record<string, CatalogTable>>
  readonly views: Readonly<Record<string, CatalogView>>
  readonly functions: Readonly<Record<string, CatalogFunction>>
}

/**
 * What is in the given schemas, as plain data that is the same whichever migrations led there: commit it,
 * and every change to the database shows in review. Objects of extensions and monthly partitions are left
 * out.
 */
export async function dumpCatalog(
  driver: Driver,
  { schemas }: { readonly schemas: readonly string[] },
): Promise<Catalog> {
  return driver.transaction({ isolation: 'repeatable read', readOnly: true }, async (connection) => {
    // Names are written with their schema unless the search path finds them.
    await connection.script('set local search_path = pg_catalog')
    const read = (text: string): Promise<readonly (readonly unknown[])[]> => rowsOf(connection, text, schemas)
    const columns = textsByOwner(await read(queries.COLUMNS))
    const constraints = textsByOwner(await read(queries.CONSTRAINTS))
    const indexes = textsByOwner(await read(queries.INDEXES))
    const triggers = textsByOwner(await read(queries.TRIGGERS))
    const policies = textsByOwner(await read(queries.POLICIES))
    const grants = rightsByOwner(await read(queries.GRANTS))
    const tables = (await read(queries.TABLES)).map(([label, owner, rowSecurity, key, bound]) => {
      const table = String(label)
      return [
        table,
        {
          owner: String(owner),
          rowSecurity: rowSecurity as CatalogTable['rowSecurity'],
          partitionKey: key as string | null,
          partitionBound: bound as string | null,
          columns: columns.get(table) ?? {},
          constraints: constraints.get(table) ?? {},
          indexes: indexes.get(table) ?? {},
          triggers: triggers.get(table) ?? {},
          policies: policies.get(table) ?? {},
          grants: grants.get(table) ?? {},
        },
      ] as const
    })
    const views = (await read(queries.VIEWS)).map(([label, kind, owner, options, definition]) => {
      const view = String(label)
      return [
        view,
        {
          kind: kind as CatalogView['kind'],
          owner: String(owner),
          options: options as readonly string[],
          definition: String(definition),
          indexes: indexes.get(view) ?? {},
          triggers: triggers.get(view) ?? {},
          grants: grants.get(view) ?? {},
        },
      ] as const
    })
    const functions = (await read(queries.FUNCTIONS)).map(functionEntry)
    const enums = (await read(queries.ENUMS)).map(
      ([name, labels]) => [String(name), labels as string[]] as const,
    )
    const usages = rightsByOwner(await read(queries.SCHEMAS))
    return {
      schemas: sorted(schemas.map((schema) => [schema, usages.get(schema) ?? {}] as const)),
      enums: sorted(enums),
      tables: sorted(tables),
      views: sorted(views),
      functions: sorted(functions),
    }
  })
}

function functionEntry(row: readonly unknown[]): readonly [string, CatalogFunction] {
  const [signature, owner, returns, language, volatility, security, attributes, config, bodyHash, callers] =
    row
  return [
    String(signature),
    {
      owner: String(owner),
      returns: returns as string | null,
      language: String(language),
      volatility: volatility as CatalogFunction['volatility'],
      security: security as CatalogFunction['security'],
      attributes: String(attributes),
      config: config as readonly string[],
      bodyHash: String(bodyHash),
      executableBy: callers as readonly string[],
    },
  ]
}

async function rowsOf(
  connection: Connection,
  text: string,
  schemas: readonly string[],
): Promise<readonly (readonly unknown[])[]> {
  return (await connection.query({ text, params: [schemas] })).rows
}

function grouped(rows: readonly (readonly unknown[])[]): ReadonlyMap<string, (readonly [string, string])[]> {
  const groups = new Map<string, (readonly [string, string])[]>()
  for (const [owner, name, value] of rows) {
    const group = groups.get(String(owner)) ?? []
    group.push([String(name), String(value)])
    groups.set(String(owner), group)
  }
  return groups
}

function textsByOwner(rows: readonly (readonly unknown[])[]): ReadonlyMap<string, Texts> {
  return new Map([...grouped(rows)].map(([owner, entries]) => [owner, sorted(entries)]))
}

function rightsByOwner(rows: readonly (readonly unknown[])[]): ReadonlyMap<string, Rights> {
  return new Map(
    [...grouped(rows)].map(([owner, entries]) => {
      const grantees = [...new Set(entries.map(([grantee]) => grantee))]
      const rightsOf = (grantee: string): string[] =>
        entries.flatMap(([name, right]) => (name === grantee ? [right] : [])).toSorted()
      return [owner, sorted(grantees.map((grantee) => [grantee, rightsOf(grantee)] as const))]
    }),
  )
}

/** By code points: the same on every machine, whatever its locale. */
function sorted<T>(entries: readonly (readonly [string, T])[]): Readonly<Record<string, T>> {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
