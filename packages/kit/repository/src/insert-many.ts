/** Many new rows with few statements. */
import { DatabaseError, encodeParam, type Executor } from '@tenantry/core'
import { is, SQL } from 'drizzle-orm'
import { decodeRow, type DecodedRow, onlyRow, wholeRows } from './answers.ts'
import { type Call, type Engine, runCall } from './engine.ts'
import type { Assignments } from './input.ts'
import { slots, type SlotValue } from './slots.ts'
import { insertRow, insertRows, returning } from './statements.ts'

/**
 * Rows of one statement. Beyond some hundreds the round trip no longer shows, while the message grows:
 * a thousand rows with an embedding each are about 20 MB.
 */
const ROWS_MAX = 1000

interface Chunk {
  readonly indexes: readonly number[]
  readonly rows: readonly Assignments[]
}

/** All or nothing, answered in the order of the input. Rows with the same fields go together. */
export async function insertMany(
  engine: Engine,
  executor: Executor,
  rows: readonly Assignments[],
): Promise<DecodedRow[]> {
  const chunks = chunked(rows)
  const [only] = chunks
  if (only === undefined) return []
  const created: DecodedRow[] = []
  const insert = async (within: Executor, { indexes, rows: group }: Chunk) => {
    const decoded = await insertChunk(engine, within, group)
    for (const [position, row] of decoded.entries()) created[indexes[position] ?? -1] = row
  }
  if (chunks.length === 1) await insert(executor, only)
  else {
    await executor.transaction(async (within) => {
      // One after the other: pipelining inside a transaction is unsafe behind a pooler.
      for (const chunk of chunks) await insert(within, chunk)
    })
  }
  return created
}

async function insertChunk(
  engine: Engine,
  executor: Executor,
  rows: readonly Assignments[],
): Promise<DecodedRow[]> {
  const { plan } = engine
  const [first] = rows
  if (first === undefined) return []
  if (rows.length === 1)
    return [
      decodeRow(plan.fields, onlyRow(await runCall(engine, executor, insertCall(engine, first)), plan.label)),
    ]
  const bound = [...first].filter(([, value]) => !is(value, SQL)).map(([field]) => field)
  const values: SlotValue[] = bound.map((field) => rows.map((row) => encodeParam(row.get(field))))
  const answer = await runCall(engine, executor, {
    shape: shapeOf('insert many', first),
    values,
    build: (gate) => returning(insertRows(plan, gate, first, slots()), plan.fields),
  })
  const answered = wholeRows(answer, plan.label)
  if (answered.length !== rows.length) {
    throw new DatabaseError(`${answered.length} of ${rows.length} rows of ${plan.label} were inserted`, {
      table: plan.label,
      hint: 'A trigger may have suppressed rows, or the statement ran without its context',
    })
  }
  return answered.map((row) => decodeRow(plan.fields, row))
}

/** One row, in a shape of its own. */
export function insertCall({ plan }: Engine, row: Assignments): Call {
  return {
    shape: shapeOf('insert', row),
    values: boundValues(row),
    build: (gate) => returning(insertRow(plan, gate, row, slots()), plan.fields),
  }
}

/** Null when a default is SQL: its text may differ from call to call. */
export function shapeOf(kind: string, row: Assignments): string | null {
  const names: string[] = []
  for (const [field, value] of row) {
    if (is(value, SQL)) return null
    names.push(field.property)
  }
  return `${kind}|${names.join(',')}`
}

export function boundValues(row: Assignments): SlotValue[] {
  const values: SlotValue[] = []
  for (const value of row.values()) if (!is(value, SQL)) values.push(value)
  return values
}

function chunked(rows: readonly Assignments[]): Chunk[] {
  const groups = new Map<string, { indexes: number[]; rows: Assignments[] }>()
  const chunks: Chunk[] = []
  for (const [index, row] of rows.entries()) {
    // A row without any field can't be an array of values: it goes alone.
    const shape =
      boundValues(row).length === 0
        ? String(index)
        : [...row.keys()].map(({ property }) => property).join(',')
    const open = groups.get(shape)
    if (open !== undefined && open.rows.length < ROWS_MAX) {
      open.indexes.push(index)
      open.rows.push(row)
    } else {
      const chunk = { indexes: [index], rows: [row] }
      groups.set(shape, chunk)
      chunks.push(chunk)
    }
  }
  return chunks
}
