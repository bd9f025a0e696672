import { ConfigurationError, StaleTransitionError, translateError } from '@tenantry/core'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Claim } from '../claims/claims.ts'
import { createBell } from './bell.ts'
import { createLedger, isPassing } from './ledger.ts'
import type { WorkerOptions } from './options.ts'

/** A row that this worker has: begun or in reserve. */
interface HeldRow<T extends PgTable> {
  readonly claim: Claim<T>
  /** Why it is no longer this worker's. */
  lost: StaleTransitionError | undefined
  /** Made for a handler that asks for its signal. */
  controller: AbortController | undefined
  /** The work is done, and the database is being told. */
  settling: boolean
}

/** What a timer of Node can wait, rounded to days: 24. */
const SECONDS_MAX = 24 * 86_400

/** Waits after a claim that couldn't be made, in milliseconds: doubled up to the poll. */
const RETRY_FIRST_MS = 100

/**
 * Works on claimed rows until the signal is aborted: claims in batches, renews the leases of what it holds at a
 * third of their length, finishes in batches, puts failed rows back or gives them up. It is woken by NOTIFY where
 * the connection allows it, and looks by itself every `pollSeconds`. A lost connection is an event, and tried
 * again. Run any number of them, in any number of processes.
 *
 * @returns when everything that was begun has been finished, and the rest was put back.
 * @throws whatever makes claiming impossible and isn't worth another try, such as a missing table.
 */
