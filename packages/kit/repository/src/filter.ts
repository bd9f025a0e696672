/**
 * Filters, in three steps: parsed and checked into conditions, described (which shape is it, with which
 * values), and rendered into SQL when the shape is new. Describing and rendering walk in the same order,
 * so that the values meet their placeholders.
 */
import { type Placeholder, sql, type SQL } from 'drizzle-orm'
import { encode, type WireValue } from './column-codec.ts'
import type { Field } from './field.ts'
import { invalid, refusedByZod } from './invalid.ts'
import type { SlotValue } from './slots.ts'

type Compared = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte' | 'like'

export type Condition =
  | { readonly kind: 'constant'; readonly holds: boolean }
  | { readonly kind: 'null'; readonly field: Field; readonly holds: boolean }
  | {
      readonly kind: 'compare'
      readonly field: Field
      readonly operator: Compared
      readonly value: WireValue
    }
  | {
      readonly kind: 'in'
      readonly field: Field
      readonly holds: boolean
      readonly values: readonly WireValue[]
    }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }

export interface FilterFields {
  readonly label: string
  readonly byProperty: ReadonlyMap<string, Field>
}

/** A filter is often built from a request; these bounds keep one from becoming a denial of service. */
const DEPTH_MAX = 8
const CONDITIONS_MAX = 100
const LIST_MAX = 10_000

const ALWAYS: Condition = { kind: 'constant', holds: true }
const NEVER: Condition = { kind: 'constant', holds: false }

/** Throws ValidationError for an unknown field or operator, or a value that the column can't hold. */
export function parseFilter(table: FilterFields, where: unknown): Condition {
  return where === undefined ? ALWAYS : new Parser(table).object(where, ['where'], 0)
}

class Parser {
  readonly #table: FilterFields
  #conditions = 0

  constructor(table: FilterFields) {
    this.#table = table
  }

