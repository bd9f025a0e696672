/** Parameters of a shape: numbered placeholders, filled in the order in which the shape was described. */
import { type Placeholder, sql } from 'drizzle-orm'
import type { WireValue } from './column-codec.ts'

/** One parameter; a list travels as an array. */
export type SlotValue = WireValue | readonly WireValue[]

/** The tenant's placeholder, present in every statement on a tenant table. */
export const TENANT_SLOT = 'repository_tenant'

const names: string[] = []
const slotName = (index: number): string => (names[index] ??= `repository_${index}`)

/** The placeholder of the value at this index. */
export function slotAt(index: number): Placeholder {
  return sql.placeholder(slotName(index))
}

/** Hands out the placeholders of one statement, in order. */
export function slots(): () => Placeholder {
  let index = 0
  return () => slotAt(index++)
}

/** The values of a call by placeholder. */
export function slotValues(values: readonly SlotValue[], tenant: string | null): Record<string, unknown> {
  const named: Record<string, unknown> = {}
  for (let index = 0; index < values.length; index++) named[slotName(index)] = values[index]
  if (tenant !== null) named[TENANT_SLOT] = tenant
  return named
}
