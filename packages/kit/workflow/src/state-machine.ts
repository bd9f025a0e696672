import { ConfigurationError, lazyModule, type Module, RAISED } from '@tenantry/core'
import { IS_RESTORED, quoteIdentifier, quoteLiteral, relation, sqlFunction, trigger } from '@tenantry/ddl'
import { getTableColumns } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'

type Property<T extends PgTable> = keyof T['_']['columns'] & string

/** What must hold for a row to be in a state. */
export interface StateRequirement {
  /** A SQL condition over `new`, evaluated with the database's clock: `new.scheduled_for > now()`. */
  readonly condition: string
  /** Properties of columns whose change alone has the condition checked again. */
  readonly on: readonly string[]
  /** What the refusal says, such as `a scheduled draft needs a time in the future`. */
  readonly message: string
}

/** What must hold for a step, beyond its existing: an approval that somebody gave. */
export interface StepGate<State extends string> {
  /** Stable: the `constraint` of the CheckViolationError that refuses the step. */
  readonly name: string
  readonly from: State | readonly State[]
  readonly to: State
  /**
   * A SQL condition over `old` and `new`, with every table qualified by its schema. It is evaluated with the
   * rights of whoever makes the step, so row security hides other tenants' rows from it.
   */
  readonly condition: string
  /** What the refusal says. */
  readonly message: string
}

export interface StateMachineOptions<T extends PgTable, State extends string> {
  readonly table: T
  /** Property of the column that holds the state. */
  readonly column: Property<T>
  /** For each state, the states that may follow it. A state with none is final. */
  readonly edges: { readonly [S in State]: readonly NoInfer<State>[] }
  /** States in which a row may be inserted. */
  readonly initial: readonly NoInfer<State>[]
  /**
   * Timestamps that entering a state sets, by the database's clock; the first time counts. An update can't
   * write them; an insert may bring one along (an import), where the role was granted the column.
   */
  readonly stamps?: { readonly [S in State]?: Property<T> }
  readonly requires?: { readonly [S in State]?: StateRequirement }
  readonly gates?: readonly StepGate<NoInfer<State>>[]
  /** Property of an integer that every step raises by one, and nothing else changes. */
  readonly version?: Property<T>
}

/** A state machine that the database enforces. */
export interface StateMachine<State extends string> {
  readonly module: Module
  readonly states: readonly State[]
  /** States from which `to` can be reached in one step: the compare part of a compare-and-set. */
  from(to: State): readonly State[]
  /** Whether the step exists; staying in a state is no step. */
  allows(from: State, to: State): boolean
}

/**
 * Declares the states of a column and the steps between them. Raw SQL can't get past it: a trigger refuses
 * every other step with a StaleTransitionError, and an insert in a state that isn't initial.
 *
 * @throws ConfigurationError if an edge leads to no state of the machine, a state can't be reached, or a
 *   column doesn't exist.
 */
export function defineStateMachine<T extends PgTable, const State extends string>(
  options: StateMachineOptions<T, State>,
): StateMachine<State> {
  const { table, edges, initial } = options
  const target = relation(table)
  const columns: Record<string, PgColumn> = getTableColumns(table)
  const column = (property: string): string => {
    const found = columns[property]
    if (found === undefined) throw new ConfigurationError(`${target.label} has no column ${property}`)
    return found.name
  }
  const states = Object.keys(edges) as State[]
  const steps = states.flatMap((from) => edges[from].map((to) => [from, to] as const))
  checkStates(target.label, states, steps, initial)

  const gates = (options.gates ?? []).map(({ from, ...gate }) => ({
    ...gate,
    from: typeof from === 'string' ? [from] : from,
  }))
  checkGates(target.label, steps, gates)

  const state = column(options.column)
  const name = `${target.name}_${state}`
  const body = triggerBody({
    state,
    name,
    steps,
    initial,
    gates,
    version: options.version === undefined ? undefined : column(options.version),
    stamps: entries<string>(options.stamps).map(([to, property]) => [to, column(property)]),
    requires: entries<StateRequirement>(options.requires).map(([to, { condition, on, message }]) => ({
      state: to,
      condition,
      on: on.map(column),
      message,
    })),
  })
  return {
    states,
    from: (to) => states.filter((from) => edges[from].includes(to)),
    allows: (from, to) => edges[from].includes(to),
    module: lazyModule({
      name: `${name} machine`,
      objects: () => [
        sqlFunction({
          schema: 'tenantry',
          name: `enforce_${name}`,
          returns: 'trigger',
          language: 'plpgsql',
          volatility: 'volatile',
          body,
        }),
        trigger({
          table,
          name: `enforce_${state}`,
          timing: 'before',
          events: ['insert', 'update'],
          level: 'row',
          execute: { schema: 'tenantry', name: `enforce_${name}` },
        }),
      ],
    }),
  }
}

function entries<V>(
  record: Readonly<Record<string, V | undefined>> | undefined,
): readonly (readonly [string, V])[] {
  return Object.entries(record ?? {}).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  )
}

