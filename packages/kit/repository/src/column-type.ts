/** How a Drizzle column is spelled as the target of a cast. */
import { is } from 'drizzle-orm'
import { PgArray, type PgColumn, PgEnumColumn, PgEnumObjectColumn } from 'drizzle-orm/pg-core'

/**
 * The column's type without its modifiers. An explicit cast to `varchar(5)` or `bit(5)` cuts a longer value
 * silently; without the modifier the assignment to the column checks the length, and fails.
 */
export function castType(column: PgColumn): string {
  if (is(column, PgArray)) return `${castType(baseColumn(column))}[]`
  if (is(column, PgEnumColumn) || is(column, PgEnumObjectColumn)) {
    const { schema, enumName } = column.enum
    return [schema, enumName]
      .filter((part) => part !== undefined)
      .map(quoted)
      .join('.')
  }
  const bare = column
    .getSQLType()
    .replace(/\s*\([^)]*\)/g, '')
    .trim()
  return BARE_TYPES[bare.toLowerCase()] ?? bare
}

/** Types whose bare name means length one, or a column with a sequence rather than a type. */
const BARE_TYPES: Readonly<Record<string, string>> = {
  char: 'bpchar',
  character: 'bpchar',
  bit: 'varbit',
  serial: 'integer',
  smallserial: 'smallint',
  bigserial: 'bigint',
}

/** The element column of an array column. */
export function baseColumn(column: PgColumn): PgColumn {
  const base: unknown = Reflect.get(column, 'baseColumn')
  if (!isColumn(base)) throw new TypeError(`${column.name} has no element type`)
  return base
}

function isColumn(value: unknown): value is PgColumn {
  return typeof value === 'object' && value !== null && 'getSQLType' in value
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
