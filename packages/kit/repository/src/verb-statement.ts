/** Statements that a host writes for its domain verbs, with tenant and gate put in by the repository. */
import { type CompiledQuery, ConfigurationError } from '@tenantry/core'
import { is, Param, Placeholder, type SQL, sql, type SQLWrapper } from 'drizzle-orm'
import { PgColumn } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import { decoderOf, encode } from './column-codec.ts'
import { valueSchema } from './column-schema.ts'
import { castType } from './column-type.ts'
import { invalid, refusedByZod } from './invalid.ts'
import { compile } from './shapes.ts'
import { TENANT_SLOT } from './slots.ts'
import { tenantPlaceholder } from './statements.ts'
import type { TablePlan } from './table-plan.ts'

/** What a statement returns, by name: columns, or SQL with its type (`sql<number>…`.mapWith(Number)). */
export type Returns = Readonly<Record<string, PgColumn | SQL>>

export type Returned<R extends Returns> = {
  [P in keyof R]: R[P] extends SQL<infer V>
    ? V
    : R[P] extends PgColumn
      ? R[P]['_']['notNull'] extends true
        ? R[P]['_']['data']
        : R[P]['_']['data'] | null
      : never
}

/** The parts that a verb's SQL is made of. */
export interface StatementParts {
  /**
   * The tenant as a parameter: constrain every tenant table in the statement by it. A statement on a tenant
   * table that doesn't use it is refused.
   */
  readonly tenant: SQLWrapper
  /**
   * The condition that carries the context: put it into the outermost WHERE, joined by AND. A statement that
   * leaves it out runs in a transaction of its own, which is slower and just as isolated.
   */
  readonly gate: SQLWrapper
  /**
   * A parameter by name. With a column, the value is checked and encoded as one of that column's, and cast to
   * its type; without one it goes as it is, and its type is what the server infers.
   */
  value(name: string, column?: PgColumn): SQL
}

export interface VerbStatement<R extends Returns> {
  readonly returns: R
  /** The statement, with `columns` where it selects or returns them. */
  readonly query: (columns: SQL) => SQL
}

interface Slot {
  readonly column: PgColumn | undefined
  readonly schema: z.ZodType | undefined
}

export interface CompiledVerb {
  readonly query: CompiledQuery
  readonly slots: ReadonlyMap<string, Slot>
  readonly decoders: readonly (readonly [string, (raw: unknown) => unknown])[]
}

/** Throws ConfigurationError when the statement doesn't name its tenant. */
export function compileVerb<R extends Returns>(
  plan: TablePlan,
  name: string,
  gate: SQL | null,
  build: (parts: StatementParts) => VerbStatement<R>,
): CompiledVerb {
  const slots = new Map<string, Slot>()
  let gated = false
  const { returns, query } = build({
    tenant: part(() => sql`${tenantPlaceholder()}${plan.tenant?.cast ?? sql.empty()}`),
    // Known only when it is compiled: a statement that forgot the gate must not be taken for a gated one.
    gate: part(() => {
      gated = gate !== null
      return gate ?? sql`true`
    }),
    value(slot, column) {
      if (slot.startsWith('repository_'))
        throw misbuilt(plan, name, `its parameter ${slot} has a reserved name`)
      slots.set(slot, { column, schema: column === undefined ? undefined : valueSchema(column) })
      const cast = column === undefined ? sql.empty() : sql.raw(`::${castType(column)}`)
      return sql`${sql.placeholder(slot)}${cast}`
    },
  })
  const columns = Object.entries(returns).map(
    ([property, source]) => sql`${source} as ${sql.identifier(property)}`,
  )
  const statement = query(sql.join(columns, sql`, `))
  const compiled = compile(plan.dialect, statement, { gated: false, recurs: true })
  if (plan.tenant !== null && !compiled.params.some(isTenant)) {
    throw misbuilt(
      plan,
      name,
      'it does not name its tenant',
      'Constrain every tenant table in it by `tenant`',
    )
  }
  return {
    query: { ...compiled, gated },
    slots,
    decoders: Object.entries(returns).map(([property, source]) => [property, decoder(source)]),
  }
}

/** The values of one call, checked and encoded. */
export function verbValues(
  plan: TablePlan,
  { slots }: CompiledVerb,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const encoded: Record<string, unknown> = {}
  for (const [name, { column, schema }] of slots) {
    const value = values[name]
    if (value === undefined) throw invalid(plan.label, [name], 'Must be given')
    if (column === undefined || schema === undefined || value === null) {
      encoded[name] = value
      continue
    }
    const checked = schema.safeParse(value)
    if (!checked.success) throw refusedByZod(plan.label, checked.error, [name])
    encoded[name] = encode(column, checked.data)
  }
  return encoded
}

export function verbRow({ decoders }: CompiledVerb, values: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {}
  for (const [index, [property, decodeValue]] of decoders.entries())
    row[property] = decodeValue(values[index])
  return row
}

function decoder(source: PgColumn | SQL): (raw: unknown) => unknown {
  if (is(source, PgColumn)) return decoderOf(source)
  // What `mapWith` was given; Drizzle keeps it out of its public types.
  const mapper: unknown = Reflect.get(source, 'decoder')
  if (!isMapper(mapper)) return (raw) => raw
  return (raw) => (raw === null ? null : mapper.mapFromDriverValue(raw))
}

function isMapper(value: unknown): value is { mapFromDriverValue(raw: unknown): unknown } {
  return typeof value === 'object' && value !== null && 'mapFromDriverValue' in value
}

function part(getSQL: () => SQL): SQLWrapper {
  return { getSQL, shouldOmitSQLParens: () => true }
}

function isTenant(param: unknown): boolean {
  const placeholder = is(param, Param) ? param.value : param
  return is(placeholder, Placeholder) && placeholder.name === TENANT_SLOT
}

function misbuilt(plan: TablePlan, name: string, problem: string, hint?: string): ConfigurationError {
  return new ConfigurationError(`The statement "${name}" of ${plan.label} can't be used: ${problem}`, {
    table: plan.label,
    hint,
  })
}
