/** The record of runs: a run that a dead worker left is gone on with, by the cut-off that was pinned for it. */
import type { Connection } from '@tenantry/core'
import { type Span, spanText } from '../rule/age.ts'
import type { RetentionRule } from '../rule/rule.ts'

export interface OpenRun {
  readonly id: string
  /** timestamptz as text, to the microsecond. */
  readonly cutoff: string
  readonly startedAt: string
  readonly resumed: boolean
}

/** What a host's own table of policies says about a rule; null, or nothing in it: the rule stands as declared. */
export interface Policy {
  readonly paused?: boolean
  /** Age in days, in place of the rule's; never below its floor. */
  readonly days?: number | null
}

/** The cut-off by the database's clock. A policy lengthens, or shortens down to the floor. */
export function cutoffText({ age, floors }: RetentionRule, policy: Policy | null): string {
  const before = (span: Span): string => `pg_catalog.statement_timestamp() - ${spanText(span)}`
  const days = policy?.days ?? null
  if (days === null) return before(age.span)
  return `least(${before({ months: 0, days: Math.ceil(days), hours: 0 })}, ${before(floors.minimum)})`
}

const COLUMNS = 'id::text, cutoff::text, created_at::text'

/** Never later than the rule says now: it, or a policy, may have become stricter since the run began. */
export async function openRun(
  connection: Connection,
  rule: RetentionRule,
  cutoff: string,
): Promise<OpenRun | null> {
  const { rows } = await connection.query({
    text: `
update tenantry.retention_runs
set cutoff = least(cutoff, ${cutoff})
where id = (
  select id from tenantry.retention_runs
  where rule = $1 and relation = $2 and action = $3 and finished_at is null
  order by created_at
  limit 1
)
returning ${COLUMNS}`,
    params: [rule.name, rule.target.label, rule.action.kind],
  })
  return rows[0] === undefined ? null : runOf(rows[0], true)
}

/** The same without touching it, for a plan. */
export async function peekRun(
  connection: Connection,
  rule: RetentionRule,
  cutoff: string,
): Promise<OpenRun | null> {
  const { rows } = await connection.query({
    text: `
select id::text, least(cutoff, ${cutoff})::text, created_at::text
from tenantry.retention_runs
where rule = $1 and relation = $2 and action = $3 and finished_at is null
order by created_at
limit 1`,
    params: [rule.name, rule.target.label, rule.action.kind],
  })
  return rows[0] === undefined ? null : runOf(rows[0], true)
}

export async function beginRun(
  connection: Connection,
  rule: RetentionRule,
  cutoff: string,
): Promise<OpenRun> {
  const { rows } = await connection.query({
    text: `
insert into tenantry.retention_runs (rule, relation, action, cutoff)
values ($1, $2, $3, $4::timestamptz)
returning ${COLUMNS}`,
    params: [rule.name, rule.target.label, rule.action.kind, cutoff],
  })
  return runOf(rows[0] ?? [], false)
}

export async function endRun(connection: Connection, run: OpenRun): Promise<void> {
  await connection.query({
    text: `
update tenantry.retention_runs
set finished_at = pg_catalog.statement_timestamp()
where id = $1::uuid and finished_at is null`,
    params: [run.id],
  })
}

function runOf([id, cutoff, startedAt]: readonly unknown[], resumed: boolean): OpenRun {
  return { id: String(id), cutoff: String(cutoff), startedAt: String(startedAt), resumed }
}
