/** How a rule stands between runs. */
import { cutoffNow } from './plan/plan.ts'
import { readGraph } from './graph/read-graph.ts'
import type { TenantTable } from './graph/table-graph.ts'
import { planRule } from './plan/plan.ts'
import type { Policy } from './engine/runs.ts'
import type { Session } from './engine/session.ts'
import type { RetentionRule } from './rule/rule.ts'

export interface RuleStatus {
  readonly rule: string
  readonly table: string
  readonly paused: boolean
  /** Rows that a run would change now. */
  readonly backlogRows: number
  readonly oldest: Date | null
  /** Of the last run; null: there was none. */
  readonly lastRun: {
    readonly id: string
    readonly startedAt: Date
    /** Null: it isn't at its end; the next run goes on with it. */
    readonly finishedAt: Date | null
    readonly changed: number
    /** From its first transaction to its last; null: there were fewer than two. */
    readonly rowsPerSecond: number | null
  } | null
  /** By the last run's rate; null: not known. */
  readonly secondsToFinish: number | null
  /** Objects in the manifest, and the bytes they hold. */
  readonly archive: { readonly segments: number; readonly rows: number; readonly objectBytes: number }
}

const LAST_RUN = `
select
  run.id::text,
  extract(epoch from run.created_at)::double precision,
  extract(epoch from run.finished_at)::double precision,
  coalesce(sum(batch.changed), 0)::text,
  extract(epoch from max(batch.created_at) - min(batch.created_at))::double precision
from tenantry.retention_runs as run
left join tenantry.retention_batches as batch on batch.run_id = run.id
where run.rule = $1
group by run.id
order by run.created_at desc
limit 1`

const ARCHIVE = `
select pg_catalog.count(*), coalesce(sum(row_count), 0)::text, coalesce(sum(object_bytes), 0)::text
from tenantry.archive_segments
where rule = $1`

export async function statusOf(
  session: Session,
  rule: RetentionRule,
  { tenants, policy }: { readonly tenants: readonly TenantTable[]; readonly policy: Policy | null },
): Promise<RuleStatus> {
  return session.read(async (connection) => {
    const graph = await readGraph(connection, { tenants })
    const plan = await planRule(connection, {
      rule,
      policy,
      graph,
      open: await cutoffNow(connection, rule, policy),
    })
    const last = (await connection.query({ text: LAST_RUN, params: [rule.name] })).rows[0]
    const archive = (await connection.query({ text: ARCHIVE, params: [rule.name] })).rows[0] ?? []
    const backlogRows = plan.phases.reduce((sum, { rows }) => sum + rows, 0)
    const [id, started, finished, changed, seconds] = last ?? []
    const rate = Number(seconds) > 0 ? Number(changed) / Number(seconds) : null
    return {
      rule: rule.name,
      table: rule.target.label,
      paused: plan.paused,
      backlogRows,
      oldest: plan.phases.reduce<Date | null>(
        (oldest, phase) =>
          phase.oldest !== null && (oldest === null || phase.oldest < oldest) ? phase.oldest : oldest,
        null,
      ),
      lastRun:
        last === undefined
          ? null
          : {
              id: String(id),
              startedAt: new Date(Number(started) * 1000),
              finishedAt: finished === null ? null : new Date(Number(finished) * 1000),
              changed: Number(changed),
              rowsPerSecond: rate,
            },
      secondsToFinish: backlogRows === 0 ? 0 : rate === null || rate === 0 ? null : backlogRows / rate,
      archive: {
        segments: Number(archive[0]),
        rows: Number(archive[1]),
        objectBytes: Number(archive[2]),
      },
    }
  })
}
