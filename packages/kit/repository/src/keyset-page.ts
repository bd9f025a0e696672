/** One page of a sorted list, and where the next one starts. */
import {
  CursorError,
  type CursorValues,
  decodeCursor,
  encodeCursor,
  encodeParam,
  type Executor,
  ValidationError,
} from '@tenantry/core'
import { decodeRow, type DecodedRow, wholeRows } from './answers.ts'
import { type Engine, runCall, tenantOf } from './engine.ts'
import type { Field } from './field.ts'
import { type Condition, describeCondition, renderCondition } from './filter.ts'
import { slotAt, slots, type SlotValue } from './slots.ts'
import { describeSort, renderKeyset, type SortTerm } from './sort.ts'
import { type Scope, selectRows } from './statements.ts'

/** What is listed; the same for all pages. */
export interface Listing {
  readonly condition: Condition
  readonly terms: readonly SortTerm[]
  readonly rows: Scope['rows']
  readonly columns: readonly Field[]
}

export interface KeysetPage {
  readonly rows: DecodedRow[]
  /** Sort values of the last row, as the server wrote them; null when no row follows. */
  readonly end: CursorValues | null
}

export async function readPage(
  engine: Engine,
  executor: Executor,
  listing: Listing,
  limit: number,
  after: CursorValues | null,
): Promise<KeysetPage> {
  const { condition, terms, columns } = listing
  tenantOf(engine.plan, executor)
  if (condition.kind === 'constant' && !condition.holds) return { rows: [], end: null }

  const read = [...new Set([...columns, ...terms.map(({ field }) => field)])]
  const values: SlotValue[] = []
  const shape = [
    'page',
    listing.rows,
    describeCondition(condition, values),
    describeSort(terms),
    columns.length === engine.plan.fields.length ? '*' : columns.map(({ property }) => property).join(','),
    after?.map((value) => (value === null ? 'n' : 'v')).join('') ?? '',
  ].join('|')
  const conditionValues = values.length
  values.push(...(after ?? []), limit + 1)

  const answer = await runCall(engine, executor, {
    shape,
    values,
    build(gate) {
      const next = slots()
      const conditions = condition.kind === 'constant' ? [] : [renderCondition(condition, next)]
      const isNull = after?.map((value) => value === null)
      if (isNull !== undefined)
        conditions.push(renderKeyset(terms, isNull, (term) => slotAt(conditionValues + term)))
      const order = { terms, limit: slotAt(values.length - 1) }
      return selectRows(engine.plan, { gate, rows: listing.rows }, read, conditions, order)
    },
  })
  const answered = wholeRows(answer, engine.plan.label)
  const last = answered.length > limit ? answered[limit - 1] : undefined
  return {
    rows: answered.slice(0, limit).map((row) => decodeRow(columns, row)),
    end: last === undefined ? null : terms.map(({ field }) => encodeParam(last[read.indexOf(field)])),
  }
}

/** As `readPage`, with opaque cursors: one that was altered or made for another list throws CursorError. */
export async function readCursorPage(
  engine: Engine,
  executor: Executor,
  listing: Listing,
  limit: number,
  cursor: string | null,
): Promise<{ readonly rows: DecodedRow[]; readonly nextCursor: string | null }> {
  const query = identify(listing, engine.plan.label, tenantOf(engine.plan, executor))
  const after = cursor === null ? null : decodeCursor(cursor, query)
  if (after !== null && !fits(after, listing.terms))
    throw new CursorError('The cursor does not fit the sort order')
  try {
    const { rows, end } = await readPage(engine, executor, listing, limit, after)
    return { rows, nextCursor: end === null ? null : encodeCursor({ query, values: end }) }
  } catch (error) {
    // The server refused a value as not one of its type. Everything else in the statement was checked before.
    if (after !== null && error instanceof ValidationError) {
      throw new CursorError('The cursor holds a value of another type', { cause: error })
    }
    throw error
  }
}

/** Filter values included: the position in one filtered list says nothing about another. */
function identify({ condition, terms, rows }: Listing, label: string, tenant: string | null): string {
  const values: SlotValue[] = []
  const filter = describeCondition(condition, values)
  return JSON.stringify([label, tenant, rows, describeSort(terms), filter, values])
}

function fits(values: CursorValues, terms: readonly SortTerm[]): boolean {
  return (
    values.length === terms.length &&
    terms.every(({ field }, index) => field.nullable || values[index] !== null)
  )
}
