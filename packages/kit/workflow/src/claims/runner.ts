/** The statements of one table's claims, run as the service role. */
import {
  type Answer,
  type CompiledQuery,
  ConfigurationError,
  type Executor,
  IsolationError,
} from '@tenantry/core'
import { columnsOf, encodeSets, type Held, shapeOf } from './held.ts'
import type { ClaimsPlan } from './plan.ts'
import {
  backlogStatement,
  claimStatement,
  finishAndClaimStatement,
  FINISHED_COLUMNS,
  type HolderAction,
  holderStatement,
} from './statements.ts'

/** What the statement says about one row of the input. */
export interface HeldRow {
  readonly changed: boolean
  readonly state: unknown
  /** Of a row that wasn't changed: this token has finished it, or holds it still and somebody has locked it. */
  readonly standing: 'done' | 'held' | null
}

type ValuesOf<I> = (items: readonly I[]) => Record<string, unknown>

export interface Runner {
  /** Answers rows of the claim. */
  claim(executor: Executor, limit: number, seconds: number): Promise<Answer['rows']>
  /**
   * One statement, unless rows set different columns: then one for each set of columns. Answers in order. Waits for
   * rows that another session has locked, unless it is to skip them; with `lock`, before it computes what to write.
   */
  hold<I extends Held>(
    executor: Executor,
    action: HolderAction,
    items: readonly I[],
    values: ValuesOf<I>,
    options?: { readonly lock?: 'skip' | 'wait' },
  ): Promise<readonly HeldRow[]>
  /** `hold` to finish, the last of its statements a claim as well. */
  finishAndClaim<I extends Held>(
    executor: Executor,
    items: readonly I[],
    values: ValuesOf<I>,
    limit: number,
    seconds: number,
  ): Promise<{ readonly finished: readonly HeldRow[]; readonly claimed: Answer['rows'] }>
  backlog(executor: Executor): Promise<Answer>
}

/** Whoever changes a row each time that this waited for it has given it away, or wants to be waited for. */
const ASKED_AGAIN = 3

/** Claims of so many rows or fewer have texts of their own. */
const LIMITS_MAX = 100

