/** What stands in the way of a run, and what will make it slow. */
import type { Found, PlanNote } from './plan.ts'

export function blockers(
  { rule, phases, size, graph }: Found,
  { share }: { readonly share: boolean },
): readonly PlanNote[] {
  const { target, floors, action } = rule
  const { maxFraction } = floors
  const rows = phases.reduce((most, phase) => Math.max(most, phase.rows), 0)
  const cascades = action.cascades
    ? []
    : graph
        .childrenOf(target.label)
        .filter((edge) => edge.onDelete !== 'no action' && edge.onDelete !== 'restrict')
  return [
    ...(share && maxFraction !== null && rows > maxFraction * size.rows
      ? [
          {
            code: 'share',
            message: `The rule ${rule.name} would take ${rows} of ${size.rows} rows of ${target.label}, more than ${maxFraction} of them`,
            remedy:
              'Check its age and condition. If it is right, allow this run the share, or raise floors.maxFraction',
          },
        ]
      : []),
    ...cascades.map((edge) => ({
      code: 'cascade',
      message: `Deleting rows of ${target.label} would change rows of ${edge.child} by ${edge.constraint} (on delete ${edge.onDelete}), which no archive holds`,
      remedy: `Archive ${edge.child} first by a rule of its own and make the key NO ACTION, or say cascades: 'delete'`,
    })),
  ]
}

export function warnings({ rule, references, unindexed }: Found): readonly PlanNote[] {
  const { target } = rule
  return [
    ...unindexed.map(({ age }) => ({
      code: 'missing-index',
      message: `No index finds rows of ${target.label} by ${age.column.name}: each run reads the whole table`,
      remedy:
        age.kind === 'iso-text'
          ? 'Text has no order in time: keep the age in a timestamptz column as well'
          : `create index concurrently on ${target.sql} ("${age.column.name}")`,
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
