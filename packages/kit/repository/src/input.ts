/** Inputs of create, update and upsert: refused with the field's name, or turned into parameters by column. */
import { is, SQL } from 'drizzle-orm'
import { z } from 'zod'
import { encode, type WireValue } from './column-codec.ts'
import type { Field } from './field.ts'
import { invalid, refusedByZod } from './invalid.ts'
import type { TablePlan } from './table-plan.ts'

/** What is written to one column: a parameter, or SQL from a default of the table's declaration. */
export type Written = WireValue | SQL

/** In the table's column order, so that the same fields always give the same shape. */
export type Assignments = ReadonlyMap<Field, Written>

/** A host's own rules, run on input that fits the columns; what they return is checked once more. */
export interface InputRules {
  readonly create?: z.ZodType | undefined
  readonly update?: z.ZodType | undefined
}

export class InputReader {
  readonly #plan: TablePlan
  readonly #rules: InputRules
  #create: InputSchema | undefined
  #update: InputSchema | undefined

  constructor(plan: TablePlan, rules: InputRules = {}) {
    this.#plan = plan
    this.#rules = rules
  }

  /** What a caller gives for a new row. */
  forCreate(input: unknown, at: readonly PropertyKey[] = []): Assignments {
    return this.#encoded(this.#plan.creatable, this.#checked(this.#creating(), this.#rules.create, input, at))
  }

  /** Adds the defaults that Drizzle's declaration makes in the host's process, in the table's column order. */
  filled(row: Assignments): Assignments {
    const all = new Map<Field, Written>()
    for (const field of this.#plan.fields) {
      const value = row.get(field)
      if (value !== undefined) all.set(field, value)
      else if (field !== this.#plan.tenant) addDefault(all, field, field.column.defaultFn ?? onCreate(field))
    }
    return all
  }

  /** A change's assignments. Throws ValidationError when there is nothing to change. */
  forUpdate(input: unknown): Assignments {
    const values = this.#checked(this.#updating(), this.#rules.update, input, [])
    const written = this.#encoded(this.#plan.updatable, values)
    if (written.size === 0) throw invalid(this.#plan.label, [], 'At least one field must be given')
    return this.touched(written)
  }

  /** Adds what Drizzle's `$onUpdate` declares for fields that aren't being written. */
  touched(written: ReadonlyMap<Field, Written>): Assignments {
    const all = new Map(written)
    for (const field of this.#plan.fields)
      if (!all.has(field)) addDefault(all, field, field.column.onUpdateFn)
    return all
  }

  // Made at the first write: most processes write to few of a system's tables, and importing it writes to none.
  #creating(): InputSchema {
    return (this.#create ??= inputSchema(this.#plan.creatable, creating))
  }

  #updating(): InputSchema {
    return (this.#update ??= inputSchema(this.#plan.updatable, changing))
  }

  #encoded(fields: readonly Field[], values: Readonly<Record<string, unknown>>): Map<Field, Written> {
    const written = new Map<Field, Written>()
    for (const field of fields) {
      const value = values[field.property]
      if (value !== undefined) written.set(field, encode(field.column, value))
    }
    return written
  }

  #checked(
    schema: InputSchema,
    rules: z.ZodType | undefined,
    input: unknown,
    at: readonly PropertyKey[],
  ): Record<string, unknown> {
    const values = this.#parsed(schema, given(input), at)
    return rules === undefined ? values : this.#parsed(schema, given(this.#parsed(rules, values, at)), at)
  }

  #parsed<T>(schema: z.ZodType<T>, input: unknown, at: readonly PropertyKey[]): T {
    const result = schema.safeParse(input)
    if (!result.success) throw refusedByZod(this.#plan.label, result.error, at)
    return result.data
  }
}

type InputSchema = z.ZodType<Record<string, unknown>>

function inputSchema(fields: readonly Field[], schemaOf: (field: Field) => z.ZodType): InputSchema {
  return z.strictObject(Object.fromEntries(fields.map((field) => [field.property, schemaOf(field)])))
}

/** A field that is undefined counts as not given. */
function given(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
  if (!Object.values(input).includes(undefined)) return input
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
}

function creating({ schema, column, nullable }: Field): z.ZodType {
  const value = nullable ? schema.nullable() : notNull(schema)
  return nullable || column.hasDefault ? value.optional() : value
}

function changing({ schema, nullable }: Field): z.ZodType {
  return (nullable ? schema.nullable() : notNull(schema)).optional()
}

/** The null of JavaScript is always the NULL of SQL, so a json column that may not be null refuses it too. */
function notNull(schema: z.ZodType): z.ZodType {
  return schema.refine((value) => value !== null, 'Must not be null')
}

/** Drizzle's rule: `$onUpdate` also fills a new row, unless the column has another default. */
function onCreate({ column }: Field): (() => unknown) | undefined {
  return column.default === undefined ? column.onUpdateFn : undefined
}

function addDefault(written: Map<Field, Written>, field: Field, make: (() => unknown) | undefined): void {
  if (make === undefined) return
  const value = make()
  written.set(field, is(value, SQL) ? value : encode(field.column, value))
}
