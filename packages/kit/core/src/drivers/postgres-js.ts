/**
 * postgres.js as a Driver. Its three faults that matter here (3.4.9), and what is done about each:
 * a query can resolve empty when its backend dies → every answer must carry its command tag and as many
 * rows as the server counted; a reserved handle goes on after its connection was lost, on a closed
 * socket or on one that others use → a lost session never sends again; a cold `reserve()` hangs when
 * `fetch_types` is off → such clients use `begin()`.
 */
import type { Answer, Connection, Driver, Statement, TransactionOptions } from '../driver.ts'
import { ConfigurationError, ConnectionError } from '../errors.ts'
import { translateError } from '../translate.ts'
import { decodeValue, encodeParam, UNKNOWN_TYPE } from '../wire.ts'
import { beginText, commitFailure, openingStatements, TransactionLedger } from './transaction.ts'

/** The part of a postgres.js result that is read. */
interface RawResult extends ReadonlyArray<readonly (Uint8Array | null)[]> {
  readonly command?: string | null
  readonly count?: number | null
  readonly columns?: readonly { readonly name: string; readonly type: number }[]
  readonly state?: { readonly pid?: number }
}

interface PendingQuery extends PromiseLike<unknown> {
  raw(): PendingQuery
  execute(): PendingQuery
}

/** What postgres.js hands to `onexecute`; `onclose` is how its own `begin()` learns of a lost connection. */
interface RawConnection {
  onclose?: ((error: unknown) => void) | null
}

interface QueryOptions {
  readonly prepare?: boolean
  readonly simple?: boolean
  readonly onexecute?: (connection: RawConnection) => boolean
}

interface PostgresJsSession {
  unsafe(text: string, parameters?: never[], options?: QueryOptions): PendingQuery
}

/** What `begin()` hands out: it fails as a whole after any failed query, but for one in its own savepoint(). */
interface PostgresJsTransaction extends PostgresJsSession {
  savepoint(run: (session: PostgresJsTransaction) => Promise<unknown>): Promise<unknown>
}

/** A postgres.js client (`postgres(...)`), by what tells it from other clients. */
export interface PostgresJsClient {
  unsafe(...parameters: never[]): unknown
  begin(...parameters: never[]): unknown
  reserve(): unknown
}

/** The part of a postgres.js client that the library uses, private hooks included. */
interface InternalClient extends PostgresJsSession {
  begin(options: string, run: (session: PostgresJsTransaction) => Promise<unknown>): Promise<unknown>
  reserve(): Promise<PostgresJsSession & { release(): void }>
  typed(value: unknown, type: number): unknown
  end(options?: { timeout?: number }): Promise<void>
  readonly options: {
    readonly prepare?: boolean
    readonly fetch_types?: boolean
    readonly host?: readonly string[] | string
    readonly port?: readonly number[] | number
  }
}

export interface PostgresJsDriverOptions {
  readonly pooled: boolean
  /** Sessions of another role can be opened, because the client was made from a URL. */
  readonly startupRole: boolean
  /** Seconds that closing waits for running statements. */
  readonly closeTimeoutSeconds: number
  /** Close the client with the driver: it is ours. */
  readonly owned: boolean
}

