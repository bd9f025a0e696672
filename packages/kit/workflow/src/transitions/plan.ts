/** Options resolved to columns, once, when transitions are declared. */
import { ConfigurationError } from '@tenantry/core'
import { quoteIdentifier, relation, type Relation } from '@tenantry/ddl'
import { getTableColumns } from 'drizzle-orm'
import { getTableConfig, type PgColumn, type PgTable } from 'drizzle-orm/pg-core'
import type { TransitionsOptions } from './options.ts'

export interface TransitionsPlan {
  readonly target: Relation
  readonly id: PgColumn
  readonly tenant: PgColumn
  readonly state: PgColumn
  readonly version: PgColumn | undefined
  readonly record: {
    readonly target: Relation
    readonly row: PgColumn
    readonly tenant: PgColumn
    readonly from: PgColumn
    readonly to: PgColumn
    readonly idempotencyKey: PgColumn
    readonly version: PgColumn | undefined
    readonly reason: PgColumn | undefined
    readonly metadata: PgColumn | undefined
    readonly actor: PgColumn | undefined
    readonly actorExpression: string | undefined
  }
}

export function planTransitions<T extends PgTable, State extends string, R extends PgTable>(
  options: TransitionsOptions<T, State, R>,
): TransitionsPlan {
  const { record } = options
  const column = columnsOf(options.table)
  const noted = columnsOf(record.table)
  const maybe = <P>(property: P | undefined, of: (property: P) => PgColumn): PgColumn | undefined =>
    property === undefined ? undefined : of(property)
  const plan: TransitionsPlan = {
    target: relation(options.table),
    id: column(options.id ?? 'id'),
    tenant: column(options.tenant),
    state: column(options.column),
    version: maybe(options.version, column),
    record: {
      target: relation(record.table),
      row: noted(record.columns.row),
      tenant: noted(record.columns.tenant),
      from: noted(record.columns.from),
      to: noted(record.columns.to),
      idempotencyKey: noted(record.columns.idempotencyKey),
      version: maybe(record.columns.version, noted),
      reason: maybe(record.columns.reason, noted),
      metadata: maybe(record.columns.metadata, noted),
      actor: maybe(record.columns.actor, noted),
      actorExpression: record.actor,
    },
  }
  check(plan, record.table)
  return plan
}

/** `"name"` */
export const named = (column: PgColumn): string => quoteIdentifier(column.name)

function columnsOf(table: PgTable): (property: string) => PgColumn {
  const columns: Record<string, PgColumn> = getTableColumns(table)
  return (property) => {
    const found = columns[property]
    if (found === undefined)
      throw new ConfigurationError(`${relation(table).label} has no column ${property}`)
    return found
  }
}

function check({ version, record }: TransitionsPlan, table: PgTable): void {
  const { label } = record.target
  if (record.version !== undefined && version === undefined) {
    throw new ConfigurationError(`${label} is to hold versions, and the machine has none`)
  }
  if ((record.actor === undefined) !== (record.actorExpression === undefined)) {
    throw new ConfigurationError(`${label}: who made a step needs a column and an expression, or neither`)
  }
  const wanted = [
    [record.row, record.idempotencyKey],
    [record.tenant, record.row, record.idempotencyKey],
  ].map(keyOf)
  if (!uniqueKeys(table).some((key) => wanted.includes(key))) {
    throw new ConfigurationError(`${label} would take the same idempotency key twice`, {
      hint: `Declare a unique key on ${record.row.name} and ${record.idempotencyKey.name}, with or without ${record.tenant.name}`,
    })
  }
}

const keyOf = (columns: readonly { readonly name: string }[]): string =>
  columns
    .map(({ name }) => name)
    .toSorted()
    .join(' ')

function uniqueKeys(table: PgTable): readonly string[] {
  const { uniqueConstraints, indexes } = getTableConfig(table)
  return [
    ...uniqueConstraints.map(({ columns }) => keyOf(columns)),
    ...indexes
      .filter(({ config }) => config.unique && config.where === undefined)
      .map(({ config }) =>
        keyOf(
          config.columns.flatMap((column) =>
            'name' in column && column.name !== undefined ? [{ name: column.name }] : [],
          ),
        ),
      ),
  ]
}
