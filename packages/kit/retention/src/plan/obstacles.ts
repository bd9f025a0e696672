/** What stands in the way of a run, and what will make it slow. */
import { quoteIdentifier } from '@tenantry/ddl'
import type { TableGraph } from '../graph/table-graph.ts'
import { LIBRARY_SCHEMA } from '../names.ts'
import type { RetentionRule } from '../rule/rule.ts'
import type { Found, PlannedPhase, PlanNote } from './plan.ts'
import type { TableSize } from './size.ts'

/** More of the table than a run may take, `taken` by it before included: its condition may be another since. */
export function shareNotes(
  rule: RetentionRule,
  phases: readonly PlannedPhase[],
  size: TableSize,
  taken: ReadonlyMap<string, number>,
): readonly PlanNote[] {
  const {
    name,
    target,
    floors: { maxFraction },
  } = rule
  const of = (effect: string): number => taken.get(effect) ?? 0
  const rows = phases.reduce((most, phase) => Math.max(most, phase.rows + of(phase.effect)), 0)
  const gone = rule.action
    .phases(rule)
    .reduce((sum, { effect, removes }) => sum + (removes ? of(effect) : 0), 0)
  const all = size.rows + gone
  if (maxFraction === null || rows <= maxFraction * all) return []
  return [
    {
      code: 'share',
      message: `The rule ${name} would take ${rows} of ${all} rows of ${target.label}, more than ${maxFraction} of them`,
      remedy:
        'Check its age and condition. If it is right, allow this run the share, or raise floors.maxFraction',
    },
  ]
}

/** Rows of others that would go, or lose a value, and that no archive holds. */
export function cascadeNotes({ target, action }: RetentionRule, graph: TableGraph): readonly PlanNote[] {
  if (action.cascades) return []
  return graph
    .childrenOf(target.label)
    .filter(({ onDelete }) => onDelete !== 'no action' && onDelete !== 'restrict')
    .map((edge) => ({
      code: 'cascade',
      message: `Deleting rows of ${target.label} would change rows of ${edge.child} by ${edge.constraint} (on delete ${edge.onDelete}), which no archive holds`,
      remedy: `Archive ${edge.child} first by a rule of its own and make the key NO ACTION, or say cascades: 'delete'`,
    }))
}

export function warnings({ rule, shape, references, unindexed }: Found): readonly PlanNote[] {
  const { target, age } = rule
  // Of a table that is divided by the age whole partitions are left out; the library's own have the indexes they need.
  const unserved = unindexed.filter(
    (phase) => shape.partitionKey !== phase.age.column.name && target.schema !== LIBRARY_SCHEMA,
  )
  return [
    ...(shape.partitioned && shape.partitionKey !== age.column.name
      ? [
          {
            code: 'partition-key',
            message: `${target.label} is partitioned by ${shape.partitionKey ?? 'an expression'}, not by ${age.column.name}: each run reads every partition`,
            remedy: `Let the rule's age be of ${shape.partitionKey ?? 'the column that it is partitioned by'}`,
          },
        ]
      : []),
    ...unserved.map(({ age }) => ({
      code: 'missing-index',
      message: `No index finds rows of ${target.label} by ${age.column.name}: each run reads the whole table`,
      remedy:
        age.kind === 'iso-text'
          ? 'Text has no order in time: keep the age in a timestamptz column as well'
          : `create index ${shape.partitioned ? '' : 'concurrently '}on ${target.sql} (${quoteIdentifier(age.column.name)})`,
    })),
    ...references
      .filter(({ indexed }) => !indexed)
      .map(({ constraint, table }) => ({
        code: 'unindexed-reference',
        message: `${table} refers to ${target.label} by ${constraint} without an index: each deleted row reads that whole table`,
        remedy: `Make an index on the columns of ${constraint}`,
      })),
    ...references
      .filter(({ onDelete }) => onDelete === 'no action' || onDelete === 'restrict')
      .map(({ constraint, table }) => ({
        code: 'reference',
        message: `Rows of ${target.label} that ${table} refers to (${constraint}) stay`,
        remedy: `Give ${table} a rule that runs first`,
      })),
  ]
}
