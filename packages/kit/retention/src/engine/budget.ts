/** When a run must wait, and when it has done enough. */
import { setTimeout as sleep } from 'node:timers/promises'
import { translateError } from '@tenantry/core'
import type { Session } from './session.ts'
import type { Tally } from './tally.ts'

export interface PressureOptions {
  /** Wait while a replica is further behind than this, in seconds. Null: never. Default 10. */
  readonly replicationLagSeconds?: number | null
  /** Wait while every autovacuum worker is busy. Default true. */
  readonly vacuum?: boolean
  /** Between two looks, in milliseconds. Default 1,000. */
  readonly intervalMs?: number
}

export interface BudgetOptions {
  /** Rows changed at most; a transaction that has begun is finished. Null: no limit. */
  readonly maxRows?: number | null
  /** Milliseconds at most; a transaction or object that has begun is finished. Null: no limit. */
  readonly maxMs?: number | null
  readonly pressure?: PressureOptions
  readonly signal?: AbortSignal
}

/** `pg_stat_replication` shows its times to members of pg_read_all_stats only; to others nothing seems behind. */
const PRESSURE = `
select
  coalesce((select max(extract(epoch from replay_lag)) from pg_catalog.pg_stat_replication), 0)::double precision,
  (select pg_catalog.count(*) from pg_catalog.pg_stat_progress_vacuum)
    >= pg_catalog.current_setting('autovacuum_max_workers')::integer`

export class Budget {
  readonly #session: Session
  readonly #options: BudgetOptions
  readonly #started = performance.now()
  #looked = -Infinity

  constructor(session: Session, options: BudgetOptions) {
    this.#session = session
    this.#options = options
  }

  /** It said that it is enough. */
  spent = false

  get aborted(): boolean {
    return this.#options.signal?.aborted ?? false
  }

  async proceed(tally: Tally, onWait: (reason: 'replication' | 'vacuum') => void): Promise<boolean> {
    for (;;) {
      const { maxRows = null, maxMs = null, pressure = {} } = this.#options
      const late = maxMs !== null && performance.now() - this.#started >= maxMs
      if (this.aborted || late || (maxRows !== null && tally.rows >= maxRows)) {
        this.spent = true
        return false
      }
      const { intervalMs = 1000 } = pressure
      if (performance.now() - this.#looked < intervalMs) return true
      const reason = await this.#pressed(pressure)
      if (reason === null) {
        this.#looked = performance.now()
        return true
      }
      onWait(reason)
      await sleep(intervalMs, undefined, { signal: this.#options.signal, ref: true }).catch(
        (error: unknown) => {
          if (!this.aborted) throw translateError(error)
        },
      )
    }
  }

  async #pressed({
    replicationLagSeconds = 10,
    vacuum = true,
  }: PressureOptions): Promise<'replication' | 'vacuum' | null> {
    if (replicationLagSeconds === null && !vacuum) return null
    const { rows } = await this.#session.asLogin((connection) =>
      connection.query({ text: PRESSURE, params: [], reusable: true }),
    )
    const [lag, busy] = rows[0] ?? []
    if (replicationLagSeconds !== null && Number(lag) > replicationLagSeconds) return 'replication'
    return vacuum && busy === true ? 'vacuum' : null
  }
}
