/** Values that the holder of a row writes together with a step. */
import { ConfigurationError, encodeParam } from '@tenantry/core'
import { encodeColumn, refusedByZod, valueSchema } from '@tenantry/repository'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { ClaimKey } from './claims.ts'
import type { ClaimsPlan } from './plan.ts'

type Values = Readonly<Record<string, unknown>>

export interface Held {
  readonly claim: ClaimKey
  readonly set?: Values | undefined
}

interface SetColumn {
  readonly property: string
  readonly column: PgColumn
}

/** Names the columns that are set: rows of one shape go by one statement. */
export function shapeOf(set: Values | undefined): string {
  return JSON.stringify(
    Object.keys(set ?? {})
      .filter((property) => set?.[property] !== undefined)
      .sort(),
  )
}

export function columnsOf({ target, columns, closed }: ClaimsPlan, shape: string): readonly SetColumn[] {
  return (JSON.parse(shape) as string[]).map((property) => {
    const column = columns[property]
    if (column === undefined) throw new ConfigurationError(`${target.label} has no column ${property}`)
    if (closed.has(property) || column.generated !== undefined) {
      throw new ConfigurationError(`${target.label}.${column.name} can't be set by the holder of a claim`, {
        hint: 'Key, tenant, state and lease are written by the claim itself',
      })
    }
    return { property, column }
  })
}

/** One array of texts for each column. @throws ValidationError if a value doesn't fit its column. */
export function encodeSets(
  { target }: ClaimsPlan,
  columns: readonly SetColumn[],
  items: readonly Held[],
): Record<string, readonly (string | null)[]> {
  return Object.fromEntries(
    columns.map(({ property, column }, index) => [
      `set_${index}`,
      items.map(({ set }) => {
        const value = set?.[property]
        if (value === null || value === undefined) return null
        const checked = valueSchema(column).safeParse(value)
        if (!checked.success) throw refusedByZod(target.label, checked.error, [property])
        return encodeParam(encodeColumn(column, checked.data))
      }),
    ]),
  )
}
