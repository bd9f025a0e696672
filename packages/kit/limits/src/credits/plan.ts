/** Options resolved to names, once, when credits are declared. */
import { ConfigurationError, tableConfig } from '@tenantry/core'
import { quoteIdentifier, relation, type Relation } from '@tenantry/ddl'
import { getTableColumns } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { CallerTenant } from '../caller.ts'
import type { CreditKinds, CreditsOptions } from './options.ts'
import { balancesTable, entriesTable, lotsTable } from './tables.ts'

const BALANCE_COLUMNS = ['tenant', 'balance', 'version'] as const
const ENTRY_COLUMNS = [
  'tenant',
  'version',
  'kind',
  'amount',
  'balanceAfter',
  'source',
  'description',
  'idempotencyKey',
  'reverses',
  'expiresAt',
  'lots',
  'createdAt',
] as const

/** Says that an entry is one of the functions'; local to its transaction, and gone when the entry is written. */
export const POSTING_SETTING = 'tenantry.posting'

export type EntryColumn = (typeof ENTRY_COLUMNS)[number]

/** A table and its columns by what they mean. */
export interface Mapped<Column extends string> {
  readonly table: PgTable
  readonly target: Relation
  readonly columns: Readonly<Record<Column, PgColumn>>
  /** Quoted. */
  readonly sql: Readonly<Record<Column, string>>
}

export interface CreditsPlan {
  readonly name: string
  readonly tenant: CallerTenant
  readonly balances: Mapped<(typeof BALANCE_COLUMNS)[number]>
  readonly entries: Mapped<EntryColumn>
  readonly lots: { readonly table: PgTable; readonly target: Relation }
  readonly kinds: CreditKinds
  /** Whether the tables are the module's own. */
  readonly own: boolean
}

export function planCredits<B extends PgTable, E extends PgTable>(
  options: CreditsOptions<B, E>,
): CreditsPlan {
  const { name = 'credits', tenant, tables } = options
  if (!/^[a-z][a-z0-9_]{0,30}$/.test(name)) {
    throw new ConfigurationError(`"${name}" is no name for credits`, {
      hint: 'Use at most 31 lower-case letters, digits and _',
    })
  }
  const kinds = {
    earned: 'earned',
    spent: 'spent',
    reversed: 'reversed',
    expired: 'expired',
    ...options.kinds,
  }
  if (new Set(Object.values(kinds)).size !== 4) {
    throw new ConfigurationError('Two kinds of credit entries have the same name')
  }
  const lots = lotsTable(name, tenant.type)
  const plan: CreditsPlan = {
    name,
    tenant,
    kinds,
    own: tables === undefined,
    balances:
      tables === undefined
        ? mapped(balancesTable(name, tenant.type), BALANCE_COLUMNS, {})
        : mapped(tables.balances.table, BALANCE_COLUMNS, tables.balances.columns),
    entries:
      tables === undefined
        ? mapped(entriesTable(name, tenant.type), ENTRY_COLUMNS, {})
        : mapped(tables.entries.table, ENTRY_COLUMNS, tables.entries.columns),
    lots: { table: lots, target: relation(lots) },
  }
  check(plan)
  return plan
}

function mapped<Column extends string>(
  table: PgTable,
  wanted: readonly Column[],
  given: Readonly<Partial<Record<Column, string>>>,
): Mapped<Column> {
  const target = relation(table)
  const properties: Record<string, PgColumn> = getTableColumns(table)
  const columns = {} as Record<Column, PgColumn>
  const sql = {} as Record<Column, string>
  for (const column of wanted) {
    const property = given[column] ?? column
    const found = properties[property]
    if (found === undefined) throw new ConfigurationError(`${target.label} has no column ${property}`)
    columns[column] = found
    sql[column] = quoteIdentifier(found.name)
  }
  return { table, target, columns, sql }
}

const WHOLE = /^(integer|bigint)$/
const TEXT = /^(text|varchar)/

function check({ balances, entries, tenant }: CreditsPlan): void {
  const tenantType = tenant.type === 'uuid' ? /^uuid$/ : TEXT
  const expected: readonly (readonly [Mapped<string>, string, RegExp, boolean | null])[] = [
    [balances, 'tenant', tenantType, true],
    [balances, 'balance', WHOLE, true],
    [balances, 'version', WHOLE, true],
    [entries, 'tenant', tenantType, true],
    [entries, 'version', WHOLE, true],
    [entries, 'kind', TEXT, true],
    [entries, 'amount', WHOLE, true],
    [entries, 'balanceAfter', WHOLE, true],
    [entries, 'source', TEXT, true],
    [entries, 'description', TEXT, false],
    [entries, 'idempotencyKey', TEXT, false],
    [entries, 'reverses', WHOLE, false],
    [entries, 'expiresAt', /^timestamp( \(\d\))? with time zone$/, false],
    [entries, 'lots', /^jsonb$/, false],
    [entries, 'createdAt', /^timestamp( \(\d\))? with time zone$/, true],
  ]
  for (const [{ target, columns }, property, type, notNull] of expected) {
    const column = columns[property]
    if (
      column === undefined ||
      (type.test(column.getSQLType()) && (column.notNull || column.primary) === notNull)
    ) {
      continue
    }
    throw new ConfigurationError(
      `${target.label}.${column.name} is ${column.getSQLType()}${column.notNull ? ' NOT NULL' : ''}, which credits can't use`,
      { hint: `It must be ${notNull === true ? 'NOT NULL' : 'nullable'} and of a type like ${type.source}` },
    )
  }
  if (!balances.columns.tenant.primary) {
    throw new ConfigurationError(`${balances.target.label} is not keyed by its tenant`, {
      hint: 'Make the tenant column its primary key',
    })
  }
  const keys = uniqueKeys(entries.table)
  for (const property of ['version', 'idempotencyKey', 'reverses'] as const) {
    const wanted = [entries.columns.tenant.name, entries.columns[property].name].toSorted().join(' ')
    if (!keys.includes(wanted)) {
      throw new ConfigurationError(`${entries.target.label} could hold the same ${property} twice`, {
        hint: `Declare a unique key on its tenant and ${entries.columns[property].name}`,
      })
    }
  }
}

function uniqueKeys(table: PgTable): readonly string[] {
  const { uniqueConstraints, primaryKeys } = tableConfig(table)
  return [...uniqueConstraints, ...primaryKeys].map(({ columns }) =>
    columns
      .map(({ name }) => name)
      .toSorted()
      .join(' '),
  )
}
