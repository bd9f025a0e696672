/**
 * The zod schema of a column's values, from its Drizzle declaration: what the server would refuse by type,
 * length or range is refused before a statement runs, with an error that can name the field.
 */
import { is } from 'drizzle-orm'
import { PgArray, type PgColumn } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { baseColumn } from './column-type.ts'

/** Values of the column that aren't null. */
export function valueSchema(column: PgColumn): z.ZodType {
  if (is(column, PgArray)) return z.array(valueSchema(baseColumn(column)))
  if (column.enumValues !== undefined && column.enumValues.length > 0) return z.enum(column.enumValues)
  return (BY_COLUMN_TYPE[column.columnType] ?? byDataType)(column)
}

type SchemaOf = (column: PgColumn) => z.ZodType

const integers = (min: number, max: number): SchemaOf => {
  const schema = z.int().min(min).max(max)
  return () => schema
}
const int2 = integers(-32_768, 32_767)
const int4 = integers(-2_147_483_648, 2_147_483_647)
const safeInteger = integers(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
const int8: SchemaOf = () =>
  z
    .bigint()
    .min(-(2n ** 63n))
    .max(2n ** 63n - 1n)
const matching =
  (pattern: RegExp, expected: string): SchemaOf =>
  () =>
    z.string().regex(pattern, `Expected ${expected}`)

/** PostgreSQL can't store NUL, and half a surrogate pair would silently become another character. */
const plainText = z
  .string()
  .refine((text) => !/\0|\p{Surrogate}/u.test(text), 'Holds a character that text cannot store')

const text: SchemaOf = (column) => {
  const max = setting(column, 'length')
  if (max === undefined) return plainText
  // PostgreSQL counts characters, JavaScript UTF-16 units.
  return plainText.refine(
    (value) => value.length <= max || [...value].length <= max,
    `Longer than ${max} characters`,
  )
}

const date: SchemaOf = () =>
  z
    .date()
    .refine(
      (value) => value.getUTCFullYear() >= 1 && value.getUTCFullYear() <= 9999,
      'Expected a year from 1 to 9999',
    )

const dateText = (pattern: RegExp, expected: string): SchemaOf => {
  const schema = z
    .string()
    .refine((value) => pattern.test(value) && isCalendarDay(value), `Expected ${expected}`)
  return () => schema
}

function isCalendarDay(value: string): boolean {
  const [year, month, day] = value.slice(0, 10).split('-').map(Number)
  if (year === undefined || month === undefined || day === undefined) return true
  const parsed = new Date(Date.UTC(2000, month - 1, day))
  parsed.setUTCFullYear(year, month - 1, day)
  return parsed.getUTCMonth() === month - 1 && parsed.getUTCDate() === day
}

const TIME = String.raw`([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?`
const ZONE = String.raw`( ?(Z|[+-]\d{2}(:?\d{2})?))`

const vector =
  (largest: number): SchemaOf =>
  (column) => {
    const dimensions = setting(column, 'dimensions')
    const elements = z.array(z.number().min(-largest).max(largest))
    return dimensions === undefined
      ? elements.min(1)
      : elements.refine(
          (value) => value.length === dimensions,
          `Expected a vector of ${dimensions} dimensions`,
        )
  }

const bits: SchemaOf = (column) => {
  const dimensions = setting(column, 'dimensions')
  return z
    .string()
    .refine(
      (value) => /^[01]+$/.test(value) && (dimensions === undefined || value.length === dimensions),
      `Expected ${dimensions ?? 'some'} characters 0 or 1`,
    )
}

const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,4})?$/i

/** Fits `numeric(precision, scale)`, up to what rounding to the scale may add. */
function fitsPrecision(column: PgColumn, value: string | number | bigint): boolean {
  const precision = setting(column, 'precision')
  if (precision === undefined) return true
  return Math.abs(Number(value)) < 10 ** (precision - (setting(column, 'scale') ?? 0))
}

const numericText: SchemaOf = (column) =>
  z.string().refine((value) => {
    if (value === 'NaN') return true
    return DECIMAL.test(value) && fitsPrecision(column, value)
  }, `Expected a decimal number that fits ${column.getSQLType()}`)

const numericNumber: SchemaOf = (column) =>
  z
    .number()
    .refine((value) => fitsPrecision(column, value), `Expected a number that fits ${column.getSQLType()}`)

const numericBigInt: SchemaOf = (column) =>
  z
    .bigint()
    .refine((value) => fitsPrecision(column, value), `Expected an integer that fits ${column.getSQLType()}`)

