/**
 * PostgreSQL's text format in both directions. Every client is told to pass text through, so that one
 * module decides how a value travels: no client of a host is reconfigured, timestamps keep their
 * microseconds, and numeric and int8 their digits.
 */

/** Object identifiers of the types that are decoded; they are fixed in PostgreSQL's catalog. */
const BOOL = 16
const BYTEA = 17
const INT2 = 21
const INT4 = 23
const OID = 26
const JSON_TYPE = 114
const FLOAT4 = 700
const FLOAT8 = 701
const JSONB = 3802

/** The type identifier of a value whose type the server is to infer from where it stands. */
export const UNKNOWN_TYPE = 705

/** A value in PostgreSQL's text format, or null. */
export function encodeParam(value: unknown): string | null {
  if (value === null || value === undefined) return null
  switch (typeof value) {
    case 'string':
      return value
    case 'boolean':
      return value ? 't' : 'f'
    case 'number':
    case 'bigint':
      return String(value)
    default:
      if (value instanceof Date) return value.toISOString()
      if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
      if (Array.isArray(value)) return encodeArray(value)
      return JSON.stringify(value)
  }
}

/** An array literal: every element quoted, so that no content can end it early. */
export function encodeArray(values: readonly unknown[]): string {
  const elements = values.map((value) => {
    if (Array.isArray(value)) return encodeArray(value)
    const text = encodeParam(value)
    return text === null ? 'null' : `"${text.replace(/[\\"]/g, '\\$&')}"`
  })
  return `{${elements.join(',')}}`
}

/** What makes a value of a text of type `oid`; undefined where the text is the value. */
export function decoderOf(oid: number): ((text: string) => unknown) | undefined {
  switch (oid) {
    case BOOL:
      return (text) => text === 't'
    case INT2:
    case INT4:
    case OID:
    case FLOAT4:
    case FLOAT8:
      return Number
    case JSON_TYPE:
    case JSONB:
      return (text) => JSON.parse(text)
    case BYTEA:
      return (text) => Buffer.from(text.slice(2), 'hex')
    default:
      return undefined
  }
}

/** The JavaScript value of a text that the server sent for a column of type `oid`. */
export function decodeValue(text: string | null, oid: number): unknown {
  if (text === null) return null
  const decode = decoderOf(oid)
  return decode === undefined ? text : decode(text)
}
