/**
 * One definition's machinery, untyped: plan, checks and compiled shapes, shared by every bound repository.
 * The typed surface is in repository.ts.
 */
import { type Answer, ConfigurationError, type Executor } from '@tenantry/core'
import type { SQL } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { wholeRows } from './answers.ts'
import { InputReader, type InputRules } from './input.ts'
import { compile, Shapes } from './shapes.ts'
import { type SlotValue, slotValues } from './slots.ts'
import { planTable, type TableDeclaration, type TablePlan } from './table-plan.ts'
import {
  type CompiledVerb,
  compileVerb,
  type Returns,
  type StatementParts,
  type VerbStatement,
  verbRow,
  verbValues,
} from './verb-statement.ts'

export interface Engine {
  readonly plan: TablePlan
  readonly input: InputReader
  readonly shapes: Shapes<ReturnType<typeof compile>>
  readonly verbs: Shapes<CompiledVerb>
}

export function createEngine(table: PgTable, declaration: TableDeclaration, rules?: InputRules): Engine {
  const plan = planTable(table, declaration)
  return { plan, input: new InputReader(plan, rules), shapes: new Shapes(), verbs: new Shapes() }
}

/** A statement to run: what names its shape, its values, and how to build it when the shape is new. */
export interface Call {
  /** Null: the statement won't recur as it is, and isn't kept. */
  readonly shape: string | null
  readonly values: readonly SlotValue[]
  readonly build: (gate: SQL | null) => SQL
}

/** The tenant that the executor is bound to; null for a global table. Throws ConfigurationError when there is none. */
export function tenantOf({ tenant, of, label }: TablePlan, executor: Executor): string | null {
  if (tenant === null) return null
  if (of === 'user' && executor.role === 'tenant' && executor.user !== undefined) return executor.user
  if (executor.tenant !== null) return executor.tenant
  throw new ConfigurationError(`${label} belongs to tenants, and the service role is not bound to one`, {
    table: label,
    hint: 'Bind it first: repos.tenant(id)',
  })
}

export function runCall({ plan, shapes }: Engine, executor: Executor, call: Call): Promise<Answer> {
  const values = slotValues(call.values, tenantOf(plan, executor))
  const { gate } = executor
  const make = (recurs: boolean) => compile(plan.dialect, call.build(gate), { gated: gate !== null, recurs })
  return executor.run(call.shape === null ? make(false) : shapes.get(gate, call.shape, make), values)
}

export async function runVerb<R extends Returns>(
  { plan, verbs }: Engine,
  executor: Executor,
  name: string,
  build: (parts: StatementParts) => VerbStatement<R>,
  values: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>[]> {
  const tenant = tenantOf(plan, executor)
  const verb = verbs.get(executor.gate, name, () => compileVerb(plan, name, executor.gate, build))
  const answer = await executor.run(verb.query, {
    ...verbValues(plan, verb, values),
    ...slotValues([], tenant),
  })
  return wholeRows(answer, plan.label).map((row) => verbRow(verb, row))
}
