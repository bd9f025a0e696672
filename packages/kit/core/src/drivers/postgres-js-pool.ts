/**
 * A pool of postgres.js clients with one connection each. A connection whose backend died under a query can
 * leave its bytes and its timer behind in postgres.js (3.4.9: `closed()` clears `nextWriteTimer` and keeps it),
 * so that the reconnect never sends its first message and every later query waits for ever. So a client whose
 * connection has closed is thrown away, and what still waited in it is rejected.
 */
import { ConnectionError } from '../errors.ts'
import type { InternalClient } from './postgres-js-connection.ts'

/** Where a driver gets the client for a statement or a transaction. */
export interface ClientSource {
  /** Runs work on one client; with `exclusive`, others get different ones as long as there are any. */
  use<T>(exclusive: boolean, work: (client: InternalClient) => Promise<T>): Promise<T>
  close(timeoutSeconds: number): Promise<void>
}

/** A client of the host's: its pool decides. */
export function hostClient(client: InternalClient): ClientSource {
  return { use: (_exclusive, work) => work(client), close: () => Promise.resolve() }
}

interface Slot {
  readonly client: InternalClient
  /** Statements and transactions under way; a transaction weighs more than any number of statements. */
  load: number
  /** Since it was last given out, while nothing runs on it. */
  idleSeconds: number
}

/** What a transaction adds to a slot's load: statements queue behind it only when every slot has one. */
const EXCLUSIVE = 1000

export interface ClientPoolOptions {
  /** Clients at most. */
  readonly max: number
  /** Seconds after which a client that nobody uses is closed; up to a second more. */
  readonly idleTimeoutSeconds: number
}

export function clientPool(
  options: ClientPoolOptions,
  open: (onclose: () => void) => InternalClient,
): ClientSource {
  const { max, idleTimeoutSeconds } = options
  const slots = new Set<Slot>()
  let closed = false
  let reaper: NodeJS.Timeout | undefined

  // postgres.js's own idle_timeout starts and stops a timer around every statement.
  function reap(): void {
    for (const slot of slots) {
      if (slot.load === 0 && ++slot.idleSeconds > idleTimeoutSeconds) discard(slot)
    }
  }

  function add(): Slot {
    const slot: Slot = { client: open(() => discard(slot)), load: 0, idleSeconds: 0 }
    slots.add(slot)
    // It holds no process open: the sockets do, until it closes them.
    reaper ??= setInterval(reap, 1000).unref()
    return slot
  }

  function discard(slot: Slot): void {
    if (closed || !slots.delete(slot)) return
    slot.client.end({ timeout: 0 }).catch(() => {})
    if (slots.size > 0) return
    clearInterval(reaper)
    reaper = undefined
  }

  /** The least loaded one; a new one as long as all are busy and there may be more. */
  function pick(): Slot {
    let best: Slot | undefined
    for (const slot of slots) if (best === undefined || slot.load < best.load) best = slot
    return best === undefined || (best.load > 0 && slots.size < max) ? add() : best
  }

  return {
    use(exclusive, work) {
      if (closed) return Promise.reject(new ConnectionError('The database is closed', { retryable: false }))
      const slot = pick()
      const weight = exclusive ? EXCLUSIVE : 1
      slot.load += weight
      slot.idleSeconds = 0
      // Without async and await, which would cost two promises more for each statement.
      return started(slot.client, work).then(
        (value) => {
          slot.load -= weight
          return value
        },
        (error: unknown) => {
          slot.load -= weight
          throw error
        },
      )
    },
    async close(timeoutSeconds) {
      closed = true
      clearInterval(reaper)
      await Promise.all([...slots].map((slot) => slot.client.end({ timeout: timeoutSeconds })))
    },
  }
}

/** A failure before anything was sent is a rejection like any other. */
function started<T>(client: InternalClient, work: (client: InternalClient) => Promise<T>): Promise<T> {
  try {
    return work(client)
  } catch (error) {
    return Promise.reject(error)
  }
}
