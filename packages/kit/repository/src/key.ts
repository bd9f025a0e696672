/** The key that a caller gives to mean one row. */
import { encode, type WireValue } from './column-codec.ts'
import type { Field } from './field.ts'
import { invalid, refusedByZod } from './invalid.ts'
import type { TablePlan } from './table-plan.ts'

/** The value of a single-column key, or an object with exactly the columns of a longer one. */
export function keyValues({ label, key }: TablePlan, id: unknown): WireValue[] {
  const [only] = key
  if (only !== undefined && key.length === 1) return [keyValue(label, only, id)]
  if (typeof id !== 'object' || id === null)
    throw invalid(label, ['id'], `Expected an object with ${names(key)}`)
  const given = new Map<string, unknown>(Object.entries(id))
  const extra = [...given.keys()].find((name) => !key.some(({ property }) => property === name))
  if (extra !== undefined) throw invalid(label, [extra], `Not part of the key ${names(key)}`)
  return key.map((field) => keyValue(label, field, given.get(field.property)))
}

function keyValue(label: string, field: Field, value: unknown): WireValue {
  const checked = field.schema.safeParse(value)
  if (!checked.success) throw refusedByZod(label, checked.error, [field.property])
  return encode(field.column, checked.data)
}

function names(key: readonly Field[]): string {
  return key.map(({ property }) => property).join(', ')
}
