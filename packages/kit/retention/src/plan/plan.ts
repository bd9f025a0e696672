/** What a run would do, and what is in its way. Nothing is written: every statement runs in a read-only transaction. */
import type { Connection } from '@tenantry/core'
import type { TableGraph } from '../graph/table-graph.ts'
import { readHolds } from '../holds/active.ts'
import { accessTo } from '../engine/access.ts'
import { cutoffText, type OpenRun, type Policy } from '../engine/runs.ts'
import { readShape, type TableShape } from '../engine/shape.ts'
import { notHeldBy, notReferredTo } from '../engine/stays.ts'
import { describeSpan, instantOf } from '../rule/age.ts'
import { eligible, type Phase } from '../rule/phase.ts'
import type { RetentionRule } from '../rule/rule.ts'
import { quoteIdentifier } from '@tenantry/ddl'
import { cascadeNotes, shareNotes, warnings } from './obstacles.ts'
import { readSize, type TableSize } from './size.ts'
import { unseenNotes } from './unseen.ts'

export interface PlannedPhase {
  /** `delete`, `soft-delete`, `purge`, `anonymise`, or what another action calls its own. */
  readonly effect: string
  readonly rows: number
  /** The table's size without its indexes, by the share of the rows: not weighed row by row. */
  readonly estimatedBytes: number
  /** By the column of the phase's age; null: there is none, or it can't be read. */
  readonly oldest: Date | null
}

export interface PlanNote {
  /** Stable, such as `missing-index`. */
  readonly code: string
  readonly message: string
  readonly remedy: string
}

/** A foreign key from another table to the rule's. */
export interface PlannedReference {
  readonly constraint: string
  readonly table: string
  readonly onDelete: string
  /** Without an index on it each deleted row reads the whole of that table. */
  readonly indexed: boolean
}

export interface RulePlan {
  readonly rule: string
  readonly table: string
  readonly action: string
  /** Such as `90 days`, as declared. */
  readonly age: string
  /** What is older may go: by the database's clock, after the host's policy. */
  readonly cutoff: Date
  /** The host's policy has stopped the rule. */
  readonly paused: boolean
  readonly tableRows: number
  /** Counted, or taken from the planner's estimate for a table of more than a million rows. */
  readonly tableRowsEstimated: boolean
  readonly phases: readonly PlannedPhase[]
  readonly references: readonly PlannedReference[]
  /** A run with any of these is refused. */
  readonly blockers: readonly PlanNote[]
  readonly warnings: readonly PlanNote[]
}

export interface PlanContext {
  readonly rule: RetentionRule
  readonly policy: Policy | null
  readonly graph: TableGraph
  /** A run that isn't at its end goes on by its own cut-off. Its share is what it took so far and what it would take. */
  readonly open: (Pick<OpenRun, 'cutoff' | 'startedAt'> & Partial<Pick<OpenRun, 'id'>>) | null
}

export async function planRule(connection: Connection, context: PlanContext): Promise<RulePlan> {
  const { rule, policy, graph, open } = context
  const shape = await readShape(connection, rule.target)
  const size = await readSize(connection, rule.target)
  const { cutoff, startedAt } = open ?? (await cutoffNow(connection, rule, policy))
  const phases: PlannedPhase[] = []
  const unindexed: Phase[] = []
  for (const phase of rule.action.phases(rule)) {
    phases.push(await countPhase(connection, context, phase, size, [cutoff, startedAt]))
    if (!(await accessTo(connection, rule, phase, shape)).byAge) unindexed.push(phase)
  }
  const references = graph.childrenOf(rule.target.label).map((edge) => ({
    constraint: edge.constraint,
    table: edge.child,
    onDelete: edge.onDelete,
    indexed: edge.indexed === true,
  }))
  return {
    rule: rule.name,
    table: rule.target.label,
    action: rule.action.kind,
    age: describeSpan(rule.age.span),
    cutoff: new Date(cutoff),
    paused: policy?.paused === true,
    tableRows: size.rows,
    tableRowsEstimated: size.estimated,
    phases,
    references,
    blockers: [
      ...cascadeNotes(rule, graph),
      ...(await unseenNotes(connection, rule, graph)),
      ...shareNotes(rule, phases, size, await takenBy(connection, open)),
    ],
    warnings: [...warnings({ rule, shape, references, unindexed }), ...(await unreadable(connection, rule))],
  }
}