  object(where: unknown, path: readonly PropertyKey[], depth: number): Condition {
    if (!isPlainObject(where)) throw this.#invalid(path, 'Expected an object of conditions')
    if (depth > DEPTH_MAX) throw this.#invalid(path, `Nested more than ${DEPTH_MAX} deep`)
    const parts: Condition[] = []
    for (const name of Object.keys(where).sort()) {
      const value = where[name]
      if (value === undefined) continue
      const at = [...path, name]
      if (name === 'and' || name === 'or') parts.push(joined(name, this.#list(value, at, depth)))
      else if (name === 'not') parts.push(negated(this.object(value, at, depth + 1)))
      else parts.push(...this.#field(name, value, at))
    }
    return joined('and', parts)
  }

  #list(value: unknown, path: readonly PropertyKey[], depth: number): Condition[] {
    if (!Array.isArray(value)) throw this.#invalid(path, 'Expected a list of filters')
    return value.map((part: unknown, index) => this.object(part, [...path, index], depth + 1))
  }

  #field(name: string, value: unknown, path: readonly PropertyKey[]): Condition[] {
    const field = this.#table.byProperty.get(name)
    if (field === undefined) throw this.#invalid(path, 'No such field')
    if (!isPlainObject(value)) return [this.#operation(field, 'eq', value, path)]
    return Object.keys(value)
      .sort()
      .filter((operator) => value[operator] !== undefined)
      .map((operator) => this.#operation(field, operator, value[operator], [...path, operator]))
  }

  #operation(field: Field, operator: string, value: unknown, path: readonly PropertyKey[]): Condition {
    if (++this.#conditions > CONDITIONS_MAX)
      throw this.#invalid(path, `More than ${CONDITIONS_MAX} conditions`)
    if ((operator === 'eq' || operator === 'ne') && value === null) {
      return { kind: 'null', field, holds: operator === 'eq' }
    }
    if (!field.comparable) throw this.#invalid(path, 'Only null can be asked of this field')
    switch (operator) {
      case 'eq':
      case 'ne':
      case 'lt':
      case 'lte':
      case 'gt':
      case 'gte':
        return { kind: 'compare', field, operator, value: this.#value(field, value, path) }
      case 'in':
      case 'notIn':
        return this.#membership(field, operator === 'in', value, path)
      case 'contains':
      case 'startsWith':
      case 'endsWith':
        return {
          kind: 'compare',
          field,
          operator: 'like',
          value: this.#pattern(field, operator, value, path),
        }
      default:
        throw this.#invalid(path, 'No such operator')
    }
  }

  #membership(field: Field, holds: boolean, value: unknown, path: readonly PropertyKey[]): Condition {
    if (!Array.isArray(value)) throw this.#invalid(path, 'Expected a list')
    if (value.length > LIST_MAX) throw this.#invalid(path, `More than ${LIST_MAX} values`)
    if (value.length === 0) return holds ? NEVER : ALWAYS
    const values = value.map((element: unknown, index) => this.#value(field, element, [...path, index]))
    return { kind: 'in', field, holds, values }
  }

  #pattern(field: Field, operator: string, value: unknown, path: readonly PropertyKey[]): string {
    if (!field.textual) throw this.#invalid(path, 'Only a text field can be searched')
    if (typeof value !== 'string') throw this.#invalid(path, 'Expected a text')
    if (value.includes('\0')) throw this.#invalid(path, 'Holds a character that text cannot store')
    const literal = value.replace(/[\\%_]/g, '\\$&')
    return `${operator === 'startsWith' ? '' : '%'}${literal}${operator === 'endsWith' ? '' : '%'}`
  }

  #value(field: Field, value: unknown, path: readonly PropertyKey[]): WireValue {
    const checked = field.schema.safeParse(value)
    if (!checked.success) throw refusedByZod(this.#table.label, checked.error, path)
    return encode(field.column, checked.data)
  }

  #invalid(path: readonly PropertyKey[], message: string) {
    return invalid(this.#table.label, path, message)
  }
}

function joined(kind: 'and' | 'or', parts: readonly Condition[]): Condition {
  const decides = kind === 'or'
  if (parts.some((part) => part.kind === 'constant' && part.holds === decides))
    return decides ? ALWAYS : NEVER
  const open = parts.filter((part) => part.kind !== 'constant')
  const [only] = open
  if (only === undefined) return decides ? NEVER : ALWAYS
  return open.length === 1 ? only : { kind, parts: open }
}

function negated(part: Condition): Condition {
  return part.kind === 'constant' ? (part.holds ? NEVER : ALWAYS) : { kind: 'not', part }
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Names the shape of a condition, and appends its values in the order of their placeholders. */
export function describeCondition(condition: Condition, values: SlotValue[]): string {
  switch (condition.kind) {
    case 'constant':
      return String(condition.holds)
    case 'null':
      return `${condition.field.property} ${condition.holds ? 'is null' : 'is not null'}`
    case 'compare':
      values.push(condition.value)
      return `${condition.field.property} ${condition.operator}`
    case 'in':
      values.push(condition.values)
      return `${condition.field.property} ${condition.holds ? 'in' : 'not in'}`
    case 'not':
      return `not(${describeCondition(condition.part, values)})`
    default:
      return `${condition.kind}(${condition.parts.map((part) => describeCondition(part, values)).join(',')})`
  }
}

/** The condition in SQL, taking its placeholders from `next`. Never null: true or false for every row. */
export function renderCondition(condition: Condition, next: () => Placeholder): SQL {
  switch (condition.kind) {
    case 'constant':
      return condition.holds ? sql`true` : sql`false`
    case 'null':
      return condition.holds
        ? sql`${condition.field.column} is null`
        : sql`${condition.field.column} is not null`
    case 'compare':
      return compared(condition.field, condition.operator, next())
    case 'in':
      return membership(condition.field, condition.holds, next())
    case 'not':
      return sql`(${renderCondition(condition.part, next)}) is not true`
    default: {
      const parts = condition.parts.map((part) => renderCondition(part, next))
      return sql`(${sql.join(parts, condition.kind === 'and' ? sql` and ` : sql` or `)})`
    }
  }
}

function compared({ column, nullable, cast }: Field, operator: Compared, value: Placeholder): SQL {
  // A caller who asks for "not x" means everything else, nulls included.
  if (operator === 'ne' && nullable) return sql`${column} is distinct from ${value}${cast}`
  return sql`${column} ${OPERATORS[operator]} ${value}`
}

const OPERATORS: Readonly<Record<Compared, SQL>> = {
  eq: sql`=`,
  ne: sql`<>`,
  lt: sql`<`,
  lte: sql`<=`,
  gt: sql`>`,
  gte: sql`>=`,
  like: sql`like`,
}

function membership({ column, nullable, arrayCast }: Field, holds: boolean, values: Placeholder): SQL {
  if (holds) return sql`${column} = any(${values}${arrayCast})`
  const others = sql`${column} <> all(${values}${arrayCast})`
  return nullable ? sql`(${others} or ${column} is null)` : others
}