/** Compiles each statement when it is first needed, and runs it as the service role. */
export function createRunner(plan: ClaimsPlan): Runner {
  const compiled = new Map<string, CompiledQuery>()
  const once = (key: string, compile: () => CompiledQuery): CompiledQuery => {
    const known = compiled.get(key)
    if (known !== undefined) return known
    const query = compile()
    compiled.set(key, query)
    return query
  }
  const scope = (
    executor: Executor,
  ): { readonly oneTenant: boolean; readonly values: Record<string, unknown> } => {
    expectService(executor, plan.target.label)
    return {
      oneTenant: executor.tenant !== null,
      values: executor.tenant === null ? {} : { tenant: executor.tenant },
    }
  }
  const choice = (executor: Executor, limit: number, seconds: number) => {
    const { oneTenant, values } = scope(executor)
    const rows = Math.trunc(limit)
    if (!(rows > 0)) throw new ConfigurationError('limit must be a whole number above 0')
    const said = rows <= LIMITS_MAX ? rows : null
    return {
      choice: { oneTenant, limit: said },
      key: `${oneTenant} ${said}`,
      values: {
        ...values,
        ...(said === null ? { limit: rows } : {}),
        seconds: positive('leaseSeconds', seconds),
      },
    }
  }

  /** Items whose rows set the same columns: what one statement can do. */
  function inGroups<I extends Held>(
    executor: Executor,
    items: readonly I[],
    values: ValuesOf<I>,
  ): readonly Group[] {
    const { values: bound } = scope(executor)
    if (items.some(({ claim }) => claim.tenant !== (bound['tenant'] ?? claim.tenant))) {
      throw new IsolationError(`A claim on ${plan.target.label} belongs to another tenant than the executor`)
    }
    const shapes = new Map<string, number[]>()
    for (const [index, { set }] of items.entries()) {
      const shape = shapeOf(set)
      const indexes = shapes.get(shape)
      if (indexes === undefined) shapes.set(shape, [index])
      else indexes.push(index)
    }
    return Array.from(shapes, ([shape, indexes]) => {
      const group = indexes.flatMap((index) => items[index] ?? [])
      const columns = columnsOf(plan, shape)
      return {
        indexes,
        key: `${group.length === 1} ${shape}`,
        holding: { set: columns.map(({ column }) => column), single: group.length === 1 },
        values: {
          ids: group.map(({ claim }) => claim.id),
          tenants: group.map(({ claim }) => claim.tenant),
          tokens: group.map(({ claim }) => claim.token),
          presented: group.map(({ claim }) => claim.token).join(','),
          ...values(group),
          ...encodeSets(plan, columns, group),
        },
      }
    })
  }

  async function holdGroups(
    executor: Executor,
    action: HolderAction,
    groups: readonly Group[],
    lock?: 'skip' | 'wait',
  ): Promise<HeldRow[]> {
    const outcomes: HeldRow[] = []
    for (const group of groups) {
      const query = once(`${action} ${lock} ${group.key}`, () =>
        holderStatement(plan, action, { ...group.holding, ...(lock === undefined ? {} : { lock }) }),
      )
      place(outcomes, group, (await executor.run(query, group.values)).rows)
    }
    return outcomes
  }

  return {
    async claim(executor, limit, seconds) {
      const { choice: chosen, key, values } = choice(executor, limit, seconds)
      const { rows } = await executor.run(
        once(`claim ${key}`, () => claimStatement(plan, chosen)),
        values,
      )
      return rows
    },
    async backlog(executor) {
      const { oneTenant, values } = scope(executor)
      return executor.run(
        once(`backlog ${oneTenant}`, () => backlogStatement(plan, { oneTenant })),
        values,
      )
    },
    async hold(executor, action, items, values, { lock } = {}) {
      const outcomes = await holdGroups(executor, action, inGroups(executor, items, values), lock)
      if (lock === 'skip') return outcomes
      // It has waited for somebody who changed the row, and its own snapshot shows the row from before that.
      for (let again = 0; again < ASKED_AGAIN; again++) {
        const unclear = outcomes.flatMap(({ standing }, index) => (standing === 'held' ? [index] : []))
        if (unclear.length === 0) break
        const asked = unclear.flatMap((index) => items[index] ?? [])
        const answers = await holdGroups(executor, action, inGroups(executor, asked, values), lock)
        for (const [position, index] of unclear.entries()) {
          const answer = answers[position]
          if (answer !== undefined) outcomes[index] = answer
        }
      }
      return outcomes
    },
    async finishAndClaim(executor, items, values, limit, seconds) {
      const taking = choice(executor, limit, seconds)
      const groups = inGroups(executor, items, values)
      const last = groups.at(-1)
      if (last === undefined) return { finished: [], claimed: await this.claim(executor, limit, seconds) }
      const finished = await holdGroups(executor, 'finish', groups.slice(0, -1), 'skip')
      const query = once(`finish ${last.key} claim ${taking.key}`, () =>
        finishAndClaimStatement(plan, last.holding, taking.choice),
      )
      const { rows } = await executor.run(query, { ...last.values, ...taking.values })
      place(finished, last, rows)
      return {
        finished,
        claimed: rows.map((row) => row.slice(FINISHED_COLUMNS)).filter(([taken]) => taken !== null),
      }
    },
  }
}

interface Group {
  /** Of its items among all. */
  readonly indexes: readonly number[]
  readonly key: string
  readonly holding: Parameters<typeof finishAndClaimStatement>[1]
  readonly values: Record<string, unknown>
}

function place(outcomes: HeldRow[], { indexes }: Group, rows: Answer['rows']): void {
  for (const [position, index] of indexes.entries()) {
    const [changed, state, standing] = rows[position] ?? []
    outcomes[index] = {
      changed: changed === true,
      state,
      standing: standing === 'done' || standing === 'held' ? standing : null,
    }
  }
}

function expectService(executor: Executor, table: string): void {
  if (executor.role === 'service') return
  throw new IsolationError(`Work of ${table} is claimed by the service role, not by a tenant`, {
    hint: 'Call it from a job: system(…) or asService()',
  })
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value
  throw new ConfigurationError(`${name} must be a number above 0`)
}