function checkStates(
  label: string,
  states: readonly string[],
  steps: readonly (readonly [string, string])[],
  initial: readonly string[],
): void {
  for (const state of [...steps.map(([, to]) => to), ...initial]) {
    if (!states.includes(state)) throw new ConfigurationError(`"${state}" is no state of ${label}'s machine`)
  }
  const loop = steps.find(([from, to]) => from === to)
  if (loop !== undefined) throw new ConfigurationError(`"${loop[0]}" can't follow itself: staying is no step`)
  const lost = states.find((state) => !initial.includes(state) && !steps.some(([, to]) => to === state))
  if (lost !== undefined) throw new ConfigurationError(`Nothing leads to the state "${lost}" of ${label}`)
}

interface Gate extends Omit<StepGate<string>, 'from'> {
  readonly from: readonly string[]
}

function checkGates(
  label: string,
  steps: readonly (readonly [string, string])[],
  gates: readonly Gate[],
): void {
  for (const { name, from, to } of gates) {
    const lost = from.find((state) => !steps.some((step) => step[0] === state && step[1] === to))
    if (lost !== undefined) {
      throw new ConfigurationError(`The gate ${name} of ${label} is at no step: "${lost}" to "${to}"`)
    }
  }
}

interface Body {
  readonly state: string
  readonly name: string
  readonly steps: readonly (readonly [string, string])[]
  readonly initial: readonly string[]
  readonly gates: readonly Gate[]
  readonly version: string | undefined
  readonly stamps: readonly (readonly [string, string])[]
  readonly requires: readonly {
    readonly state: string
    readonly condition: string
    readonly on: readonly string[]
    readonly message: string
  }[]
}

function triggerBody({ state, name, steps, initial, stamps, requires, gates, version }: Body): string {
  const now = `new.${quoteIdentifier(state)}`
  const before = `old.${quoteIdentifier(state)}`
  const list = (values: readonly string[]): string => `(${values.map(quoteLiteral).join(', ')})`
  const refuse = (message: string, ...args: readonly string[]): string =>
    [
      `    raise exception using`,
      `      errcode = '${RAISED.staleTransition}',`,
      `      message = pg_catalog.format(${[quoteLiteral(message), ...args].join(', ')}),`,
      `      schema = tg_table_schema, table = tg_table_name, column = ${quoteLiteral(state)}, constraint = ${quoteLiteral(`enforce_${name}`)};`,
    ].join('\n')
  const stampedColumns = [...new Set(stamps.map(([, stamped]) => quoteIdentifier(stamped)))]
  return [
    'begin',
    `  if tg_op = 'INSERT' then`,
    `    if ${IS_RESTORED} then`,
    '      return new;',
    '    end if;',
    `    if ${now}::text not in ${list(initial)} then`,
    refuse(`a row of %s can't begin as "%s"`, 'tg_table_name', `${now}`),
    '    end if;',
    `  else`,
    `    if ${before} is distinct from ${now}`,
    `      and (${before}::text, ${now}::text) not in (${steps.map(list).join(', ')})`,
    '    then',
    refuse(`a row of %s can't go from "%s" to "%s"`, 'tg_table_name', before, now),
    '    end if;',
    ...gates.flatMap(({ name: gate, from, to, condition, message }) => [
      `    if ${before}::text in ${list(from)} and ${now}::text = ${quoteLiteral(to)} and (${condition}) is not true then`,
      `    raise exception using`,
      `      errcode = 'check_violation',`,
      `      message = ${quoteLiteral(message)},`,
      `      schema = tg_table_schema, table = tg_table_name, constraint = ${quoteLiteral(gate)};`,
      '    end if;',
    ]),
    ...stampedColumns.map((stamped) => `    new.${stamped} := old.${stamped};`),
    ...(version === undefined
      ? []
      : [
          `    new.${quoteIdentifier(version)} := old.${quoteIdentifier(version)} + (${before} is distinct from ${now})::integer;`,
        ]),
    '  end if;',
    ...stamps.map(([to, stamped]) => {
      const target = `new.${quoteIdentifier(stamped)}`
      return `  if ${now}::text = ${quoteLiteral(to)} then ${target} := coalesce(${target}, pg_catalog.now()); end if;`
    }),
    ...requires.flatMap(({ state: required, condition, on, message }) => [
      `  if ${now}::text = ${quoteLiteral(required)}`,
      `    and (${[
        `tg_op = 'INSERT'`,
        ...[state, ...on].map(
          (watched) => `old.${quoteIdentifier(watched)} is distinct from new.${quoteIdentifier(watched)}`,
        ),
      ].join(' or ')})`,
      `    and (${condition}) is not true`,
      '  then',
      `    raise exception using`,
      `      errcode = 'check_violation',`,
      `      message = ${quoteLiteral(message)},`,
      `      schema = tg_table_schema, table = tg_table_name, constraint = ${quoteLiteral(`${name}_${required}`)};`,
      '  end if;',
    ]),
    '  return new;',
    'end',
  ].join('\n')
}
