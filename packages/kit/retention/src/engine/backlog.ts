/** Whether a rule keeps up: what is left, how old it is, how fast it goes, and how fast it comes. */
import type { Connection } from '@tenantry/core'
import { instantOf, olderThan } from '../rule/age.ts'
import { cutoffOf, eligible, RUN_PARAMETERS } from '../rule/phase.ts'
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
    const cutoff = cutoffOf(rule, phase, RUN_PARAMETERS)
    const later = {
      cutoff: `(${RUN_PARAMETERS.cutoff} + interval '1 day')`,
      startedAt: `(${RUN_PARAMETERS.startedAt} + interval '1 day')`,
    }
    // Once through the index: it leads by all the rows that are gone, and that no vacuum has looked after yet.
    const counted = await connection.query({
      text: `
select
  pg_catalog.count(*) filter (where old),
  pg_catalog.count(*) filter (where not old),
  extract(epoch from min(at) filter (where old))::double precision
from (
  select ${instantOf(target, phase.age)} as at, ${olderThan(target, phase.age, cutoff)} as old
  from ${target.sql}
  where ${eligible(rule, phase, stays, later)}
) as due`,
      params: work.parameters,
    })
    const [count, soon, epoch] = counted.rows[0] ?? []
    rows += Number(count)
    arriving += Number(soon)
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
