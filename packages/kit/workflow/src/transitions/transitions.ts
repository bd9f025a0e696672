import {
  type CompiledQuery,
  ConfigurationError,
  type Executor,
  lazyModule,
  IdempotencyError,
  NotFoundError,
  StaleTransitionError,
  UniqueViolationError,
} from '@tenantry/core'
import { encodeColumn, refusedByZod, valueSchema } from '@tenantry/repository'
import type { SQL } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { defineStateMachine, type StateMachine } from '../state-machine.ts'
import { transitionObjects } from './objects.ts'
import type { TransitionsOptions } from './options.ts'
import { planTransitions, type TransitionsPlan } from './plan.ts'
import { moveStatement, priorStatement } from './statements.ts'

export interface MoveOptions {
  /** Move only if the row has this version. Default: whatever version it has. */
  readonly expectedVersion?: number | undefined
  /** Names the effect: the same key again moves nothing and answers what the first call did. */
  readonly idempotencyKey?: string | undefined
  /** Kept with the record. */
  readonly reason?: string | undefined
  /** Kept with the record. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

/** A step that was made. */
export interface Transition<State extends string> {
  readonly from: State
  readonly to: State
  /** The row's version after the step; null where it has none. */
  readonly version: number | null
  /** The step was made by an earlier call with the same key; this one changed nothing. */
  readonly replayed: boolean
}

export interface Transitions<State extends string> extends StateMachine<State> {
  /**
   * Makes one step of one row: compare and set, version and record in a single statement. Of several callers who
   * want a step from the same state, one gets it.
   *
   * @throws StaleTransitionError if no edge leads from the row's state to `to`, or its version is another.
   * @throws NotFoundError if the tenant has no such row.
   * @throws IdempotencyError if the key was used for a step to another state.
   * @throws CheckViolationError if a gate isn't open; its `constraint` is the gate's name.
   */
  move(executor: Executor, id: string, to: State, options?: MoveOptions): Promise<Transition<State>>
}

/**
 * A state machine (see `defineStateMachine`) whose steps are recorded by the database, in the same transaction and
 * whoever makes them, in an append-only table of the host's. A tenant needs SELECT and INSERT on that table; what
 * it inserts by itself is refused.
 *
 * @throws ConfigurationError if a column is missing, or the table of records has no unique key for idempotency.
 */
export function defineTransitions<T extends PgTable, const State extends string, R extends PgTable>(
  options: TransitionsOptions<T, State, R>,
): Transitions<State> {
  const plan = planTransitions(options)
  const machine = defineStateMachine(options)
  const compile = compiler(plan)
  const { label } = plan.target

  async function firstOutcome(
    executor: Executor,
    values: Readonly<Record<string, unknown>>,
    to: State,
  ): Promise<Transition<State> | undefined> {
    const { rows } = await executor.run(compile(executor.gate).prior, values)
    const [from, target, version] = rows[0] ?? []
    return from === undefined ? undefined : replayed<State>(label, to, from, target, version)
  }

  return {
    ...machine,
    module: lazyModule({
      name: `${machine.module.name} and its transitions`,
      objects: () => [
        ...machine.module.objects,
        ...transitionObjects(options.table, options.record.table, plan),
      ],
    }),
    async move(executor, id, to, move = {}) {
      const { idempotencyKey: key = null, expectedVersion: expected = null } = move
      const values = {
        id: rowId(plan, id),
        tenant: tenantOf(executor, label),
        to,
        from: machine.from(to),
        expected,
        key,
        note: JSON.stringify({ row: id, to, key, reason: move.reason, metadata: move.metadata }),
      }
      let rows: readonly (readonly unknown[])[] = []
      try {
        rows = (await executor.run(compile(executor.gate).move, values)).rows
      } catch (error) {
        // Another call with the same key was faster, and the row has come round to where this one began.
        const first =
          error instanceof UniqueViolationError && key !== null
            ? await firstOutcome(executor, values, to).catch(() => undefined)
            : undefined
        if (first === undefined) throw error
        return first
      }
      const [row] = rows
      if (row === undefined) throw new NotFoundError(`There is no such row in ${label}`, { table: label })
      const [from, , moved, version, priorFrom, priorTo, priorVersion] = row
      if (moved === true) return { from: from as State, to, version: asVersion(version), replayed: false }
      if (priorFrom !== null) return replayed(label, to, priorFrom, priorTo, priorVersion)
      // One with the same key may have been under way when this statement began.
      const first = key === null ? undefined : await firstOutcome(executor, values, to)
      if (first !== undefined) return first
      throw new StaleTransitionError(`The row of ${label} can't become "${to}" from the state it is in`, {
        table: label,
        hint: `That needs it to be ${machine.from(to).join(' or ')}${expected === null ? '' : ', and to have the version that was expected'}; read it again and decide anew`,
      })
    },
  }
}

interface Statements {
  readonly move: CompiledQuery
  readonly prior: CompiledQuery
}

/** Gates are shared by all principals of a system, so there is one pair of statements for each kind. */
function compiler(plan: TransitionsPlan): (gate: SQL | null) => Statements {
  const make = (gate: SQL | null): Statements => ({
    move: moveStatement(plan, gate),
    prior: priorStatement(plan, gate),
  })
  const gated = new WeakMap<SQL, Statements>()
  let plain: Statements | undefined
  return (gate) => {
    if (gate === null) return (plain ??= make(null))
    const known = gated.get(gate) ?? make(gate)
    gated.set(gate, known)
    return known
  }
}

function replayed<State extends string>(
  label: string,
  to: State,
  from: unknown,
  target: unknown,
  version: unknown,
): Transition<State> {
  if (target === to) return { from: from as State, to, version: asVersion(version), replayed: true }
  throw new IdempotencyError(`The idempotency key was used for another step of this row of ${label}`, {
    table: label,
    hint: 'Take a new key for each step that is wanted',
  })
}

const asVersion = (value: unknown): number | null => (value === null ? null : Number(value))

function rowId({ id, target }: TransitionsPlan, given: string): unknown {
  const checked = valueSchema(id).safeParse(given)
  if (!checked.success) throw refusedByZod(target.label, checked.error, ['id'])
  return encodeColumn(id, checked.data)
}

function tenantOf(executor: Executor, label: string): string {
  if (executor.tenant !== null) return executor.tenant
  throw new ConfigurationError(`${label} belongs to tenants, and the service role is not bound to one`, {
    table: label,
    hint: 'Bind it first: repos.tenant(id)',
  })
}
