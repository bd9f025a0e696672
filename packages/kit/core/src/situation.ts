/** Pool settings for the three situations in which an application runs. */

export type Situation = 'server' | 'serverless' | 'pooler'

export interface PoolSettings {
  /** Connections at most. */
  readonly max: number
  /** Seconds after which an idle connection is closed. */
  readonly idleTimeoutSeconds: number
  /** Seconds that opening a connection may take. */
  readonly connectTimeoutSeconds: number
  /** Named prepared statements and pipelined transactions: need a session of one's own. */
  readonly sessionState: boolean
  /** One pool per process and URL, however often `connect` is called. */
  readonly cached: boolean
}

export const POOL_SETTINGS: Readonly<Record<Situation, PoolSettings>> = {
  /** A process that lives for days. */
  server: { max: 20, idleTimeoutSeconds: 20, connectTimeoutSeconds: 10, sessionState: true, cached: false },
  /**
   * Many short-lived processes, each serving one request at a time: few connections, given back soon,
   * because a hundred processes at 20 connections exhaust a server that allows a few hundred.
   */
  serverless: { max: 3, idleTimeoutSeconds: 5, connectTimeoutSeconds: 10, sessionState: true, cached: true },
  /** Behind PgBouncer or Supavisor in transaction mode: the server session changes with every transaction. */
  pooler: { max: 20, idleTimeoutSeconds: 20, connectTimeoutSeconds: 10, sessionState: false, cached: false },
}

/** Ports on which transaction-mode poolers listen by default: PgBouncer, Supavisor. */
const POOLER_PORTS = new Set([6432, 6543])

export function isPoolerPort(port: number): boolean {
  return POOLER_PORTS.has(port)
}
