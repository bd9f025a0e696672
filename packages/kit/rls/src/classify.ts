/** Works out what a table's class means for its columns, and refuses what would be unsafe. */
import { ConfigurationError, tableConfig } from '@tenantry/core'
import { getTableColumns } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import { uniqueKeys } from './references.ts'
import type { ClassifiedTable, TableClass, Tenancy, TenantTable } from './tenancy.ts'

/**
 * Works out one table's class.
 *
 * @throws ConfigurationError for what PostgreSQL would refuse, or what would be unsafe.
 */
export function classify(
  key: string,
  table: PgTable,
  declared: TableClass,
  { kind, globalKeys, readers: declaredReaders }: Pick<Tenancy, 'kind' | 'globalKeys' | 'readers'>,
): ClassifiedTable {
  const hasReaders = declaredReaders !== null
  const config = tableConfig(table)
  const base = {
    key,
    table,
    schema: config.schema ?? 'public',
    name: config.name,
    of: 'tenant' as const,
    tenantColumn: null,
    readers: false,
    appendOnly: declared.appendOnly === true,
    shared: null,
  }
  if (declared.class === 'internal' && declared.readers === true && !hasReaders) {
    throw new ConfigurationError(`${config.name} is for readers, but the tenancy declares none`, {
      hint: 'Say who they are in `readers`',
    })
  }
  if (declared.class === 'global') return { ...base, class: 'global', privileges: { select: true } }
  if (declared.class === 'internal') {
    const readers = declared.readers === true
    return { ...base, class: 'internal', readers, privileges: readers ? { select: true } : {} }
  }

  const columns: Record<string, PgColumn> = getTableColumns(table)
  const named = (property: string): PgColumn => {
    const column = columns[property]
    if (column === undefined) throw new ConfigurationError(`${config.name} has no column ${property}`)
    return column
  }
  const of = declared.of ?? 'tenant'
  if (of === 'user' && kind !== 'organization') {
    throw new ConfigurationError(
      `${config.name}: \`of: 'user'\` is for organization systems; here the tenant is the user`,
    )
  }
  const tenant = named(declared.column)
  const type = kind === 'user-text' ? 'text' : 'uuid'
  checkTenantColumn(config.name, tenant, type, declared.nullMeans === 'hidden')
  checkShared(config.name, declared, type)

  const keyColumns = new Set(
    [
      ...config.columns.filter((column) => column.primary),
      ...config.primaryKeys.flatMap((primaryKey) => primaryKey.columns),
    ].map((column) => column.name),
  )
  if (keyColumns.size === 0) {
    throw new ConfigurationError(`${config.name} has no primary key`, {
      hint: 'A row must be addressable to be protected',
    })
  }
  const managed = new Set(
    (declared.managed ?? ['createdAt', 'updatedAt'].filter((property) => property in columns)).map(
      (property) => named(property).name,
    ),
  )
  const fixed = (column: PgColumn): boolean =>
    column.generated !== undefined || column.generatedIdentity !== undefined || managed.has(column.name)
  const insertable = (column: PgColumn): boolean =>
    !fixed(column) && !(keyColumns.has(column.name) && column.hasDefault && declared.clientIds !== true)
  const updatable = (column: PgColumn): boolean =>
    !fixed(column) && !keyColumns.has(column.name) && column.name !== tenant.name

  if (declared.appendOnly === true && (isGiven(declared.update) || declared.delete === true)) {
    throw new ConfigurationError(`${config.name} is append-only: nobody may be given UPDATE or DELETE on it`)
  }
  const extent = (
    access: boolean | readonly string[] | undefined,
    allowed: (column: PgColumn) => boolean,
  ): readonly string[] | undefined => {
    if (access === false) return undefined
    const chosen =
      access === undefined || access === true ? config.columns.filter(allowed) : access.map(named)
    const refused = chosen.find((column) => !allowed(column))
    if (refused !== undefined) {
      throw new ConfigurationError(
        `${config.name}.${refused.name} can't be granted to a tenant for writing`,
        {
          hint: 'It is generated, managed, a key, or the tenant column of an update',
        },
      )
    }
    return chosen.map((column) => column.name)
  }
  const insert = extent(declared.insert, insertable)
  if (insert !== undefined && declared.clientIds !== true && !keyColumns.has(tenant.name)) {
    checkOwnKey(
      config.name,
      config.columns.filter((column) => keyColumns.has(column.name)),
    )
  }
  const update = declared.appendOnly === true ? undefined : extent(declared.update, updatable)
  checkGlobalKeys(table, globalKeys, [...(insert ?? []), ...(update ?? [])])
  return {
    ...base,
    class: 'tenant',
    of,
    readers: hasReaders && declared.readers !== false && declared.select !== false,
    shared: declared.shared ?? null,
    tenantColumn: { property: declared.column, name: tenant.name },
    privileges: {
      ...(declared.select === false ? {} : { select: true as const }),
      ...(insert === undefined ? {} : { insert }),
      ...(update === undefined || update.length === 0 ? {} : { update }),
      ...(declared.delete === false || declared.appendOnly === true ? {} : { delete: true as const }),
    },
  }
}

const isGiven = (access: boolean | readonly string[] | undefined): boolean =>
  access !== undefined && access !== false

function checkTenantColumn(
  table: string,
  column: PgColumn,
  wanted: 'uuid' | 'text',
  nullable: boolean,
): void {
  const type = column.getSQLType()
  const fits = wanted === 'uuid' ? type === 'uuid' : type === 'text' || type.startsWith('varchar')
  if (!fits) {
    throw new ConfigurationError(`${table}.${column.name} is ${type}, but the tenant is a ${wanted}`, {
      hint: 'The context is cast, never the column: a cast column has no index',
    })
  }
  if (!column.notNull && !column.primary && !nullable) {
    throw new ConfigurationError(`${table}.${column.name} may be null: such a row would belong to nobody`, {
      hint: "Make the tenant column NOT NULL, or say nullMeans: 'hidden'",
    })
  }
}

/** A key that nothing but its values tells apart, and that the database doesn't make, comes from a tenant. */
function checkOwnKey(table: string, key: readonly PgColumn[]): void {
  const madeInDatabase = (column: PgColumn): boolean =>
    (column.hasDefault && column.defaultFn === undefined) || column.generatedIdentity !== undefined
  if (key.some(madeInDatabase)) return
  throw new ConfigurationError(
    `The primary key of ${table} is unique over all tenants, and the database makes no value for it`,
    {
      hint: 'Give it a default in the database, or let it hold the tenant; or say clientIds: true if its values can not be guessed',
    },
  )
}

function checkShared(table: string, { shared, select }: TenantTable<PgTable>, type: 'uuid' | 'text'): void {
  if (shared === undefined) return
  if (select === false) throw new ConfigurationError(`${table} shares rows that no tenant may read`)
  if (shared === '' || (type === 'uuid' && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(shared))) {
    throw new ConfigurationError(`"${shared}" can't be the tenant of shared rows: the tenant is a ${type}`, {
      hint: 'Take an id that nobody has, in lower case',
    })
  }
}

function checkGlobalKeys(table: PgTable, globalKeys: readonly string[], writable: readonly string[]): void {
  for (const key of uniqueKeys(table)) {
    if (!globalKeys.includes(key.name)) continue
    const open = key.columns.find((column) => writable.includes(column))
    if (open !== undefined) {
      throw new ConfigurationError(
        `${tableConfig(table).name}.${open} is unique over all tenants and writable by a tenant`,
        {
          hint: 'Writing it would tell whether another tenant holds the value; leave it to the service role',
        },
      )
    }
  }
}
