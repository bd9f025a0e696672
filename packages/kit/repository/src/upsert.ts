/** Insert, or change the tenant's row that holds the same key. */
import { ConfigurationError } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import type { Call, Engine } from './engine.ts'
import { boundValues, shapeOf } from './insert-many.ts'
import { invalid } from './invalid.ts'
import { slots } from './slots.ts'
import { assignments, insertRow, onConflict, returning } from './statements.ts'

export function upsertCall({ plan, input: reader }: Engine, input: unknown): Call {
  const { upsert, label, softDelete } = plan
  if (upsert === null) {
    throw new ConfigurationError(`The repository of ${label} declares no upsert`, {
      table: label,
      hint: 'Declare upsert: { on: [the unique key], set: [what it may overwrite] }',
    })
  }
  const given = reader.forCreate(input)
  for (const field of upsert.target) {
    if (field !== plan.tenant && (given.get(field) ?? null) === null) {
      throw invalid(label, [field.property], 'Must be given: the row is found by it')
    }
  }
  const row = reader.filled(given)
  const changed = upsert.set.filter((field) => given.has(field))
  const touched = new Map([...reader.touched(new Map())].filter(([field]) => !changed.includes(field)))
  const shape = shapeOf('upsert', row)
  const touchedShape = shapeOf(changed.map(({ property }) => property).join(','), touched)
  return {
    shape: shape === null || touchedShape === null ? null : `${shape}|${touchedShape}`,
    values: [...boundValues(row), ...boundValues(touched)],
    build(gate) {
      const next = slots()
      const insert = insertRow(plan, gate, row, next)
      const changes = changed.map(({ name }) => sql`${name} = excluded.${name}`)
      if (softDelete !== null) changes.push(sql`${softDelete.name} = null`)
      changes.push(...assignments(touched, next))
      return returning(sql`${insert}${onConflict(plan, upsert, changes)}`, plan.fields)
    },
  }
}