export async function runWorker<T extends PgTable, State extends string, Scope>(
  options: WorkerOptions<T, State, Scope>,
): Promise<void> {
  const { claims, system, handler, signal } = options
  const {
    concurrency = 1,
    batch = concurrency,
    pollSeconds = 5,
    leaseSeconds = claims.leaseSeconds,
  } = options
  for (const [name, value] of Object.entries({ concurrency, batch })) {
    if (Number.isSafeInteger(value) && value > 0) continue
    throw new ConfigurationError(`${name} of a worker must be a whole number above 0`)
  }
  for (const [name, value] of Object.entries({ pollSeconds, leaseSeconds })) {
    if (value > 0 && value <= SECONDS_MAX) continue
    throw new ConfigurationError(`${name} of a worker must be above 0, and at most ${SECONDS_MAX}`)
  }
  const executor = system.serviceExecutor()
  const emit = emitter(options.onEvent)
  const ledger = createLedger({ claims, executor, emit, leaseSeconds })
  const capacity = Math.max(concurrency, batch)
  /** By token. */
  const held = new Map<string, HeldRow<T>>()
  let reserve: HeldRow<T>[] = []
  const running = new Set<Promise<void>>()
  const settling = new Set<Promise<void>>()
  /** Rung when rows may be there. */
  const work = createBell()
  /** Rung when there may be room. */
  const room = createBell()

  function begin(): void {
    while (!signal.aborted && running.size < concurrency) {
      const next = reserve.shift()
      if (next === undefined) return
      const run = perform(next).finally(() => {
        running.delete(run)
        begin()
        room.ring()
      })
      running.add(run)
    }
  }

  /** Only the work takes a place; telling the database goes on beside it. */
  async function perform(row: HeldRow<T>): Promise<void> {
    const { claim } = row
    const working = async () =>
      handler({
        claim,
        row: claim.row,
        scope: system.asService().tenant(claim.tenant),
        get signal() {
          return signalOf(row)
        },
      })
    const result = await working().then(
      (finish) => ({ claim, finish: finish ?? {} }),
      (error: unknown) => ({ claim, error }),
    )
    if (row.lost !== undefined) return
    row.settling = true
    const settled = ledger.settle(result).then(() => {
      held.delete(claim.token)
      settling.delete(settled)
      room.ring()
    })
    settling.add(settled)
  }

  async function claimMore(limit: number): Promise<number> {
    const batchOf = await ledger.claim({ limit, leaseSeconds })
    if (batchOf === null) return limit
    if (batchOf.abandoned.length > 0) emit({ type: 'abandoned', rows: batchOf.abandoned })
    if (batchOf.claims.length > 0) {
      emit({ type: 'claimed', claims: batchOf.claims })
      for (const claim of batchOf.claims) {
        const row: HeldRow<T> = { claim, lost: undefined, controller: undefined, settling: false }
        held.set(claim.token, row)
        reserve.push(row)
      }
      begin()
    }
    return batchOf.claims.length + batchOf.abandoned.length
  }

  const wanted = (): number => {
    // Rows whose work is done only wait for the database, which takes them all at once: they hold no place.
    const undone = held.size - settling.size
    const needed = (reserve.length === 0 && running.size < concurrency) || undone * 2 <= capacity
    return needed && settling.size <= capacity ? Math.min(batch, capacity - undone) : 0
  }

  const beat = async (): Promise<void> => {
    const rows = [...held.values()].filter((row) => !row.settling)
    if (rows.length === 0) return
    try {
      const outcomes = await claims.renewAll(
        executor,
        rows.map(({ claim }) => claim),
        { leaseSeconds },
      )
      for (const [index, row] of rows.entries()) {
        if (outcomes[index] === 'stale' && !row.settling) lose(row)
      }
    } catch (thrown) {
      emit({ type: 'error', during: 'renew', error: translateError(thrown) })
    }
  }

  function lose(row: HeldRow<T>): void {
    held.delete(row.claim.token)
    reserve = reserve.filter((other) => other !== row)
    row.lost = new StaleTransitionError('The lease of this row was lost to another worker')
    row.controller?.abort(row.lost)
    emit({ type: 'lost', claim: row.claim })
    room.ring()
  }

  let stopListening: (() => Promise<void>) | undefined
  async function listen(): Promise<void> {
    if (stopListening !== undefined) return
    try {
      stopListening = await system.database.driver.listen?.(claims.channel, () => work.ring())
    } catch (thrown) {
      emit({ type: 'error', during: 'listen', error: translateError(thrown) })
    }
  }

  async function claimUntilStopped(): Promise<void> {
    let failures = 0
    let begun = false
    while (!signal.aborted) {
      const limit = wanted()
      if (limit <= 0) {
        await room.wait()
        continue
      }
      work.mute()
      try {
        const taken = await claimMore(limit)
        begun = true
        failures = 0
        if (taken >= limit) continue
      } catch (thrown) {
        const error = translateError(thrown)
        if (!isPassing(error) || (!begun && !error.retryable)) throw error
        emit({ type: 'error', during: 'claim', error })
        await work.wait(Math.min(pollSeconds * 1000, RETRY_FIRST_MS * 2 ** failures++))
        continue
      }
      await listen()
      await work.wait(pollSeconds * 1000 * (0.5 + Math.random() / 2))
    }
  }

  const stop = (): void => {
    work.ring()
    room.ring()
  }
  signal.addEventListener('abort', stop, { once: true })
  await listen()
  emit({ type: 'started', listening: stopListening !== undefined })
  let beating: Promise<void> | undefined
  const heart = setInterval(
    () => {
      beating ??= beat().finally(() => (beating = undefined))
    },
    (leaseSeconds * 1000) / 3,
  )
  try {
    await claimUntilStopped()
  } finally {
    signal.removeEventListener('abort', stop)
    await putBack()
    while (running.size > 0 || settling.size > 0) await Promise.all([...running, ...settling])
    clearInterval(heart)
    await beating
    await stopListening?.()
  }

  /** What can't be put back now comes back by itself, when its lease has run out. */
  async function putBack(): Promise<void> {
    const back = reserve.splice(0).map(({ claim }) => claim)
    for (const { token } of back) held.delete(token)
    if (back.length === 0) return
    try {
      await claims.release(executor, back)
      emit({ type: 'released', claims: back })
    } catch (thrown) {
      emit({ type: 'error', during: 'finish', error: translateError(thrown) })
    }
  }
}

function signalOf<T extends PgTable>(row: HeldRow<T>): AbortSignal {
  row.controller ??= new AbortController()
  if (row.lost !== undefined) row.controller.abort(row.lost)
  return row.controller.signal
}

/** A listener that throws must not end the work; the process hears of it as of any uncaught exception. */
function emitter<E>(onEvent: ((event: E) => void) | undefined): (event: E) => void {
  return (event) => {
    try {
      onEvent?.(event)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
