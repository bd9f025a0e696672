/**
 * One connection of a postgres.js pool, held for several statements. The client's own ways have faults that
 * matter here (3.4.9): a handle of `reserve()` goes on after its connection was lost, on a closed socket (which
 * ends the process) or on a connection that others use; a cold `reserve()` hangs when `fetch_types` is off;
 * `begin()` waits for BEGIN before anything else, can't outlive a caught failure, and sends ROLLBACK on a closed
 * socket. So this uses the hooks by which `begin()` itself takes a connection: `onexecute`, `reserved`, `onclose`.
 */
import { ConfigurationError, ConnectionError } from '../errors.ts'

/** A postgres.js client (`postgres(...)`), by what tells it from other clients. */
export interface PostgresJsClient {
  unsafe(...parameters: never[]): unknown
  begin(...parameters: never[]): unknown
  reserve(): unknown
}

/** The part of a result that is read. Values come as bytes, or as text from a client whose parsers leave it alone. */
export interface RawResult extends ReadonlyArray<readonly (Uint8Array | string | null)[]> {
  readonly command?: string | null
  readonly count?: number | null
  readonly columns?: readonly RawColumn[]
  readonly state?: { readonly pid?: number }
}

export interface RawColumn {
  readonly name: string
  readonly type: number
}

export interface PendingQuery extends Promise<unknown> {
  /** Who sends it: the pool, unless it is replaced. */
  handler: (query: PendingQuery) => void
  /** Rows as arrays of bytes, whatever the client's parsers are. */
  raw(): PendingQuery
  /** Rows as arrays of what the client's parsers make. */
  values(): PendingQuery
  execute(): PendingQuery
  reject(error: unknown): void
}

export interface InternalClient {
  unsafe(
    text: string,
    parameters?: never[],
    options?: {
      readonly prepare?: boolean
      readonly simple?: boolean
      /** Called with the connection as the query is written to it; false keeps others off the connection. */
      readonly onexecute?: (connection: unknown) => boolean
    },
  ): PendingQuery
  typed(value: unknown, type: number): unknown
  end(options?: { timeout?: number }): Promise<void>
  readonly options: { readonly prepare?: boolean }
}

/** Called when the connection is ready for more; with `release` set it isn't given back when idle. */
interface Reservation {
  (): void
  release?: boolean
}

interface RawConnection {
  /** Writes a query; false when the connection takes no more until it is ready. */
  execute(query: PendingQuery): boolean
  /** Null: the pool's. The pool takes a connection back when it is idle after COMMIT or ROLLBACK. */
  reserved: Reservation | null
  onclose?: ((error: unknown) => void) | null
  /** Ends the session and its connection. */
  terminate?(): void
}

export interface HeldConnection {
  /** Sends on this connection, after what was sent before. Rejects when the connection is lost or given back. */
  send(query: PendingQuery): PendingQuery
  /** Whether to hold the connection although no transaction is open. */
  keep(kept: boolean): void
  /** Ends a session that can't be trusted any more and is still ours: with it, its transaction and its locks. */
  destroy(): void
}

export function holdConnection(
  raw: unknown,
  options: { readonly keep?: boolean; readonly onLoss: (error: unknown) => void },
): HeldConnection {
  const connection = raw as RawConnection
  if (typeof connection.execute !== 'function' || !('reserved' in connection || 'queue' in connection)) {
    throw new ConfigurationError('This version of postgres.js is not supported', {
      hint: 'Install postgres 3.4.9 or a later 3.4',
    })
  }
  const waiting: PendingQuery[] = []
  let full = false
  const reservation: Reservation = () => {
    full = false
    while (!full) {
      const next = waiting.shift()
      if (next === undefined) return
      full = !connection.execute(next)
    }
  }
  if (options.keep === true) reservation.release = true
  connection.reserved = reservation
  connection.onclose = (error) => {
    options.onLoss(error)
    for (const query of waiting.splice(0)) query.reject(error)
  }
  return {
    send(query) {
      query.handler = (sent) => {
        if (connection.reserved !== reservation) {
          sent.reject(
            new ConnectionError(
              'The connection was lost, or its transaction was ended by a statement of its own',
              {
                hint: 'Run the whole transaction again, and leave COMMIT and ROLLBACK to transaction()',
              },
            ),
          )
        } else if (full) waiting.push(sent)
        else full = !connection.execute(sent)
      }
      return query.execute()
    },
    keep(kept) {
      if (kept) reservation.release = true
      else delete reservation.release
    },
    destroy() {
      if (connection.reserved === reservation) connection.terminate?.()
    },
  }
}
