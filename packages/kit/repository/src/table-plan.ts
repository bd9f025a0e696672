/** What a definition declares, checked against its Drizzle table once, before anything is bound. */
import { ConfigurationError, tableConfig } from '@tenantry/core'
import { type Casing, getTableColumns, getTableName, is, SQL } from 'drizzle-orm'
import { type PgColumn, PgDialect, type PgTable } from 'drizzle-orm/pg-core'
import { type Field, fieldOf } from './field.ts'
import type { SortTerm } from './sort.ts'
import { parseSort } from './sort.ts'

export interface TableDeclaration {
  readonly tenant: string | null
  readonly of?: 'tenant' | 'user' | undefined
  readonly key?: readonly string[] | undefined
  readonly readOnly?: readonly string[] | undefined
  readonly softDelete?: string | undefined
  readonly defaultSort?: unknown
  readonly upsert?: { readonly on: readonly string[]; readonly set: readonly string[] } | undefined
  readonly casing?: Casing | undefined
}

export interface TablePlan {
  readonly table: PgTable
  /** The table's name, for errors. */
  readonly label: string
  readonly dialect: PgDialect
  readonly fields: readonly Field[]
  readonly byProperty: ReadonlyMap<string, Field>
  readonly tenant: Field | null
  /** Whom the tenant column names: the executor's tenant, or its user. */
  readonly of: 'tenant' | 'user'
  /** What tells rows of one tenant apart; never empty. */
  readonly key: readonly Field[]
  readonly softDelete: Field | null
  /** Fields that a new row may be given. */
  readonly creatable: readonly Field[]
  /** Fields that a change may be given. */
  readonly updatable: readonly Field[]
  readonly defaultSort: readonly SortTerm[]
  readonly upsert: UpsertPlan | null
}

export interface UpsertPlan {
  /** The unique key, the tenant column first. */
  readonly target: readonly Field[]
  readonly set: readonly Field[]
}

export function planTable(table: PgTable, declaration: TableDeclaration): TablePlan {
  const label = getTableName(table)
  const dialect = new PgDialect(declaration.casing === undefined ? {} : { casing: declaration.casing })
  const fields = Object.entries(getTableColumns(table)).map(([property, column]) =>
    fieldOf(property, column, dialect),
  )
  const byProperty = new Map(fields.map((field) => [field.property, field]))

  const named = (property: string, what: string): Field => {
    const field = byProperty.get(property)
    if (field === undefined) throw misdeclared(label, `${what} "${property}" isn't a column of the table`)
    return field
  }
  const tenant = declaration.tenant === null ? null : named(declaration.tenant, 'tenant')
  const softDelete = declaration.softDelete === undefined ? null : named(declaration.softDelete, 'softDelete')
  if (
    softDelete !== null &&
    !(softDelete.nullable && /^(timestamp|date)/.test(softDelete.column.getSQLType()))
  ) {
    throw misdeclared(label, `softDelete "${softDelete.property}" must be a nullable timestamp`)
  }
  const key = keyWithin(
    label,
    table,
    fields,
    tenant,
    declaration.key?.map((property) => named(property, 'key')),
  )

  const closed = new Set<Field | null>([tenant, softDelete])
  for (const property of declaration.readOnly ?? []) closed.add(named(property, 'readOnly'))
  for (const field of fields) {
    const conventional =
      key.includes(field) || field.property === 'createdAt' || field.property === 'updatedAt'
    if (isGenerated(field.column) || (conventional && field.column.hasDefault)) closed.add(field)
  }
  const creatable = fields.filter((field) => !closed.has(field))
  const basics = { label, byProperty, key }
  return {
    table,
    label,
    dialect,
    fields,
    byProperty,
    tenant,
    of: declaration.of ?? 'tenant',
    key,
    softDelete,
    creatable,
    updatable: creatable.filter((field) => !key.includes(field)),
    defaultSort: parseSort(basics, declaration.defaultSort ?? []),
    upsert: planUpsert(label, table, tenant, declaration.upsert, named, creatable),
  }
}