export function postgresJsDriver(host: PostgresJsClient, options: PostgresJsDriverOptions): Driver {
  const client = host as unknown as InternalClient
  const prepares = client.options.prepare !== false && !options.pooled
  const reserves = client.options.fetch_types !== false

  function send(session: PostgresJsSession, statement: Statement, extra: QueryOptions = {}): Promise<Answer> {
    const parameters = statement.params.map((value) => client.typed(encodeParam(value), UNKNOWN_TYPE))
    const pending = session
      .unsafe(statement.text, parameters as never[], {
        prepare: prepares && statement.reusable === true,
        simple: false,
        ...extra,
      })
      .raw()
    return settle(pending.execute())
  }

  async function settle(pending: PendingQuery): Promise<Answer> {
    let result: RawResult
    try {
      result = (await pending) as RawResult
    } catch (thrown) {
      throw translateError(thrown)
    }
    return wholeAnswer(result)
  }

  async function script(session: PostgresJsSession, text: string): Promise<void> {
    try {
      const result = (await session.unsafe(text, [], { simple: true })) as RawResult | readonly RawResult[]
      const last = (Array.isArray(result) && Array.isArray(result.at(-1)) && 'command' in Object(result.at(-1))
        ? result.at(-1)
        : result) as RawResult
      if (last.command === null || last.command === undefined) throw incomplete()
    } catch (thrown) {
      throw translateError(thrown)
    }
  }

  /** A session that refuses to send once its connection is lost. */
  function liveSession(session: PostgresJsSession, ledger: TransactionLedger, opening?: Promise<unknown>): Connection {
    let tail: Promise<unknown> = Promise.resolve()
    const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
      ledger.assertOpen()
      // One after the other behind a pooler, which can mix up pipelined statements of a transaction.
      if (options.pooled) {
        await opening
        const turn = tail.then(work, work)
        tail = turn.catch(() => {})
        return ledger.record(turn)
      }
      // BEGIN, context and first statement travel together.
      const result = ledger.record(work())
      result.catch(() => {})
      await opening
      return result
    }
    const live: Connection = {
      query: (statement) => guarded(() => send(session, statement)),
      script: (text) => guarded(() => script(session, text)),
      savepoint: (run) => ledger.savepoint(live, run),
    }
    return live
  }

  function begunSession(session: PostgresJsTransaction, ledger: TransactionLedger): Connection {
    return {
      ...liveSession(session, ledger),
      async savepoint<T>(run: (connection: Connection) => Promise<T>) {
        ledger.assertOpen()
        return (await session.savepoint(async (inner) => {
          try {
            return await run(begunSession(inner, ledger))
          } catch (error) {
            return ledger.lost ? new Promise(() => {}) : Promise.reject(error as Error)
          }
        })) as T
      },
    }
  }

  /** All at once on a direct connection, in one round trip; one after the other behind a pooler. */
  async function inOrder(work: readonly (() => Promise<Answer>)[]): Promise<readonly Answer[]> {
    if (!options.pooled) return Promise.all(work.map((start) => start()))
    const answers: Answer[] = []
    for (const start of work) answers.push(await start())
    return answers
  }

  async function reserved<T>(transaction: TransactionOptions, run: (connection: Connection) => Promise<T>): Promise<T> {
    const session = await reserve()
    const ledger = new TransactionLedger()
    let raw: RawConnection | undefined
    try {
      const begin = settle(
        session
          .unsafe(beginText(transaction), [], {
            simple: true,
            onexecute(connection) {
              raw = connection
              connection.onclose = (error) => ledger.lose(translateError(error))
              return true
            },
          })
          .raw()
          .execute(),
      )
      const opening = ledger.record(inOrder([() => begin, ...openingStatements(transaction).map((statement) => () => send(session, statement))]))
      opening.catch(() => {})
      return await ledger.complete(transaction, liveSession(session, ledger, opening), run, async (final) => {
        await opening.catch(() => {})
        return inOrder(final.map((statement) => () => ledger.record(send(session, statement))))
      })
    } finally {
      // A lost connection has left the reserved state by itself; releasing it would hand out a dead socket.
      if (raw !== undefined) raw.onclose = null
      if (!ledger.lost) session.release()
    }
  }

  async function reserve(): Promise<PostgresJsSession & { release(): void }> {
    try {
      return await client.reserve()
    } catch (thrown) {
      throw translateError(thrown)
    }
  }

  /** The form for clients without `fetch_types`: every step is awaited. */
  async function begun<T>(transaction: TransactionOptions, run: (connection: Connection) => Promise<T>): Promise<T> {
    const ledger = new TransactionLedger()
    const begin = beginText(transaction).replace(/^begin ?/, '')
    let outcome: { readonly value: T } | undefined
    try {
      await client.begin(begin, async (session) => {
        const connection = begunSession(session, ledger)
        try {
          for (const statement of openingStatements(transaction)) await connection.query(statement)
          const value = await run(connection)
          await ledger.confirm(transaction, connection)
          outcome = { value }
        } catch (error) {
          // After a loss postgres.js would send ROLLBACK on the closed socket; its own race rejects instead.
          if (ledger.lost) await new Promise(() => {})
          throw error
        }
      })
    } catch (thrown) {
      throw outcome === undefined ? ledger.fail(thrown) : commitFailure(thrown)
    }
    if (outcome === undefined) throw incomplete()
    return outcome.value
  }

  return {
    kind: 'postgres-js',
    traits: { concurrent: true, startupRole: options.startupRole, pooled: options.pooled },
    query: (statement) => send(client, statement),
    transaction: (transaction, run) => (reserves ? reserved(transaction, run) : begun(transaction, run)),
    async session(run) {
      if (options.pooled) {
        throw new ConfigurationError('A session of its own is not to be had through a pooler in transaction mode', {
          hint: 'Use the direct connection URL for migrations that run outside a transaction',
        })
      }
      const ledger = new TransactionLedger()
      if (!reserves) {
        // begin() is the one safe way to a connection here; the transaction around the work is closed and reopened.
        let value: { readonly of: Awaited<ReturnType<typeof run>> } | undefined
        await client.begin('', async (session) => {
          await session.unsafe('commit')
          value = { of: await run(liveSession(session, ledger)) }
          await session.unsafe('begin')
        })
        if (value === undefined) throw incomplete()
        return value.of
      }
      const session = await reserve()
      try {
        return await run(liveSession(session, ledger))
      } finally {
        if (!ledger.lost) session.release()
      }
    },
    async close() {
      if (options.owned) await client.end({ timeout: options.closeTimeoutSeconds })
    },
  }
}

/** The identifier of the server process as the connection's start-up told it; a pooler makes one up. */
export async function announcedBackend(
  host: PostgresJsClient,
): Promise<{ announced: number | undefined; actual: number }> {
  try {
    const pending = (host as unknown as InternalClient).unsafe('select pg_catalog.pg_backend_pid()', [], { simple: false, prepare: false }).raw()
    const result = (await pending.execute()) as RawResult
    return { announced: result.state?.pid, actual: Number(wholeAnswer(result).rows[0]?.[0]) }
  } catch (thrown) {
    throw translateError(thrown)
  }
}

function wholeAnswer(result: RawResult): Answer {
  const { command, columns = [] } = result
  if (command === null || command === undefined) throw incomplete()
  const rows = result.map((row) =>
    row.map((value, index) =>
      decodeValue(value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8'), columns[index]?.type ?? 0),
    ),
  )
  const count = result.count ?? rows.length
  if (rows.length > 0 && rows.length !== count) throw incomplete()
  if (command === 'SELECT' && rows.length !== count) throw incomplete()
  return { command, columns: columns.map((column) => column.name), rows, count }
}

function incomplete(): ConnectionError {
  return new ConnectionError('The connection was lost before the answer was complete', {
    hint: 'Whether the statement took effect is unknown; repeat it if it is safe to repeat',
  })
}
