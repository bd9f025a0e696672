import {
  ConfigurationError,
  type Executor,
  lazyModule,
  type Module,
  StaleTransitionError,
} from '@tenantry/core'
import type { Row } from '@tenantry/repository'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { StateMachine } from '../state-machine.ts'
import { claimsMachine } from './machine.ts'
import { batchReader } from './batch.ts'
import { claimObjects } from './objects.ts'
import type { ClaimsOptions } from './options.ts'
import { planClaims } from './plan.ts'
import { createRunner, type HeldRow } from './runner.ts'

/** A row that its holder works on. What proves it is `token`: a copy of the rest is worth nothing. */
export interface Claim<T extends PgTable = PgTable> {
  readonly id: string
  readonly tenant: string
  readonly token: string
  /** Which attempt this is, from 1. */
  readonly attempt: number
  /** The row as the claim left it. */
  readonly row: Row<T>
}

/** What tells one claim from another; enough to finish it, from another process too. */
export type ClaimKey = Pick<Claim, 'id' | 'tenant' | 'token'>

export interface ClaimBatch<T extends PgTable> {
  /** Rows for the caller to work on, in the order in which they are to be done. */
  readonly claims: readonly Claim<T>[]
  /** Rows that were given up instead: the lease of their last attempt had run out. */
  readonly abandoned: readonly { readonly id: string; readonly tenant: string }[]
}

/** Values for columns of the row, written together with the step. Not its key, tenant, state or lease. */
export type ClaimValues<T extends PgTable> = { readonly [P in keyof Row<T>]?: Row<T>[P] | undefined }

export interface FinishOptions<T extends PgTable, State extends string> {
  /** One of the done states. Default: the first. */
  readonly to?: State | undefined
  readonly set?: ClaimValues<T> | undefined
}

export interface FailOptions<T extends PgTable> {
  /** Give up at once: trying again can't help. Default false. */
  readonly final?: boolean | undefined
  /** Wait before the next attempt, in seconds, instead of the backoff's. */
  readonly delaySeconds?: number | undefined
  readonly set?: ClaimValues<T> | undefined
}

export interface RenewOptions<T extends PgTable, State extends string> {
  /** From now on, in seconds. Default: the claims' `leaseSeconds`. */
  readonly leaseSeconds?: number | undefined
  /** A later working state. Default: the row stays in its state. */
  readonly to?: State | undefined
  readonly set?: ClaimValues<T> | undefined
}

/**
 * `repeated`: the same token had finished the row before. `stale`: the lease ran out and another holder has, or
 * had, the row; or it was deleted. In both cases nothing was changed.
 */
export type FinishOutcome = 'finished' | 'repeated' | 'stale'
export type FailOutcome = 'retried' | 'failed' | 'repeated' | 'stale'
/** `busy`: another session has locked the row, so nobody can claim it now; nothing was changed. */
export type RenewOutcome = 'renewed' | 'busy' | 'repeated' | 'stale'
export type ReleaseOutcome = 'released' | 'stale'

export interface TakeOptions {
  /** Rows to take, at most. Default 1. */
  readonly limit?: number
  /** From now on. Default: the claims' `leaseSeconds`. */
  readonly leaseSeconds?: number
}

/** Counts are of rows; ages in seconds, null where there is no such row. */
export interface Backlog {
  /** May be claimed now. */
  readonly ready: number
  /** Wait for a time: after a failure, or as they were inserted. */
  readonly delayed: number
  /** Under a lease. */
  readonly working: number
  /** Stuck: their lease has run out, and nobody has taken them over yet. */
  readonly expired: number
  readonly oldestReadySeconds: number | null
  readonly longestExpiredSeconds: number | null
}

/**
 * Work that any number of processes take from one table. Every method is one statement, and needs the executor
 * of the service role; one that is bound to a tenant sees that tenant's rows.
 */