function keyWithin(
  label: string,
  table: PgTable,
  fields: readonly Field[],
  tenant: Field | null,
  declared: readonly Field[] | undefined,
): readonly Field[] {
  const primary = uniqueKeys(table)[0]?.primary === true ? uniqueKeys(table)[0] : undefined
  const key = declared ?? fields.filter(({ column }) => primary?.columns.includes(column))
  if (key.length === 0) {
    throw misdeclared(
      label,
      'the table has no primary key',
      'Name the columns that tell its rows apart as `key`',
    )
  }
  const nullable = key.find((field) => field.nullable && !primary?.columns.includes(field.column))
  if (nullable !== undefined) throw misdeclared(label, `key column "${nullable.property}" may be null`)
  if (declared !== undefined && !isUniqueWithin(table, declared, tenant)) {
    throw misdeclared(
      label,
      '`key` is not unique in the table',
      'Name the columns of its primary key or of a unique key',
    )
  }
  if (declared === undefined && key.length > 1 && !fields.some(({ column }) => column.primary)) {
    const within = key.filter((field) => field !== tenant)
    throw misdeclared(
      label,
      'TypeScript cannot see a primary key of several columns',
      `Add key: [${within.map(({ property }) => `'${property}'`).join(', ')}]`,
    )
  }
  const within = key.filter((field) => field !== tenant)
  return within.length > 0 ? within : key
}

function planUpsert(
  label: string,
  table: PgTable,
  tenant: Field | null,
  declared: TableDeclaration['upsert'],
  named: (property: string, what: string) => Field,
  creatable: readonly Field[],
): UpsertPlan | null {
  if (declared === undefined) return null
  const on = declared.on.map((property) => named(property, 'upsert.on'))
  const set = declared.set.map((property) => named(property, 'upsert.set'))
  const closed = [...on.filter((field) => field !== tenant), ...set].find(
    (field) => !creatable.includes(field),
  )
  if (closed !== undefined)
    throw misdeclared(label, `upsert names "${closed.property}", which no input may give`)
  const both = set.find((field) => on.includes(field))
  if (both !== undefined)
    throw misdeclared(label, `upsert sets "${both.property}", by which it finds the row`)
  const target = tenant === null || on.includes(tenant) ? on : [tenant, ...on]
  if (!uniqueKeys(table).some(({ columns }) => sameColumns(columns, target))) {
    throw misdeclared(
      label,
      `upsert needs a unique key on exactly (${target.map(({ property }) => property).join(', ')})`,
      'The key must hold the tenant column: one without it would let a tenant overwrite another tenant’s row',
    )
  }
  return { target, set }
}

interface UniqueKey {
  readonly columns: readonly unknown[]
  readonly primary: boolean
}

/** The table's unique keys that hold for every row, the primary key first. */
function uniqueKeys(table: PgTable): readonly UniqueKey[] {
  const { columns, primaryKeys, uniqueConstraints, indexes } = tableConfig(table)
  const own = new Map(columns.map((column) => [column.name, column]))
  const single = columns.filter((column) => column.primary)
  const keys: UniqueKey[] = []
  if (single.length > 0) keys.push({ columns: single, primary: true })
  for (const key of primaryKeys)
    keys.push({ columns: key.columns.map(({ name }) => own.get(name)), primary: true })
  for (const column of columns) if (column.isUnique) keys.push({ columns: [column], primary: false })
  for (const key of uniqueConstraints)
    keys.push({ columns: key.columns.map(({ name }) => own.get(name)), primary: false })
  for (const { config } of indexes) {
    if (!config.unique || config.where !== undefined) continue
    keys.push({
      columns: config.columns.map((column) =>
        is(column, SQL) ? undefined : own.get(String(Reflect.get(column, 'name'))),
      ),
      primary: false,
    })
  }
  return keys
}

function isUniqueWithin(table: PgTable, key: readonly Field[], tenant: Field | null): boolean {
  const held = new Set<unknown>([...key, ...(tenant === null ? [] : [tenant])].map(({ column }) => column))
  return uniqueKeys(table).some(({ columns }) => columns.every((column) => held.has(column)))
}

function sameColumns(columns: readonly unknown[], fields: readonly Field[]): boolean {
  return columns.length === fields.length && fields.every(({ column }) => columns.includes(column))
}

function isGenerated(column: PgColumn): boolean {
  return column.generated !== undefined || column.generatedIdentity?.type === 'always'
}

function misdeclared(label: string, problem: string, hint?: string): ConfigurationError {
  return new ConfigurationError(`The repository of ${label} is declared wrongly: ${problem}`, {
    table: label,
    hint,
  })
}
