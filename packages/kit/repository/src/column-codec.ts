/**
 * Values between JavaScript and the wire, by column. Drizzle's mappers do the work; what they get wrong
 * for text-format values (null, json, arrays, dates out of range) is handled here.
 */
import { ConfigurationError, DatabaseError, encodeArray } from '@tenantry/core'
import { Column, getTableName, is, SQL } from 'drizzle-orm'
import { PgArray, type PgColumn } from 'drizzle-orm/pg-core'
import { parseArray } from './array-text.ts'
import { baseColumn } from './column-type.ts'
import { parseInstant } from './instant-text.ts'

/** What an executor is handed; `encodeParam` of @tenantry/core turns it into text. */
export type WireValue = string | number | boolean | null | Uint8Array

/** A value of the column's TypeScript type, checked before, as a parameter. */
export function encode(column: PgColumn, value: unknown): WireValue {
  // Drizzle's mappers don't expect null: a json column would store the json null.
  if (value === null || value === undefined) return null
  // By name: `is` walks up the classes, for every value of every row.
  if (column.columnType === 'PgArray') {
    const base = baseColumn(column)
    return encodeArray(Array.isArray(value) ? value.map((element) => nested(base, element)) : [])
  }
  const mapped = column.mapToDriverValue(value)
  switch (typeof mapped) {
    case 'string':
    case 'number':
    case 'boolean':
      return mapped
    case 'bigint':
      return String(mapped)
    default:
      if (mapped === null || mapped instanceof Uint8Array) return mapped
      if (mapped instanceof Date) return mapped.toISOString()
      if (is(mapped, SQL)) {
        throw new ConfigurationError(`${place(column)} encodes its values as SQL`, {
          ...at(column),
          hint: 'Write it through a domain verb; repositories bind values as parameters',
        })
      }
      return JSON.stringify(mapped)
  }
}

/** Inner arrays stay arrays: only the outermost becomes a literal. */
function nested(column: PgColumn, value: unknown): unknown {
  if (is(column, PgArray) && Array.isArray(value)) {
    const base = baseColumn(column)
    return value.map((element) => nested(base, element))
  }
  return encode(column, value)
}

/** A value as the driver answered it, in the column's TypeScript type. Throws DatabaseError if it has none. */
export function decode(column: PgColumn, raw: unknown): unknown {
  return decoderOf(column)(raw)
}

/** `decode` for one column: what kind of column it is, is found out once, and not for every value of every row. */
export function decoderOf(column: PgColumn): (raw: unknown) => unknown {
  const read = readerOf(column)
  if (read === null) return (raw) => raw
  return (raw) => {
    if (raw === null) return null
    try {
      return read(raw)
    } catch (cause) {
      throw undecodable(column, cause)
    }
  }
}

/** Null where the value is what the driver answered. */
function readerOf(column: PgColumn): ((raw: unknown) => unknown) | null {
  // The driver has parsed json; Drizzle's mapper would parse a json string once more.
  if (isJson(column)) return null
  if (!is(column, PgArray)) return isPlain(column) ? null : (raw) => fromText(column, raw)
  const base = baseColumn(column)
  return (raw) => {
    if (typeof raw !== 'string') throw new TypeError('not the text of an array')
    return decodeElements(base, parseArray(raw))
  }
}

/** Drizzle takes such a column's text as it comes. */
function isPlain(column: PgColumn): boolean {
  return column.dataType === 'string' && column.mapFromDriverValue === Column.prototype.mapFromDriverValue
}

function decodeElements(column: PgColumn, elements: readonly unknown[]): unknown[] {
  return elements.map((element) => {
    if (Array.isArray(element))
      return decodeElements(is(column, PgArray) ? baseColumn(column) : column, element)
    return decodeElementText(is(column, PgArray) ? innermost(column) : column, element)
  })
}

/** Elements travel as text inside the array's text, whatever their type. */
function decodeElementText(column: PgColumn, text: unknown): unknown {
  if (typeof text !== 'string') return null
  if (isJson(column)) return JSON.parse(text)
  if (column.dataType === 'boolean') return text === 't'
  return fromText(column, text)
}

function innermost(column: PgColumn): PgColumn {
  return is(column, PgArray) ? innermost(baseColumn(column)) : column
}

function fromText(column: PgColumn, raw: unknown): unknown {
  if (typeof raw === 'string' && column.dataType === 'date') return parseInstant(raw)
  const value = column.mapFromDriverValue(raw)
  if (INT8_AS_NUMBER.has(column.columnType) && !Number.isSafeInteger(value)) {
    throw new RangeError('more digits than a JavaScript number holds')
  }
  return value
}

const INT8_AS_NUMBER: ReadonlySet<string> = new Set(['PgBigInt53', 'PgBigSerial53'])

function undecodable(column: PgColumn, cause?: unknown): DatabaseError {
  return new DatabaseError(`A value of ${place(column)} doesn't fit its type in TypeScript`, {
    ...at(column),
    cause,
    hint: 'Declare the column in a mode that holds every value it may have, such as string or bigint',
  })
}

export function isJson(column: PgColumn): boolean {
  return column.columnType === 'PgJson' || column.columnType === 'PgJsonb'
}

function place(column: PgColumn): string {
  return `column ${getTableName(column.table)}.${column.name}`
}

function at(column: PgColumn): { readonly table: string; readonly column: string } {
  return { table: getTableName(column.table), column: column.name }
}