export interface Claims<T extends PgTable, State extends string> {
  readonly table: T
  readonly module: Module
  readonly machine: StateMachine<State>
  readonly leaseSeconds: number
  /** The channel on which the database says, without a payload, that rows are ready. */
  readonly channel: string
  /**
   * Takes up to `limit` rows (default 1) that are ready, or whose lease ran out and whose backoff has passed
   * since: work that took its worker down is no more eager than work that failed. Rows that another claim is just
   * taking are passed over, so no two callers get the same and none waits. A row whose last attempt it was is
   * given up as soon as its lease has run out.
   */
  claim(executor: Executor, options?: TakeOptions): Promise<ClaimBatch<T>>
  /**
   * Finishes a row. Again with the same token it changes nothing, and says so: whoever writes more than the row in
   * the same transaction does that for `finished` only. @throws StaleTransitionError
   */
  finish(
    executor: Executor,
    claim: ClaimKey,
    options?: FinishOptions<T, State>,
  ): Promise<Exclude<FinishOutcome, 'stale'>>
  /** Outcomes are in the order of the input. One statement for all rows that set the same columns. */
  finishAll(
    executor: Executor,
    items: readonly ({ readonly claim: ClaimKey } & FinishOptions<T, State>)[],
  ): Promise<readonly FinishOutcome[]>
  /**
   * `finishAll` and `claim` by one statement and one commit, which is what a worker's turn costs least by. It waits for
   * no lock: a row that another session has locked is `busy`, and left to `finishAll`. If it throws, it may be what was
   * to be claimed that was refused; finishing can be tried again with the same tokens.
   */
  finishAndClaim(
    executor: Executor,
    items: readonly ({ readonly claim: ClaimKey } & FinishOptions<T, State>)[],
    options?: TakeOptions,
  ): Promise<{ readonly outcomes: readonly (FinishOutcome | 'busy')[]; readonly batch: ClaimBatch<T> }>
  /**
   * Puts a row back to be tried again after a wait, or gives it up after the last attempt. `reason` is kept in
   * the row. @throws StaleTransitionError
   */
  fail(
    executor: Executor,
    claim: ClaimKey,
    reason: string,
    options?: FailOptions<T>,
  ): Promise<Exclude<FailOutcome, 'repeated' | 'stale'>>
  failAll(
    executor: Executor,
    items: readonly ({ readonly claim: ClaimKey; readonly reason: string } & FailOptions<T>)[],
  ): Promise<readonly FailOutcome[]>
  /**
   * Extends a lease from now on, even one that has run out as long as nobody took the row over.
   * @throws StaleTransitionError also for a row that this token has finished.
   */
  renew(executor: Executor, claim: ClaimKey, options?: RenewOptions<T, State>): Promise<void>
  /** Waits for no lock: a row that another session has locked can't be claimed meanwhile, and is `busy`. */
  renewAll(
    executor: Executor,
    claims: readonly ClaimKey[],
    options?: { readonly leaseSeconds?: number },
  ): Promise<readonly RenewOutcome[]>
  /** Puts rows back as if they had never been claimed. */
  release(executor: Executor, claims: readonly ClaimKey[]): Promise<readonly ReleaseOutcome[]>
  /** What waits, what runs, and what is stuck. */
  backlog(executor: Executor): Promise<Backlog>
}

/**
 * Declares that rows of a table are work: claimed under a lease, finished by token, retried with backoff and
 * given up. Adds an index of open rows, the states' machine, a guard that refuses every other way in or out of
 * a working state (raw SQL too), and a NOTIFY when rows become ready.
 *
 * @throws ConfigurationError if a column is missing or of a type that can't serve, or the states don't add up.
 */
export function defineClaims<
  T extends PgTable,
  const State extends string,
  const Extra extends string = never,
