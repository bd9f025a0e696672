/** Rows for tests: what a table requires is filled in, parents included, so a test names only what it is about. */
import type { Connection, Database } from '@tenantry/core'
import { decodeColumn, encodeColumn } from '@tenantry/repository'
import { ROLES, type TableKey, type Tenancy } from '@tenantry/rls'
import { getTableColumns, sql } from 'drizzle-orm'
import { getTableConfig, PgDialect, type PgColumn, type PgTable } from 'drizzle-orm/pg-core'

type Values = Readonly<Record<string, unknown>>
type Insert<T> = T extends PgTable ? T['$inferInsert'] : never
type Select<T> = T extends PgTable ? T['$inferSelect'] : never

/** What a system's rows are like where their columns don't tell: a CHECK, a shape of json. */
export type RowDefaults<S> = { readonly [K in TableKey<S>]?: (n: number) => Partial<Insert<S[K]>> }

export interface RowFactory<S extends Record<string, unknown>> {
  /**
   * Inserts a row, as the service role, and returns it. Values are taken from `given`, else from the defaults,
   * else from the column's own default, else made up: texts are unique, enums take their first value, a parent
   * that isn't given is made for the same tenant. Columns that may be null stay null.
   */
  make<K extends TableKey<S>>(key: K, given?: Partial<Insert<S[K]>>): Promise<Select<S[K]>>
  /** One row in every tenant table, all of one tenant: a seed for `expectIsolated`. */
  makeEach(tenant: string): Promise<void>
}

export interface RowFactoryTarget<S extends Record<string, unknown>> {
  readonly database: Database
  readonly definition: { readonly schema: S; readonly tenancy: Tenancy }
}

const dialect = new PgDialect()
let made = 0

export function rowFactory<S extends Record<string, unknown>>(
  { database, definition }: RowFactoryTarget<S>,
  defaults: RowDefaults<S> = {},
): RowFactory<S> {
  const { tables } = definition.tenancy
  const service = <T>(run: (connection: Connection) => Promise<T>): Promise<T> =>
    database.driver.transaction(
      { preamble: [{ text: `select set_config('role', $1, true)`, params: [ROLES.service] }] },
      run,
    )
  const rulesOf = (table: PgTable): Values => {
    const key = tables.find((candidate) => candidate.table === table)?.key
    const rules = (defaults as Readonly<Record<string, ((n: number) => Values) | undefined>>)[key ?? '']
    return rules?.(++made) ?? {}
  }

  async function insert(connection: Connection, table: PgTable, given: Values): Promise<Values> {
    const values: Record<string, unknown> = { ...rulesOf(table), ...given }
    await addParents(connection, table, values)
    const columns: Record<string, PgColumn> = getTableColumns(table)
    for (const [property, column] of Object.entries(columns)) {
      if (values[property] !== undefined || !isRequired(column)) continue
      values[property] = madeUp(column, ++made)
    }
    const filled = Object.entries(columns).filter(([property]) => values[property] !== undefined)
    const { sql: text, params } = dialect.sqlToQuery(
      sql`insert into ${table} (${sql.join(
        filled.map(([, column]) => sql.identifier(column.name)),
        sql`, `,
      )}) values (${sql.join(
        filled.map(([property, column]) =>
          sql.param(values[property] === null ? null : encodeColumn(column, values[property])),
        ),
        sql`, `,
      )}) returning ${sql.join(
        Object.values(columns).map((column) => sql.identifier(column.name)),
        sql`, `,
      )}`,
    )
    const { rows } = await connection.query({ text, params })
    return Object.fromEntries(
      Object.entries(columns).map(([property, column], index) => [
        property,
        decodeColumn(column, rows[0]?.[index]),
      ]),
    )
  }

  /** Makes what required references point to, and completes a reference of which a part is given. */
  async function addParents(
    connection: Connection,
    table: PgTable,
    values: Record<string, unknown>,
  ): Promise<void> {
    // A tenant's own row (user_id → users) comes before what refers to it together with the tenant.
    const keys = getTableConfig(table).foreignKeys.map((key) => key.reference())
    for (const { columns, foreignColumns, foreignTable } of keys.toSorted(
      (a, b) => a.columns.length - b.columns.length,
    )) {
      const local = columns.map((column) => propertyOf(table, column))
      const foreign = foreignColumns.map((column) => propertyOf(foreignTable, column))
      const open = local.filter((property) => values[property] === undefined)
      if (foreignTable === table || !columns.every(isRequired)) continue
      const known = Object.fromEntries(
        foreign.flatMap((property, index) => {
          const value = values[local[index] ?? '']
          return value === undefined ? [] : [[property, value] as const]
        }),
      )
      if (open.length === 0 && (await exists(connection, foreignTable, known))) continue
      const parent = await insert(connection, foreignTable, known)
      for (const [index, property] of local.entries()) values[property] = parent[foreign[index] ?? '']
    }
  }

  return {
    make: (key, given = {}) =>
      service((connection) =>
        insert(connection, definition.schema[key] as PgTable, given as Values),
      ) as Promise<never>,
    makeEach: (tenant) =>
      service(async (connection) => {
        for (const { table, tenantColumn } of tables) {
          if (tenantColumn === null) continue
          const own = { [tenantColumn.property]: tenant }
          if (!(await exists(connection, table, own))) await insert(connection, table, own)
        }
      }),
  }
}

async function exists(connection: Connection, table: PgTable, key: Values): Promise<boolean> {
  const columns: Record<string, PgColumn> = getTableColumns(table)
  const conditions = Object.entries(key).map(([property, value]) => sql`${columns[property]} = ${value}`)
  const { sql: text, params } = dialect.sqlToQuery(
    sql`select exists (select from ${table} where ${sql.join(conditions, sql` and `)})`,
  )
  return (await connection.query({ text, params })).rows[0]?.[0] === true
}

function propertyOf(table: PgTable, column: PgColumn): string {
  const found = Object.entries(getTableColumns(table)).find(([, candidate]) => candidate.name === column.name)
  return found?.[0] ?? column.name
}

function isRequired(column: PgColumn): boolean {
  return (column.notNull || column.primary) && !column.hasDefault && column.generated === undefined
}

/** A value that the type of the column accepts, different each time where it can be. */
function madeUp(column: PgColumn, n: number): unknown {
  if (column.enumValues !== undefined && column.enumValues.length > 0) return column.enumValues[0]
  const type = column.getSQLType()
  if (type.endsWith(']')) return []
  if (type === 'uuid') return crypto.randomUUID()
  if (type === 'boolean') return false
  if (type === 'jsonb' || type === 'json') return {}
  if (type === 'bytea') return new Uint8Array([n % 256])
  if (type.startsWith('vector')) return Array.from({ length: Number(/\d+/.exec(type)?.[0] ?? 1) }, () => 1)
  if (type === 'date' || type.startsWith('timestamp')) {
    const now = new Date()
    if (column.dataType === 'date') return now
    return type === 'date' ? now.toISOString().slice(0, 10) : now.toISOString()
  }
  if (/^(smallint|integer|bigint|real|double|numeric|decimal)/.test(type)) {
    return column.dataType === 'bigint' ? 1n : column.dataType === 'string' ? '1' : 1
  }
  const length = Number(/\((\d+)\)/.exec(type)?.[1] ?? 255)
  return `${column.name}_${n}_${process.pid}`.slice(-length)
}
