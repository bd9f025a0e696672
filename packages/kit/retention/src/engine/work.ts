/** One run of one rule, as its action sees it. */
import type { Connection } from '@tenantry/core'
import type { TableGraph } from '../graph/table-graph.ts'
import { type ActiveHolds, lockHolds, readHolds } from '../holds/active.ts'
import type { Phase, Stays } from '../rule/phase.ts'
import type { RetentionRule } from '../rule/rule.ts'
import type { ArchiveStore } from '../store/store.ts'
import type { Budget } from './budget.ts'
import type { RetentionEvent } from './events.ts'
import type { Lease } from './lease.ts'
import type { OpenRun } from './runs.ts'
import type { Session, Transactor } from './session.ts'
import type { TableShape } from './shape.ts'
import { notHeldBy } from './stays.ts'
import type { Tally } from './tally.ts'

type Told<E> = E extends unknown ? Omit<E, 'rule' | 'runId'> : never

export interface Work {
  readonly rule: RetentionRule
  readonly run: OpenRun
  readonly phases: readonly Phase[]
  /** `$1` and `$2` of every statement that has `eligible` in it. */
  readonly parameters: readonly [cutoff: string, startedAt: string]
  readonly shape: TableShape
  readonly graph: TableGraph
  /** Null where the action doesn't archive. */
  readonly store: ArchiveStore | null
  readonly fence: string
  /** For what must run with the login's own rights, such as dropping a partition. */
  readonly driver: Transactor
  readonly tally: Tally
  /** A short transaction that reads, as `tenantry_retention`. */
  read<T>(run: (connection: Connection) => Promise<T>): Promise<T>
  /**
   * A short transaction that changes rows, as `tenantry_retention`: no hold can be placed while it runs, and nobody
   * else works on the rule. `stays` goes into every statement that takes rows (see `eligible`).
   *
   * @throws LeaseLostError if another worker has taken the rule over; nothing was changed.
   */
  change<T>(run: (connection: Connection, stays: Stays) => Promise<T>): Promise<T>
  /**
   * `change` for statements that are known beforehand and do nothing outside the database. They travel with those that
   * open the transaction, by the holds as they were the last time; were there others, all is undone and `run` called again.
   */
  changeAtOnce<T>(run: (connection: Connection, stays: Stays) => Promise<T>): Promise<T>
  /** `stays` for a statement that only reads: a moment later it may be another. */
  staysNow(connection: Connection): Promise<Stays>
  /** Waits while the server is pressed. False: budget or signal say that it is enough for now. */
  proceed(): Promise<boolean>
  tell(event: Told<RetentionEvent>): void
}

/** A statement that waits longer for a row gives it up: it is being changed, and stays for another time. */
const LOCK_TIMEOUT = {
  text: `select pg_catalog.set_config('lock_timeout', '20ms', true)`,
  params: [],
  reusable: true,
}

class OtherHolds extends Error {}

export interface WorkParts extends Omit<
  Work,
  'change' | 'changeAtOnce' | 'read' | 'staysNow' | 'proceed' | 'tell' | 'parameters' | 'fence'
> {
  readonly session: Session
  readonly lease: Lease
  readonly budget: Budget
  readonly notReferred: string
  readonly onEvent: (event: RetentionEvent) => void
}

export function createWork(parts: WorkParts): Work {
  const { rule, run, graph, notReferred, session, lease, budget, onEvent } = parts
  const tell: Work['tell'] = (event) => onEvent({ rule: rule.name, runId: run.id, ...event })
  const staysBy = (holds: ActiveHolds | null): Stays => ({
    notHeld: notHeldBy(graph, rule, holds),
    notReferred,
  })
  /** Undefined: not looked at yet. */
  let known: ActiveHolds | null | undefined
  const open = async (connection: Connection): Promise<ActiveHolds | null> => {
    const [holds] = await Promise.all([
      rule.hold ? lockHolds(connection) : null,
      lease.keep(connection),
      connection.query(LOCK_TIMEOUT),
    ])
    return holds
  }
  const change: Work['change'] = (run) =>
    session.write(async (connection) => {
      known = await open(connection)
      return run(connection, staysBy(known))
    })
  return {
    ...parts,
    fence: lease.fence,
    parameters: [run.cutoff, run.startedAt],
    read: session.read,
    change,
    async changeAtOnce(run) {
      const expected = known
      if (expected === undefined) return change(run)
      try {
        return await session.write(async (connection) => {
          // Both to their ends: nothing may be sent on a connection that is no longer ours.
          const [opened, done] = await Promise.allSettled([
            open(connection),
            run(connection, staysBy(expected)),
          ])
          if (opened.status === 'rejected') throw opened.reason
          if (opened.value?.key !== expected?.key) throw new OtherHolds()
          if (done.status === 'rejected') throw done.reason
          return done.value
        })
      } catch (error) {
        if (!(error instanceof OtherHolds)) throw error
        return change(run)
      }
    },
    staysNow: async (connection) => staysBy(rule.hold ? await readHolds(connection) : null),
    async proceed() {
      if (lease.lost !== undefined) throw lease.lost
      return budget.proceed(parts.tally, (reason) => tell({ type: 'waiting', reason }))
    },
    tell,
  }
}
