import { ConfigurationError, type Executor, NotFoundError, ValidationError } from '@tenantry/core'
import { quoteIdentifier, relation, type RelationReference } from '@tenantry/ddl'
import { castType, parseInput, serviceOnly } from '@tenantry/repository'
import { getTableColumns, is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { readGraph } from '../graph/read-graph.ts'
import type { GraphTable } from '../graph/table-graph.ts'
import { rowKeyOf } from './row-key.ts'
import { legalHolds } from './table.ts'

/** What is held: everything of a tenant, a whole table, or one row and what hangs on it. */
export type HoldSubject =
  | { readonly tenant: string; readonly table?: never; readonly row?: never }
  | { readonly tenant?: never; readonly table: RelationReference; readonly row?: never }
  | {
      readonly tenant?: never
      readonly table: RelationReference
      /** Columns that pick out exactly one row: by property of a Drizzle table, else by column name. */
      readonly row: Readonly<Record<string, unknown>>
    }

export type PlaceHold = HoldSubject & {
  /** Such as the number of the matter. It stays in the history. */
  readonly reason: string
  /** Who orders it. */
  readonly by: string
  /** When it ends by itself. Null or absent: when it is released. */
  readonly until?: Date | null
}

export interface Hold {
  readonly id: string
  /** By the database's clock. */
  readonly placedAt: Date
}

const said = z.object({
  reason: z.string().trim().min(1).max(2000),
  by: z.string().trim().min(1).max(200),
  until: z.date().nullish(),
  tenant: z.string().min(1).optional(),
})

/**
 * Places a legal hold. When the call has returned, no retention run deletes what the hold reaches: a batch that was
 * under way has ended (the call waited for it, normally under 50 ms), and every later one sees the hold.
 *
 * @throws IsolationError for a tenant's executor, ValidationError without reason or author, NotFoundError for a row
 *   that isn't there, ConfigurationError for columns that pick out several rows or aren't the table's.
 */
export async function placeHold(executor: Executor, hold: PlaceHold): Promise<Hold> {
  serviceOnly(executor, 'placeHold')
  const { reason, by, until = null, tenant } = parseInput(legalHolds, said, hold)
  if ((tenant === undefined) === (hold.table === undefined)) {
    throw new ValidationError('A hold names either a tenant or a table', [
      { path: 'tenant', message: 'Give tenant, or table with or without row' },
    ])
  }
  return executor.transaction(async (inner) => {
    const { rows } =
      hold.row === undefined || hold.table === undefined
        ? await run(inner, insertText('values ($4, $5, null, $1, $2, $3)'), [
            reason,
            by,
            until,
            tenant ?? null,
            hold.table === undefined ? null : (await tableOf(inner, hold.table)).label,
          ])
        : await insertRowHold(inner, hold.table, hold.row, [reason, by, until])
    const [id, placedAt] = rows[0] ?? []
    return { id: String(id), placedAt: new Date(String(placedAt)) }
  })
}

const insertText = (source: string): string => `
insert into tenantry.legal_holds as hold (tenant, table_name, row_key, reason, placed_by, until)
${source}
returning hold.id, pg_catalog.to_char(hold.placed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

async function insertRowHold(
  executor: Executor,
  reference: RelationReference,
  row: Readonly<Record<string, unknown>>,
  common: readonly unknown[],
) {
  const table = await tableOf(executor, reference)
  const key = rowKeyOf(table, 'held')
  const given = columnsOf(reference, table, row)
  const condition = given
    .map(({ name, type }, index) => `held.${quoteIdentifier(name)} = $${index + 4}::${type}`)
    .join(' and ')
  const params = [...common, ...given.map(({ value }) => value)]
  const answer = await run(
    executor,
    insertText(
      `select null, ${`'${table.label.replaceAll("'", "''")}'`}, ${key}, $1, $2, $3::timestamptz from ${table.sql} as held where ${condition}`,
    ),
    params,
  )
  if (answer.rows.length > 1) {
    throw new ConfigurationError(`The columns given pick out ${answer.rows.length} rows of ${table.label}`, {
      hint: 'Give the primary key, or hold each row by itself',
    })
  }
  // Looked for again, now that no batch can delete it any more.
  const { rows } = await run(
    executor,
    `select from ${table.sql} as held where ${key} = (select row_key from tenantry.legal_holds where id = $1::uuid)`,
    [answer.rows[0]?.[0] ?? null],
  )
  if (answer.rows.length === 0 || rows.length === 0) {
    throw new NotFoundError(`There is no such row in ${table.label}; nothing is held`)
  }
  return answer
}

async function tableOf(executor: Executor, reference: RelationReference): Promise<GraphTable> {
  const graph = await readGraph({
    query: ({ text, params }) => executor.run({ text, params, gated: false }),
  })
  return graph.table(reference)
}

function columnsOf(
  reference: RelationReference,
  table: GraphTable,
  row: Readonly<Record<string, unknown>>,
): readonly { readonly name: string; readonly type: string; readonly value: unknown }[] {
  const declared = is(reference, PgTable) ? getTableColumns(reference) : {}
  const entries = Object.entries(row)
  if (entries.length === 0) throw new ConfigurationError(`A hold on a row of ${table.label} names no column`)
  return entries.map(([property, value]) => {
    const column = declared[property]
    const name = column?.name ?? property
    const type = column === undefined ? table.columns.get(name)?.type : castType(column)
    if (type === undefined)
      throw new ConfigurationError(`${relation(reference).label} has no column ${property}`)
    return { name, type, value }
  })
}

const run = (executor: Executor, text: string, params: readonly unknown[]) =>
  executor.run({ text, params, gated: false, once: true })