/** What the plan's blockers are, without the rest of it. `share`: whether the run's share of the table counts. */
export async function refusals(
  connection: Connection,
  context: PlanContext,
  { share }: { readonly share: boolean },
): Promise<readonly PlanNote[]> {
  const { rule, policy, graph, open } = context
  const always = [...cascadeNotes(rule, graph), ...(await unseenNotes(connection, rule, graph))]
  if (!share || rule.floors.maxFraction === null) return always
  const size = await readSize(connection, rule.target)
  const { cutoff, startedAt } = open ?? (await cutoffNow(connection, rule, policy))
  const phases: PlannedPhase[] = []
  for (const phase of rule.action.phases(rule)) {
    phases.push(await countPhase(connection, context, phase, size, [cutoff, startedAt]))
  }
  return [...always, ...shareNotes(rule, phases, size, await takenBy(connection, open))]
}

/** Rows by effect that a run has dealt with before. */
async function takenBy(
  connection: Connection,
  open: PlanContext['open'],
): Promise<ReadonlyMap<string, number>> {
  if (open?.id === undefined) return new Map()
  const { rows } = await connection.query({
    text: 'select effect, sum(changed)::text from tenantry.retention_batches where run_id = $1::uuid group by effect',
    params: [open.id],
  })
  return new Map(rows.map(([effect, changed]) => [String(effect), Number(changed)]))
}

/** What warnings follow from. */
export interface Found {
  readonly rule: RetentionRule
  readonly shape: TableShape
  readonly references: readonly PlannedReference[]
  /** Phases whose rows no index finds. */
  readonly unindexed: readonly Phase[]
}

export async function cutoffNow(
  connection: Connection,
  rule: RetentionRule,
  policy: Policy | null,
): Promise<{ readonly cutoff: string; readonly startedAt: string }> {
  const { rows } = await connection.query({
    text: `select (${cutoffText(rule, policy)})::text, pg_catalog.now()::text`,
    params: [],
  })
  return { cutoff: String(rows[0]?.[0]), startedAt: String(rows[0]?.[1]) }
}

async function countPhase(
  connection: Connection,
  { rule, graph }: PlanContext,
  phase: Phase,
  size: TableSize,
  parameters: readonly [string, string],
): Promise<PlannedPhase> {
  const { target } = rule
  const stays = {
    notHeld: notHeldBy(graph, rule, rule.hold ? await readHolds(connection) : null),
    notReferred: await notReferredTo(connection, graph, rule),
  }
  const { rows } = await connection.query({
    text: `
select pg_catalog.count(*), extract(epoch from min(${instantOf(target, phase.age)}))::double precision
from ${target.sql}
where ${eligible(rule, phase, stays)}`,
    params: parameters,
  })
  const count = Number(rows[0]?.[0])
  const oldest = rows[0]?.[1]
  return {
    effect: phase.effect,
    rows: count,
    estimatedBytes: size.rows === 0 ? 0 : Math.round((size.bytes * count) / size.rows),
    oldest: typeof oldest === 'number' && Number.isFinite(oldest) ? new Date(oldest * 1000) : null,
  }
}

/** Ages in text that no one can read keep their rows for ever. */
async function unreadable(
  connection: Connection,
  { target, age }: RetentionRule,
): Promise<readonly PlanNote[]> {
  if (age.kind !== 'iso-text') return []
  const { rows } = await connection.query({
    text: `
select pg_catalog.count(*) from ${target.sql}
where ${quoteIdentifier(target.name)}.${quoteIdentifier(age.column.name)} is not null and ${instantOf(target, age)} is null`,
    params: [],
  })
  const count = Number(rows[0]?.[0])
  if (count === 0) return []
  return [
    {
      code: 'unreadable-age',
      message: `${count} rows of ${target.label} have an age in ${age.column.name} that can't be read; they are never touched`,
      remedy: 'Write ISO 8601, such as 2026-01-31T12:00:00Z',
    },
  ]
}
