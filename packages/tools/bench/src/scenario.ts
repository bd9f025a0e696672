/** What is measured: the same work by several sides, and the ratios that are wanted between them. */
import type { Clients } from './clients.ts'
import type { Seed } from './seed.ts'

/**
 * `ours`: a login that is itself subject to row security. `privileged`: the library with a superuser's login.
 * `raw`: postgres.js without row security. `usual`: Drizzle with set_config in a transaction, below row security.
 */
export type SideName = 'ours' | 'privileged' | 'raw' | 'usual'

/** One unit of work; `index` counts the calls of a side, so that all sides ask for the same rows in turn. */
export type Call = (index: number) => Promise<unknown>

export type Measure = 'p50' | 'throughput'

export interface Target {
  readonly measure: Measure
  /** What `ours` is compared with. */
  readonly against: SideName
  /** ≤ for p50 (time by time), ≥ for throughput (calls by calls). Absent: printed for information. */
  readonly ratio?: number
  /** Default: `ours`. */
  readonly of?: SideName
}

export interface Scenario {
  readonly name: string
  /** Calls of a side before it is another's turn, one after the other. Enough for some tens of milliseconds. */
  readonly block: number
  /** Also measured with many callers over ten connections. */
  readonly concurrent: boolean
  /** Measured over connections of two milliseconds a round trip instead of loopback. */
  readonly distant?: true
  sides(clients: Clients, seed: Seed): Readonly<Partial<Record<SideName, Call>>>
  readonly targets: readonly Target[]
}
