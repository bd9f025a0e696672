/** Reading answers: a row that is missing, or one too many, never passes for a result. */
import { type Answer, DatabaseError, NotFoundError } from '@tenantry/core'
import type { Field } from './field.ts'

export type DecodedRow = Record<string, unknown>

/** Throws DatabaseError when the driver handed over another number of rows than the server counted. */
export function wholeRows(answer: Answer, table: string): Answer['rows'] {
  if (answer.rows.length !== answer.count) {
    throw new DatabaseError(
      `The server counted ${answer.count} rows of ${table} and ${answer.rows.length} arrived`,
      {
        table,
        hint: 'The connection was probably lost in between; whether a write took effect is unknown',
      },
    )
  }
  return answer.rows
}

/** The one row of an answer that must have exactly one. */
export function onlyRow(answer: Answer, table: string): readonly unknown[] {
  const rows = wholeRows(answer, table)
  const [row] = rows
  if (row === undefined || rows.length !== 1) {
    throw new DatabaseError(`The statement answered ${rows.length} rows of ${table} instead of one`, {
      table,
      hint: 'A trigger may have suppressed the row, or the statement ran without its context',
    })
  }
  return row
}

/** The one row that a key means. Throws NotFoundError, the same for a missing row and another tenant's. */
export function foundRow(answer: Answer, table: string): readonly unknown[] {
  if (wholeRows(answer, table).length === 0) {
    throw new NotFoundError(`No such row in ${table}`, { table })
  }
  return onlyRow(answer, table)
}

export function decodeRow(fields: readonly Field[], values: readonly unknown[]): DecodedRow {
  const row: DecodedRow = {}
  // The innermost loop of every read: an iterator would double its cost.
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index]
    if (field !== undefined) row[field.property] = field.decode(values[index])
  }
  return row
}
