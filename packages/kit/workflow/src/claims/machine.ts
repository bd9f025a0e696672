/** The state machine that follows from what the states of claimed work mean. */
import { ConfigurationError } from '@tenantry/core'
import type { PgTable } from 'drizzle-orm/pg-core'
import { defineStateMachine, type StateMachine } from '../state-machine.ts'
import type { ClaimsOptions } from './options.ts'
import type { ClaimsPlan } from './plan.ts'

export function claimsMachine<T extends PgTable, State extends string, Extra extends string>(
  options: ClaimsOptions<T, State, Extra>,
  { target, ready, working, done, failed, abandoned }: ClaimsPlan,
): StateMachine<State | Extra> {
  const edges = new Map<string, Set<string>>()
  const step = (from: string, to: string): void => {
    edges.set(from, (edges.get(from) ?? new Set()).add(to))
  }
  for (const state of [...ready, ...working, ...done, failed, abandoned]) edges.set(state, new Set())
  for (const state of ready) step(state, working[0])
  for (const [index, state] of working.entries()) {
    for (const later of working.slice(index + 1)) step(state, later)
    // Another worker that takes the row over begins anew.
    if (index > 0) step(state, working[0])
    for (const end of [...done, failed, abandoned, ready[0]]) step(state, end)
  }
  for (const [from, targets = []] of Object.entries<readonly string[] | undefined>(options.edges ?? {})) {
    if (!edges.has(from)) edges.set(from, new Set())
    for (const to of targets) {
      if (!working.includes(from) && !working.includes(to)) step(from, to)
      else {
        throw new ConfigurationError(`${target.label}: "${from}" to "${to}" is a step of claimed work`, {
          hint: 'Into a working state and out of it a row goes by a claim, never by an edge of its own',
        })
      }
    }
  }
  const initial = options.initial ?? (ready as readonly string[] as readonly State[])
  const born = initial.find((state) => working.includes(state))
  if (born !== undefined)
    throw new ConfigurationError(`${target.label}: a row can't begin as "${born}", which is a claim`)
  return defineStateMachine<T, State | Extra>({
    table: options.table,
    column: options.state.column,
    edges: Object.fromEntries([...edges].map(([from, to]) => [from, [...to]])) as {
      [S in State | Extra]: (State | Extra)[]
    },
    initial,
    ...(options.stamps === undefined
      ? {}
      : { stamps: options.stamps as { [S in State | Extra]?: typeof options.state.column } }),
  })
}