const FLOAT4_MAX = 3.4028234663852886e38
const HALF_MAX = 65_504

/** Nesting beyond this is a cycle or an attack, and would exhaust the stack of one side or the other. */
const JSON_DEPTH_MAX = 500

function isJsonValue(value: unknown, depth = 0): boolean {
  if (depth > JSON_DEPTH_MAX) return false
  switch (typeof value) {
    case 'string':
      return !/\0|\p{Surrogate}/u.test(value)
    case 'number':
      return Number.isFinite(value)
    case 'boolean':
      return true
    case 'object': {
      if (value === null) return true
      if (Array.isArray(value)) return value.every((element) => isJsonValue(element, depth + 1))
      const prototype: unknown = Object.getPrototypeOf(value)
      if (prototype !== Object.prototype && prototype !== null) return false
      return Object.entries(value).every(
        ([name, member]) => isJsonValue(name) && isJsonValue(member, depth + 1),
      )
    }
    default:
      return false
  }
}

const json: SchemaOf = () =>
  z
    .unknown()
    .refine(
      (value) => isJsonValue(value),
      'Expected a JSON value: text, finite numbers, booleans, null, lists and plain objects',
    )

/** A custom type checks its own values; what no type can store is refused here. */
const custom: SchemaOf = () =>
  z.unknown().refine((value) => {
    if (typeof value === 'string') return !value.includes('\0')
    return value !== undefined && typeof value !== 'function' && typeof value !== 'symbol'
  }, 'Expected a value that the column can store')

const pair = z.tuple([z.number(), z.number()])
const triple = z.tuple([z.number(), z.number(), z.number()])

/** By Drizzle's name of the column's class. */
const BY_COLUMN_TYPE: Readonly<Record<string, SchemaOf>> = {
  PgText: text,
  PgVarchar: text,
  PgChar: text,
  PgUUID: () => z.guid('Expected a UUID'),
  PgInteger: int4,
  PgSerial: int4,
  PgSmallInt: int2,
  PgSmallSerial: int2,
  PgBigInt53: safeInteger,
  PgBigSerial53: safeInteger,
  PgBigInt64: int8,
  PgBigSerial64: int8,
  PgReal: () => z.number().min(-FLOAT4_MAX).max(FLOAT4_MAX),
  PgDoublePrecision: () => z.number(),
  PgNumeric: numericText,
  PgNumericNumber: numericNumber,
  PgNumericBigInt: numericBigInt,
  PgBoolean: () => z.boolean(),
  PgTimestamp: date,
  PgDate: date,
  PgTimestampString: dateText(
    new RegExp(String.raw`^(\d{4}-\d{2}-\d{2}([ T]${TIME}${ZONE}?)?|-?infinity)$`),
    'a timestamp such as 2026-02-09T10:30:00Z',
  ),
  PgDateString: dateText(/^(\d{4}-\d{2}-\d{2}|-?infinity)$/, 'a date such as 2026-02-09'),
  PgTime: matching(new RegExp(`^${TIME}${ZONE}?$`), 'a time such as 10:30:00'),
  PgJson: json,
  PgJsonb: json,
  PgVector: vector(FLOAT4_MAX),
  PgHalfVector: vector(HALF_MAX),
  PgBinaryVector: bits,
  PgCustomColumn: custom,
  PgPointTuple: () => pair,
  PgPointObject: () => z.strictObject({ x: z.number(), y: z.number() }),
  PgLine: () => triple,
  PgLineABC: () => z.strictObject({ a: z.number(), b: z.number(), c: z.number() }),
  PgGeometry: () => pair,
  PgGeometryObject: () => z.strictObject({ x: z.number(), y: z.number() }),
}

/** For a type that Drizzle adds later: what its values are in JavaScript is all that is known. */
function byDataType(column: PgColumn): z.ZodType {
  switch (column.dataType) {
    case 'string':
      return plainText
    case 'number':
      return z.number()
    case 'boolean':
      return z.boolean()
    case 'bigint':
      return z.bigint()
    case 'date':
      return z.date()
    default:
      return custom(column)
  }
}

/** A number from the column's declaration, such as its length. */
function setting(
  column: PgColumn,
  name: 'length' | 'dimensions' | 'precision' | 'scale',
): number | undefined {
  const value: unknown = Reflect.get(column, name)
  return typeof value === 'number' ? value : undefined
}
