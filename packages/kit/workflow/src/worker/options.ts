import { ConfigurationError, type Database, type Executor, type TenantryError } from '@tenantry/core'
import type { Row } from '@tenantry/repository'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Claim, ClaimBatch, Claims, FinishOptions } from '../claims/claims.ts'

/** The part of a system that a worker uses: any of `defineSystem` has it. */
export interface WorkerSystem<Scope> {
  readonly database: Database
  serviceExecutor(): Executor
  asService(): { tenant(id: string): Scope }
}

/** One row to work on. */
export interface WorkerJob<T extends PgTable, Scope> {
  readonly row: Row<T>
  readonly claim: Claim<T>
  /** The service role's repositories, bound to the tenant whose row it is. */
  readonly scope: Scope
  /** Aborted when the lease is lost: another worker has the row, and what this one writes by it is refused. */
  readonly signal: AbortSignal
}

export type WorkerEvent<T extends PgTable> =
  | { readonly type: 'started'; /** Woken by NOTIFY; false: it polls. */ readonly listening: boolean }
  | { readonly type: 'claimed'; readonly claims: readonly Claim<T>[] }
  | { readonly type: 'finished'; readonly claim: Claim<T> }
  | { readonly type: 'retried' | 'failed'; readonly claim: Claim<T>; readonly error: unknown }
  /** Found given up: the lease of their last attempt had run out. */
  | { readonly type: 'abandoned'; readonly rows: ClaimBatch<T>['abandoned'] }
  /** Its lease ran out and another worker has it. What the handler returns is dropped. */
  | { readonly type: 'lost'; readonly claim: Claim<T> }
  /** Claimed, not begun, and put back because the worker stops. */
  | { readonly type: 'released'; readonly claims: readonly Claim<T>[] }
  /** The database couldn't be asked; the worker tries again. */
  | {
      readonly type: 'error'
      readonly during: 'listen' | 'claim' | 'renew' | 'finish'
      readonly error: TenantryError
    }

export interface WorkerOptions<T extends PgTable, State extends string, Scope> {
  readonly claims: Claims<T, State>
  readonly system: WorkerSystem<Scope>
  /**
   * Does the work of one row. What it returns is written as the row is finished; what it throws is kept as the
   * row's last error, and the row is tried again or given up (see `JobFailure`). It may run again for a row that
   * it has worked on before: a process can die between the work and its finishing.
   */
  readonly handler: (job: WorkerJob<T, Scope>) => Promise<FinishOptions<T, State> | void>
  /** Rows worked on at once. Default 1. */
  readonly concurrency?: number
  /** Rows taken by one claim, at most. More than `concurrency` are held in reserve. Default: `concurrency`. */
  readonly batch?: number
  /** Longest wait for work that nobody announces, in seconds: between half of it and all of it. Default 5. */
  readonly pollSeconds?: number
  /** Default: the claims'. Renewed three times as often. */
  readonly leaseSeconds?: number
  /** Ends it: what runs is finished, what was claimed and not begun is put back. */
  readonly signal: AbortSignal
  /** Receives what happens, as it does. Must not throw. */
  readonly onEvent?: (event: WorkerEvent<T>) => void
}

const DELAY_MAX = 366 * 86_400

/** Thrown by a handler that knows more about its failure than a message. @throws ConfigurationError for a delay of more than a year, or of no number. */
export class JobFailure extends Error {
  /** Give up at once: trying again can't help. */
  readonly final: boolean
  /** Wait before the next attempt, in seconds, instead of the backoff's. */
  readonly delaySeconds: number | undefined
  constructor(
    reason: string,
    options: { readonly final?: boolean; readonly delaySeconds?: number; readonly cause?: unknown } = {},
  ) {
    const { delaySeconds } = options
    if (delaySeconds !== undefined && !(delaySeconds >= 0 && delaySeconds <= DELAY_MAX)) {
      throw new ConfigurationError(`delaySeconds of a JobFailure is from 0 to ${DELAY_MAX}, a year`)
    }
    super(reason, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'JobFailure'
    this.final = options.final ?? false
    this.delaySeconds = delaySeconds
  }
}