>(options: ClaimsOptions<T, State, Extra>): Claims<T, State | Extra> {
  const plan = planClaims(options)
  const machine = claimsMachine(options, plan)
  const run = createRunner(plan)
  const read = batchReader<T>(plan)
  const table = plan.target.label
  const only = <O extends string>(outcomes: readonly (O | 'stale')[]): O => {
    const [outcome] = outcomes
    if (outcome === undefined || outcome === 'stale') throw stale(table)
    return outcome
  }
  /** The states that rows are to be finished in. */
  const doneStates = (items: readonly FinishOptions<T, State | Extra>[]) => {
    for (const { to } of items) if (to !== undefined) expectState(plan.done, to, 'done')
    return (of: readonly FinishOptions<T, State | Extra>[]) => ({
      states: of.map(({ to = plan.done[0] }) => to),
    })
  }

  const claims: Claims<T, State | Extra> = {
    table: options.table,
    machine,
    leaseSeconds: plan.leaseSeconds,
    channel: plan.channel,
    module: lazyModule({
      name: `${machine.module.name} and claims`,
      objects: () => [...machine.module.objects, ...claimObjects(options.table, plan)],
    }),
    async claim(executor, { limit = 1, leaseSeconds = plan.leaseSeconds } = {}) {
      return read(await run.claim(executor, limit, leaseSeconds))
    },
    async finish(executor, claim, finish = {}) {
      return only(await claims.finishAll(executor, [{ claim, ...finish }]))
    },
    async finishAll(executor, items) {
      return (await run.hold(executor, 'finish', items, doneStates(items))).map(finishOutcome)
    },
    async finishAndClaim(executor, items, { limit = 1, leaseSeconds = plan.leaseSeconds } = {}) {
      const { finished, claimed } = await run.finishAndClaim(
        executor,
        items,
        doneStates(items),
        limit,
        leaseSeconds,
      )
      return {
        outcomes: finished.map((row) => (row.standing === 'held' ? 'busy' : finishOutcome(row))),
        batch: read(claimed),
      }
    },
    async fail(executor, claim, reason, fail = {}) {
      const outcomes = await claims.failAll(executor, [{ claim, reason, ...fail }])
      return only(outcomes.map((outcome) => (outcome === 'repeated' ? 'stale' : outcome)))
    },
    async failAll(executor, items) {
      const rows = await run.hold(executor, 'fail', items, (of) => ({
        errors: of.map(({ reason }) => legible(reason)),
        finals: of.map(({ final = false }) => final),
        delays: of.map(({ delaySeconds = null }) => delaySeconds),
        randoms: of.map(() => Math.random()),
      }))
      return rows.map((row) =>
        !row.changed ? unchanged(row) : row.state === plan.failed ? 'failed' : 'retried',
      )
    },
    async renew(executor, claim, { leaseSeconds = plan.leaseSeconds, to, set } = {}) {
      if (to !== undefined) expectState(plan.working, to, 'working')
      const rows = await run.hold(
        executor,
        'renew',
        [{ claim, set }],
        () => ({ states: [to ?? null], seconds: leaseSeconds }),
        { lock: 'wait' },
      )
      only(rows.map(({ changed }) => (changed ? 'renewed' : 'stale')))
    },
    async renewAll(executor, keys, { leaseSeconds = plan.leaseSeconds } = {}) {
      const items = keys.map((claim) => ({ claim }))
      const rows = await run.hold(
        executor,
        'renew',
        items,
        (of) => ({ states: of.map(() => null), seconds: leaseSeconds }),
        { lock: 'skip' },
      )
      return rows.map((row) => (row.changed ? 'renewed' : row.standing === 'held' ? 'busy' : unchanged(row)))
    },
    async release(executor, keys) {
      const rows = await run.hold(
        executor,
        'release',
        keys.map((claim) => ({ claim })),
        () => ({}),
      )
      return rows.map((row) => (row.changed ? 'released' : 'stale'))
    },
    async backlog(executor) {
      const { rows } = await run.backlog(executor)
      const [ready, delayed, working, expired, oldestReady, longestExpired] = rows[0] ?? []
      const age = (value: unknown): number | null => (value === null ? null : Number(value))
      return {
        ready: Number(ready),
        delayed: Number(delayed),
        working: Number(working),
        expired: Number(expired),
        oldestReadySeconds: age(oldestReady),
        longestExpiredSeconds: age(longestExpired),
      }
    },
  }
  return claims
}

const unchanged = ({ standing }: HeldRow): 'repeated' | 'stale' =>
  standing === 'done' ? 'repeated' : 'stale'

const finishOutcome = (row: HeldRow): FinishOutcome => (row.changed ? 'finished' : unchanged(row))

function expectState(states: readonly string[], state: string, meaning: string): void {
  if (!states.includes(state))
    throw new ConfigurationError(`"${state}" is no ${meaning} state: ${states.join(', ')}`)
}

/** Characters of a reason that are kept: enough for a message, too few for a dump. */
const REASON_MAX = 2000

function legible(reason: string): string {
  return reason.replaceAll('\0', '').slice(0, REASON_MAX)
}

function stale(table: string): StaleTransitionError {
  return new StaleTransitionError(`The claim on a row of ${table} is no longer valid`, {
    table,
    hint: 'Its lease ran out and another worker has taken the row; drop the work, nothing was changed',
  })
}
