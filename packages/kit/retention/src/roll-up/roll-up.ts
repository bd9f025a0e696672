import { ConfigurationError, type Connection } from '@tenantry/core'
import { relation } from '@tenantry/ddl'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { RetentionAction } from '../action.ts'
import { type Access, accessTo, type Position } from '../engine/access.ts'
import { AdaptiveBatch } from '../engine/adaptive.ts'
import { closeIn } from '../engine/batches.ts'
import { qualified } from '../engine/shape.ts'
import type { Work } from '../engine/work.ts'
import { RetentionRefusedError } from '../errors.ts'
import { retirePartitions } from '../partitions/retire-partitions.ts'
import { type Phase, RUN_PARAMETERS, type Stays } from '../rule/phase.ts'
import type { RetentionRule } from '../rule/rule.ts'
import { planRollUp, type RollUpOptions, type RollUpPlan } from './plan.ts'
import { rollUpStatement } from './statement.ts'

/**
 * An action for `defineRetention(from, …)`: rows of months that have passed the age whole become part of one row for
 * each group and month in `into`, and leave. Each transaction moves rows and their sums together, so no total over
 * both tables changes for anybody at any moment, a run that is killed or repeated adds nothing twice, and rows that
 * are held stay where they are.
 *
 * @throws ConfigurationError for sums that would not be exact, groups that may be null, or a monthly table without
 *   the groups and the month as a unique key.
 */
export function rollUp<const F extends PgTable, const I extends PgTable>(
  from: F,
  into: I,
  options: RollUpOptions<F, I>,
): RetentionAction {
  const plan = planRollUp(from, into, options)
  return {
    kind: 'roll-up',
    privileges: { delete: true },
    writes: [
      {
        table: into,
        privileges: {
          insert: true,
          update: plan.sums.map((pair) => pair.into.name).concat(plan.count?.name ?? []),
        },
      },
    ],
    archives: false,
    cascades: false,
    phases: (rule) => [phaseOf(rule, plan)],
    async run(work) {
      for (const phase of work.phases) await moveInBatches(work, phase, plan)
      if (options.dropPartitions === true && work.shape.partitioned) await dropEmpty(work)
    },
  }
}

/** Whole months: a month that is half rolled up would have two homes for the rest of its age. */
function phaseOf({ table, target, age }: RetentionRule, { from }: RollUpPlan): Phase {
  if (table !== from) {
    throw new ConfigurationError(`The rule on ${target.label} rolls up ${relation(from).label}`, {
      hint: 'Give rollUp() the table of its rule first',
    })
  }
  const column = qualified(target, age.column.name)
  const month = {
    timestamptz: `pg_catalog.date_trunc('month', ${RUN_PARAMETERS.cutoff}, 'UTC')`,
    timestamp: `pg_catalog.date_trunc('month', ${RUN_PARAMETERS.cutoff} at time zone 'UTC')`,
    date: `pg_catalog.date_trunc('month', ${RUN_PARAMETERS.cutoff} at time zone 'UTC')::date`,
  } as const
  if (age.kind !== 'timestamptz' && age.kind !== 'timestamp' && age.kind !== 'date') {
    throw new ConfigurationError(`${target.label}.${age.column.name} is no date or time: it has no month`)
  }
  return { effect: 'roll-up', age, condition: `${column} < ${month[age.kind]}`, removes: true }
}

async function moveInBatches(work: Work, phase: Phase, plan: RollUpPlan): Promise<void> {
  const { rule, tally } = work
  const access = await work.read((connection) => accessTo(connection, rule, phase, work.shape))
  const batch = new AdaptiveBatch(rule.batch)
  let position: Position | null = null
  while (await work.proceed()) {
    const rows = batch.rows
    const started = performance.now()
    const moved = await closeIn(batch, rows, () =>
      proven(plan, () =>
        work.change((connection, stays) =>
          move(connection, work, phase, plan, { access, position, rows, stays }),
        ),
      ),
    )
    if (moved === 'narrowed') continue
    // One row in the way, locked or still referred to: whatever else there is waits for the next run.
    if (moved === null) return
    const ms = performance.now() - started
    batch.took(ms)
    position = moved.position
    tally.add(phase.effect, moved.changed)
    tally.kept += moved.chosen - moved.changed
    tally.busyMs += ms
    if (moved.chosen > 0) {
      const { chosen, changed } = moved
      work.tell({
        type: 'batch',
        effect: phase.effect,
        changed,
        kept: chosen - changed,
        ms,
        nextRows: batch.rows,
      })
    }
    if (moved.chosen < rows) return
  }
}

interface Moved {
  readonly chosen: number
  readonly changed: number
  readonly position: Position | null
}

class Unequal extends Error {}

async function move(
  connection: Connection,
  work: Work,
  phase: Phase,
  plan: RollUpPlan,
  batch: {
    readonly access: Access
    readonly position: Position | null
    readonly rows: number
    readonly stays: Stays
  },
): Promise<Moved> {
  const { rows } = await connection.query({
    text: rollUpStatement(work, phase, plan, batch),
    params: [
      ...work.parameters,
      batch.rows,
      work.run.id,
      work.fence,
      phase.effect,
      ...(batch.position ?? []),
    ],
  })
  const [chosen, changed, equal, last] = rows[0] ?? []
  if (equal !== true) throw new Unequal()
  return {
    chosen: Number(chosen),
    changed: Number(changed),
    position: Array.isArray(last) ? (last as Position) : batch.position,
  }
}

/** Tries of a batch: somebody else may have written the same monthly row in the same moment. */
const ATTEMPTS = 3

async function proven<T>(plan: RollUpPlan, run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof Unequal)) throw error
      if (attempt < ATTEMPTS) continue
      throw new RetentionRefusedError(
        `The sums in ${plan.target.label} would not have grown by what leaves ${relation(plan.from).label}`,
        { hint: 'A trigger, a rounding type or another writer changes them; nothing was rolled up' },
      )
    }
  }
}

async function dropEmpty(work: Work): Promise<void> {
  const { rule, driver, graph, run } = work
  const retired = await retirePartitions(driver, {
    table: rule.table,
    before: run.cutoff,
    by: rule.age.column.name,
    contents: 'empty',
    graph: rule.hold ? graph : null,
    proceed: work.proceed,
  })
  for (const { outcome } of retired) if (outcome === 'dropped') work.tally.add('drop-partition', 1)
}
