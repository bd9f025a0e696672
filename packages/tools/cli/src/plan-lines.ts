import type { RulePlan } from '@tenantry/retention'
import { alignColumns, count } from './text.ts'

/** What a run would do, for a human. */
export function planLines(name: string, plans: readonly RulePlan[]): readonly string[] {
  return [
    `${name}: ${count(plans.length, 'rule')}`,
    ...alignColumns(
      plans.flatMap((plan) =>
        plan.phases.map(({ effect, rows, estimatedBytes, oldest }) => [
          plan.rule,
          effect,
          plan.paused
            ? 'paused'
            : `${rows} of ${plan.tableRowsEstimated ? 'about ' : ''}${count(plan.tableRows, 'row')}`,
          bytesText(estimatedBytes),
          oldest === null ? '' : `oldest ${oldest.toISOString().slice(0, 10)}`,
          `older than ${plan.cutoff.toISOString().slice(0, 16)}Z`,
        ]),
      ),
    ),
    ...plans.flatMap((plan) => [
      ...plan.blockers.map((note) => `REFUSED ${plan.rule}: ${note.message}\n    → ${note.remedy}`),
      ...plan.warnings.map((note) => `warning ${plan.rule}: ${note.message}\n    → ${note.remedy}`),
    ]),
  ]
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0]
  for (; value >= 1024 && unit < UNITS.length - 1; unit += 1) value /= 1024
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit] ?? ''}`
}
