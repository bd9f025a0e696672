import type { Job } from '@tenantry/core'
import { transactorOf } from '../engine/session.ts'
import type { RunReport } from '../engine/run-rule.ts'
import type { TableGraph } from '../graph/table-graph.ts'
import { describeSpan } from '../rule/age.ts'
import type { RetentionRule } from '../rule/rule.ts'
import { deleteSql } from './delete-sql.ts'

/** At night, in UTC, when little else happens. */
const NIGHTLY = '30 3 * * *'

export interface RuleJobs {
  readonly rules: readonly RetentionRule[]
  /** By name of a rule: a five-field cron expression in UTC. */
  readonly schedules: Readonly<Record<string, string>>
  /** As declared: what a statement that is made now can know. Null: no rule is to be a statement. */
  readonly graph: TableGraph | null
  run(
    target: ReturnType<typeof transactorOf>,
    options: { readonly rules: readonly string[]; readonly signal?: AbortSignal },
  ): Promise<readonly RunReport[]>
}

/** One job for each rule. */
export function ruleJobs({ rules, schedules, graph, run }: RuleJobs): readonly Job[] {
  return rules.map((rule) => {
    const sql = graph === null ? null : deleteSql(rule, graph)
    return {
      name: `retention ${rule.name}`,
      schedule: schedules[rule.name] ?? NIGHTLY,
      description: `Applies ${rule.action.kind} to rows of ${rule.target.label} older than ${describeSpan(rule.age.span)}; while it does not run, they are kept longer than promised`,
      ...(sql === null ? {} : { sql }),
      async run(connection, { signal } = {}) {
        const [report] = await run(transactorOf(connection), {
          rules: [rule.name],
          ...(signal === undefined ? {} : { signal }),
        })
        const changed = Object.values(report?.changed ?? {}).reduce((sum, rows) => sum + rows, 0)
        const left = report?.backlog?.rows ?? 0
        return {
          changed,
          message: `${rule.name}: ${report?.ended ?? 'not run'}, ${changed} rows changed, ${left} left`,
        }
      },
    }
  })
}
