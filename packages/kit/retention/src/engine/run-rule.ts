/** One rule, from its lease to its report. */
import { RetentionRefusedError, RowsRefusedError } from '../errors.ts'
import { readGraph } from '../graph/read-graph.ts'
import type { TenantTable } from '../graph/table-graph.ts'
import { cutoffNow, refusals } from '../plan/plan.ts'
import type { RetentionRule } from '../rule/rule.ts'
import { answering } from '../store/answering.ts'
import type { ArchiveStore } from '../store/store.ts'
import { type Backlog, readBacklog } from './backlog.ts'
import { Budget, type BudgetOptions } from './budget.ts'
import type { RetentionEvent, RunEnd } from './events.ts'
import { takeLease } from './lease.ts'
import { beginRun, cutoffText, endRun, type OpenRun, openRun, type Policy } from './runs.ts'
import { openSession, type Session, type Transactor } from './session.ts'
import { readShape } from './shape.ts'
import { notReferredTo } from './stays.ts'
import { Tally } from './tally.ts'
import { createWork } from './work.ts'

export interface RunOptions extends BudgetOptions {
  /** Instead of the one that `retention()` was given. */
  readonly store?: ArchiveStore
  /** This call may take any share of its tables: for a backlog that was looked at. Default false. */
  readonly anyShare?: boolean
  /** After which a worker that isn't heard of has lost a rule to the next, in seconds. Default 60. */
  readonly leaseSeconds?: number
  /** Receives what happens, as it does. Must not throw. */
  readonly onEvent?: (event: RetentionEvent) => void
}

export interface RunReport {
  readonly rule: string
  /** Null where no run was begun: busy or paused. */
  readonly runId: string | null
  readonly ended: RunEnd
  /** Rows by effect, such as `{ delete: 1200 }`. */
  readonly changed: Readonly<Record<string, number>>
  /** Met and left alone: changed since, held, locked, referred to, or refused by the table (see `RowsRefusedError`). */
  readonly kept: number
  readonly archived: { readonly segments: number; readonly rows: number; readonly objectBytes: number }
  /** What is left and whether it will be done; null where no run was begun. */
  readonly backlog: Backlog | null
  readonly ms: number
}

/** What a rule is run with, beside its options. */
export interface RunContext {
  readonly rule: RetentionRule
  readonly tenants: readonly TenantTable[]
  readonly store: ArchiveStore | null
  /** Asks the host's own table of policies. */
  readonly policy: (session: Session) => Promise<Policy | null>
}

export async function runRule(
  driver: Transactor,
  context: RunContext,
  options: RunOptions,
): Promise<RunReport> {
  const { rule } = context
  const started = performance.now()
  const session = await openSession(driver)
  const given = options.store ?? context.store
  const store = given === null ? null : answering(given)
  if (rule.action.archives && store === null) {
    throw new RetentionRefusedError(`The rule ${rule.name} archives, and no store was given`, {
      hint: 'Give retention() or this run a `store`, such as directoryArchive(folder) or s3Archive({ … })',
    })
  }
  const tally = new Tally()
  const report = (run: OpenRun | null, ended: RunEnd, backlog: Backlog | null): RunReport => ({
    rule: rule.name,
    runId: run?.id ?? null,
    ended,
    changed: tally.changed,
    kept: tally.kept,
    archived: { segments: tally.segments, rows: tally.archivedRows, objectBytes: tally.archivedBytes },
    backlog,
    ms: performance.now() - started,
  })
  const policy = await context.policy(session)
  if (policy?.paused === true) return report(null, 'paused', null)
  const lease = await takeLease(session, rule.name, options.leaseSeconds ?? 60)
  if (lease === null) return report(null, 'busy', null)
  try {
    const run = await session.write(async (connection) => {
      await lease.keep(connection)
      return openRun(connection, rule, cutoffText(rule, policy))
    })
    const found = await session.read(async (connection) => {
      const graph = await readGraph(connection, { tenants: context.tenants })
      const cutoff = await cutoffNow(connection, rule, policy)
      return {
        graph,
        cutoff,
        shape: await readShape(connection, rule.target),
        notReferred: await notReferredTo(connection, graph, rule),
        refused: await refusals(
          connection,
          { rule, policy, graph, open: run },
          { share: options.anyShare !== true },
        ),
      }
    })
    const [refusal] = found.refused
    if (refusal !== undefined) throw new RetentionRefusedError(refusal.message, { hint: refusal.remedy })
    const current =
      run ??
      (await session.write(async (connection) => {
        await lease.keep(connection)
        return beginRun(connection, rule, found.cutoff.cutoff)
      }))
    const budget = new Budget(session, options)
    const phases = rule.action.phases(rule)
    for (const { effect } of phases) tally.add(effect, 0)
    const work = createWork({
      rule,
      run: current,
      phases,
      shape: found.shape,
      graph: found.graph,
      notReferred: found.notReferred,
      store,
      driver,
      tally,
      session,
      lease,
      budget,
      onEvent: options.onEvent ?? (() => {}),
    })
    work.tell({ type: 'started', cutoff: current.cutoff, resumed: current.resumed })
    await rule.action.run(work)
    const ended = budget.aborted ? 'aborted' : budget.spent ? 'budget' : 'done'
    if (ended === 'done') {
      await session.write(async (connection) => {
        await lease.keep(connection)
        await endRun(connection, current)
      })
    }
    const backlog = await session.read((connection) => readBacklog(connection, work, tally))
    work.tell({ type: 'ended', ended })
    const told = report(current, ended, backlog)
    if (tally.refused.length > 0) throw new RowsRefusedError(rule.target.label, tally.refused, told)
    return told
  } finally {
    // Its end frees the rule by itself, a little later.
    await lease.release().catch(() => {})
  }
}
