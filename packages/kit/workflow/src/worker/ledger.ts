/**
 * What became of rows, on its way into the database: a claim that is made in the same turn of the event loop takes
 * it along; else it is sent by itself, with all that gathered while a statement ran.
 */
import { ConnectionError, type Executor, type TenantryError, translateError } from '@tenantry/core'
import type { PgTable } from 'drizzle-orm/pg-core'
import type {
  Claim,
  ClaimBatch,
  Claims,
  FailOutcome,
  FinishOptions,
  FinishOutcome,
  TakeOptions,
} from '../claims/claims.ts'
import { JobFailure, type WorkerEvent } from './options.ts'

export type Result<T extends PgTable, State extends string> =
  | { readonly claim: Claim<T>; readonly finish: FinishOptions<T, State> }
  | { readonly claim: Claim<T>; readonly error: unknown }

export interface Ledger<T extends PgTable, State extends string> {
  /** Takes a result; resolves when the database has it, or never will. */
  settle(result: Result<T, State>): Promise<void>
  /**
   * Claims, and takes along what waits to be finished. When the database refuses that, the results are sent again
   * without a claim, and null says that the claim may be made again without them.
   */
  claim(options: TakeOptions): Promise<ClaimBatch<T> | null>
}

interface LedgerOptions<T extends PgTable, State extends string> {
  readonly claims: Claims<T, State>
  readonly executor: Executor
  readonly emit: (event: WorkerEvent<T>) => void
  /** How long to go on trying: as long as nobody else can have the row. */
  readonly leaseSeconds: number
}

interface Entry<T extends PgTable, State extends string> {
  readonly result: Result<T, State>
  readonly since: number
  readonly done: () => void
}

const RETRY_FIRST_MS = 50
const RETRY_LAST_MS = 2000

export function createLedger<T extends PgTable, State extends string>({
  claims,
  executor,
  emit,
  leaseSeconds,
}: LedgerOptions<T, State>): Ledger<T, State> {
  type Own = Entry<T, State>
  let waiting: Own[] = []
  let due = false
  let sending = false
  let failures = 0

  async function send(): Promise<void> {
    if (sending) return
    sending = true
    while (waiting.length > 0) {
      const entries = waiting
      waiting = []
      await write(entries)
    }
    sending = false
  }

  async function write(entries: readonly Own[]): Promise<void> {
    const finished = entries.filter(isFinished)
    const failed = entries.filter((entry) => !isFinished(entry))
    await attempt(finished, () => claims.finishAll(executor, finished.map(finishing)))
    await attempt(failed, () =>
      claims.failAll(
        executor,
        failed.map(({ result }) => failure(result)),
      ),
    )
  }

  async function attempt(entries: readonly Own[], run: () => Promise<readonly Outcome[]>): Promise<void> {
    if (entries.length === 0) return
    let outcomes: readonly Outcome[]
    try {
      outcomes = await run()
    } catch (thrown) {
      await again(entries, translateError(thrown))
      return
    }
    report(entries, outcomes)
  }

  function report(entries: readonly Own[], outcomes: readonly Outcome[]): void {
    failures = 0
    for (const [index, { result, done }] of entries.entries()) {
      const { claim } = result
      const type = EVENTS[outcomes[index] ?? 'stale']
      if (type === 'finished' || type === 'lost') emit({ type, claim })
      else emit({ type, claim, error: 'error' in result ? result.error : undefined })
      done()
    }
  }

  async function again(entries: readonly Own[], error: TenantryError): Promise<void> {
    if (!isPassing(error)) {
      const [only, ...others] = entries
      // One row's values are refused: which, is found by asking for each alone.
      if (others.length > 0) for (const entry of entries) await write([entry])
      else if (only !== undefined && 'finish' in only.result) {
        waiting.push({ ...only, result: { claim: only.result.claim, error } })
      } else if (only !== undefined) lose(only, error)
      return
    }
    emit({ type: 'error', during: 'finish', error })
    for (const entry of entries) {
      if (performance.now() - entry.since > leaseSeconds * 1000) lose(entry, error)
      else waiting.push(entry)
    }
    await new Promise((resolve) =>
      setTimeout(resolve, Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** failures++)),
    )
  }

  function lose({ result, done }: Own, error: TenantryError): void {
    emit({ type: 'error', during: 'finish', error })
    emit({ type: 'lost', claim: result.claim })
    done()
  }

  /** Beside the others, which needn't wait for somebody who has locked these. */
  function sendAlone(entries: readonly Own[]): void {
    if (entries.length > 0) void write(entries).then(send)
  }

  return {
    settle: (result) =>
      new Promise((done) => {
        waiting.push({ result, since: performance.now(), done })
        if (due) return
        due = true
        setImmediate(() => {
          due = false
          void send()
        })
      }),
    async claim(options) {
      const finished = waiting.filter(isFinished)
      if (finished.length === 0) return claims.claim(executor, options)
      waiting = waiting.filter((entry) => !isFinished(entry))
      try {
        const { outcomes, batch } = await claims.finishAndClaim(executor, finished.map(finishing), options)
        const settled = (_: unknown, index: number): boolean => outcomes[index] !== 'busy'
        report(
          finished.filter(settled),
          outcomes.filter((outcome) => outcome !== 'busy'),
        )
        sendAlone(finished.filter((entry, index) => !settled(entry, index)))
        return batch
      } catch (thrown) {
        const error = translateError(thrown)
        // What was refused may be the claim, of another tenant's row: results are judged by a statement of their own.
        if (isPassing(error)) void again(finished, error).then(send)
        else sendAlone(finished)
        if (isPassing(error)) throw error
        return null
      }
    },
  }
}

type Outcome = FinishOutcome | FailOutcome

/** Repeated after a lost connection, or by the handler in a transaction of its own. */
const EVENTS = {
  finished: 'finished',
  repeated: 'finished',
  retried: 'retried',
  failed: 'failed',
  stale: 'lost',
} as const satisfies Record<Outcome, WorkerEvent<PgTable>['type']>

function isFinished<T extends PgTable, State extends string>({ result }: Entry<T, State>): boolean {
  return 'finish' in result
}

function finishing<T extends PgTable, State extends string>({ result }: Entry<T, State>) {
  return { claim: result.claim, ...('finish' in result ? result.finish : {}) }
}

/**
 * Worth another try. A connection that was lost as it committed counts, although nobody knows what it did: claims
 * are fenced by their tokens, so that a repetition does no harm.
 */
export function isPassing(error: TenantryError): boolean {
  return error.retryable || error instanceof ConnectionError
}

function failure<T extends PgTable, State extends string>(result: Result<T, State>) {
  const error: unknown = 'error' in result ? result.error : undefined
  const { final, delaySeconds } = error instanceof JobFailure ? error : {}
  return {
    claim: result.claim,
    reason: printed(error),
    final,
    delaySeconds,
  }
}

/** Anything can be thrown, even what can't be printed. */
function printed(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  } catch {
    return 'the handler threw a value that can not be printed'
  }
}
