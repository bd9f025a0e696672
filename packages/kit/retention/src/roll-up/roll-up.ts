import { ConfigurationError } from '@tenantry/core'
import { relation } from '@tenantry/ddl'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { RetentionAction } from '../action.ts'
import { type Move, moveInBatches } from '../engine/move-in-batches.ts'
import { qualified } from '../engine/shape.ts'
import type { Work } from '../engine/work.ts'
import { RetentionRefusedError } from '../errors.ts'
import { retirePartitions } from '../partitions/retire-partitions.ts'
import { type Phase, RUN_PARAMETERS } from '../rule/phase.ts'
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
      for (const phase of work.phases) await moveInBatches(work, phase, movesOf(work, phase, plan))
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

function movesOf(work: Work, phase: Phase, plan: RollUpPlan): Move {
  return {
    statement: (batch) => rollUpStatement(work, phase, plan, batch),
    refused: () =>
      new RetentionRefusedError(
        `The sums in ${plan.target.label} would not have grown by what leaves ${relation(plan.from).label}`,
        { hint: 'A trigger, a rounding type or another writer changes them; nothing was rolled up' },
      ),
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
