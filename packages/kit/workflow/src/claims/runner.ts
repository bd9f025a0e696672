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
import { backlogStatement, claimStatement, type HolderAction, holderStatement } from './statements.ts'

/** What the statement says about one row of the input. */
export interface HeldRow {
  readonly changed: boolean
  readonly state: unknown
  readonly repeated: boolean
}

export interface Runner {
  claim(executor: Executor, limit: number, seconds: number): Promise<Answer>
  /** One statement, unless rows set different columns: then one for each set of columns. Answers in order. */
  hold<I extends Held>(
    executor: Executor,
    action: HolderAction,
    items: readonly I[],
    values: (items: readonly I[]) => Record<string, unknown>,
  ): Promise<readonly HeldRow[]>
  backlog(executor: Executor): Promise<Answer>
}

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
  return {
    async claim(executor, limit, seconds) {
      const { oneTenant, values } = scope(executor)
      const rows = Math.trunc(positive('limit', limit))
      const said = rows <= LIMITS_MAX ? rows : null
      const query = once(`claim ${oneTenant} ${said}`, () => claimStatement(plan, { oneTenant, limit: said }))
      return executor.run(query, {
        ...values,
        ...(said === null ? { limit: rows } : {}),
        seconds: positive('leaseSeconds', seconds),
      })
    },
    async backlog(executor) {
      const { oneTenant, values } = scope(executor)
      return executor.run(
        once(`backlog ${oneTenant}`, () => backlogStatement(plan, { oneTenant })),
        values,
      )
    },
    async hold(executor, action, items, values) {
      const { values: bound } = scope(executor)
      const outcomes: HeldRow[] = []
      const groups = new Map<string, number[]>()
      for (const [index, { set }] of items.entries()) {
        const shape = shapeOf(set)
        groups.set(shape, [...(groups.get(shape) ?? []), index])
      }
      for (const [shape, indexes] of groups) {
        const group = indexes.flatMap((index) => items[index] ?? [])
        const columns = columnsOf(plan, shape)
        const single = group.length === 1
        const query = once(`${action} ${single} ${shape}`, () =>
          holderStatement(
            plan,
            action,
            columns.map(({ column }) => column),
            { single },
          ),
        )
        const tenants = group.map(({ claim }) => claim.tenant)
        if (tenants.some((tenant) => tenant !== (bound['tenant'] ?? tenant))) {
          throw new IsolationError(
            `A claim on ${plan.target.label} belongs to another tenant than the executor`,
          )
        }
        const { rows } = await executor.run(query, {
          ids: group.map(({ claim }) => claim.id),
          tenants,
          tokens: group.map(({ claim }) => claim.token),
          presented: group.map(({ claim }) => claim.token).join(','),
          ...values(group),
          ...encodeSets(plan, columns, group),
        })
        for (const [position, index] of indexes.entries()) {
          const [changed, state, repeated] = rows[position] ?? []
          outcomes[index] = { changed: changed === true, state, repeated: repeated === true }
        }
      }
      return outcomes
    },
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
