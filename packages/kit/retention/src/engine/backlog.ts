/** Whether a rule keeps up: what is left, how old it is, how fast it goes, and how fast it comes. */
import type { Connection } from '@tenantry/core'
import { instantOf } from '../rule/age.ts'
import { eligible, RUN_PARAMETERS } from '../rule/phase.ts'
import type { Tally } from './tally.ts'
import type { Work } from './work.ts'

export interface Backlog {
  /** Old enough at the run's cut-off, and still there. Rows that holds or references keep aren't among them. */
  readonly rows: number
  readonly oldest: Date | null
  /** Rows this process changed in a second of work. Null: it changed none. */
  readonly rowsPerSecond: number | null
  /** By that rate. Null: never, by what is known. */
  readonly secondsToFinish: number | null
  /** Rows that will become old enough within a day from the cut-off. */
  readonly arrivingPerDay: number
}

export async function readBacklog(connection: Connection, work: Work, tally: Tally): Promise<Backlog> {
  const { rule, phases } = work
  const { target } = rule
  const stays = await work.staysNow(connection)
  let [rows, arriving] = [0, 0]
  let oldest: Date | null = null
  for (const phase of phases) {
    const upTo = (later: string) => ({
      text: `
select pg_catalog.count(*), extract(epoch from min(${instantOf(target, phase.age)}))::double precision
from ${target.sql}
where ${eligible(rule, phase, stays, {
        cutoff: `(${RUN_PARAMETERS.cutoff} + interval '${later}')`,
        startedAt: `(${RUN_PARAMETERS.startedAt} + interval '${later}')`,
      })}`,
      params: work.parameters,
    })
    const now = await connection.query(upTo('0'))
    const tomorrow = await connection.query(upTo('1 day'))
    const [count, epoch] = now.rows[0] ?? []
    rows += Number(count)
    arriving += Number(tomorrow.rows[0]?.[0]) - Number(count)
    if (typeof epoch === 'number' && Number.isFinite(epoch)) {
      const at = new Date(epoch * 1000)
      if (oldest === null || at < oldest) oldest = at
    }
  }
  const rowsPerSecond = tally.rows === 0 || tally.busyMs === 0 ? null : (tally.rows * 1000) / tally.busyMs
  return {
    rows,
    oldest,
    rowsPerSecond,
    secondsToFinish: rows === 0 ? 0 : rowsPerSecond === null ? null : rows / rowsPerSecond,
    arrivingPerDay: arriving,
  }
}
