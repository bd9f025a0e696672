/** postgres.js as a Driver. */
import type { Answer, Connection, Driver, Listen, Statement, TransactionOptions } from '../driver.ts'
import { ConfigurationError, ConnectionError } from '../errors.ts'
import { translateError } from '../translate.ts'
import { decoderOf, encodeParam, UNKNOWN_TYPE } from '../wire.ts'
import {
  type HeldConnection,
  holdConnection,
  type InternalClient,
  type PendingQuery,
  type RawColumn,
  type RawResult,
} from './postgres-js-connection.ts'
import type { Listener } from './postgres-js-listener.ts'
import type { ClientSource } from './postgres-js-pool.ts'
import { beginText, openingStatements, TransactionLedger } from './transaction.ts'

export interface PostgresJsDriverOptions {
  readonly pooled: boolean
  /** Sessions of another role can be opened, because the client was made from a URL. */
  readonly startupRole: boolean
  /** The client was made with `TEXT_TYPES`, so its values are texts already. */
  readonly text: boolean
  /** Absent behind a pooler. */
  readonly listener?: Listener
}

/** For a client of our own: its parsers pass text through, which spares a buffer for each value. */
export const TEXT_TYPES = {
  text: {
    to: UNKNOWN_TYPE,
    // Every type that postgres.js parses: numbers, json, boolean, dates, bytea.
    from: [16, 17, 21, 23, 26, 114, 700, 701, 1082, 1114, 1184, 3802],
    serialize: (value: string) => value,
    parse: (text: string) => text,
  },
}

/** How long closing waits for statements that are running. */
const CLOSE_TIMEOUT_SECONDS = 5

/** A statement after which an idle connection goes back to its pool. */
const RELEASE: Statement = { text: 'select 1', params: [] }

export function postgresJsDriver(source: ClientSource, options: PostgresJsDriverOptions): Driver {
  const { listener } = options

  function pending(client: InternalClient, statement: Statement): PendingQuery {
    const parameters = statement.params.map((value) => client.typed(encodeParam(value), UNKNOWN_TYPE))
    const query = client.unsafe(statement.text, parameters as never[], {
      prepare: statement.reusable === true && !options.pooled && client.options.prepare !== false,
      simple: false,
    })
    return options.text && statement.bytes !== true ? query.values() : query.raw()
  }

  /** A connection as the library's: it sends nothing more once it is lost. */
  function session(
    client: InternalClient,
    held: HeldConnection,
    ledger: TransactionLedger,
    opening: Promise<unknown>,
  ): Connection {
    let tail: Promise<unknown> = opening
    async function send<T>(work: () => Promise<T>): Promise<T> {
      ledger.assertOpen()
      if (options.pooled) {
        // One after the other: a pooler can mix up pipelined statements of a transaction.
        const turn = tail.then(work, work)
        tail = turn.catch(() => {})
        await opening
        return ledger.record(turn)
      }
      // BEGIN, context and first statement travel together; a failed opening is the failure to report.
      const result = ledger.record(work())
      result.catch(() => {})
      await opening
      return result
    }
    const live: Connection = {
      query: (statement) => send(() => answerOf(held.send(pending(client, statement)), statement.bytes)),
      script: (text) => send(() => scriptResult(held.send(client.unsafe(text, [], { simple: true })))),
      savepoint: (run) => ledger.savepoint(live, run),
    }
    return live
  }

  /** All at once on a direct connection, in one round trip; one after the other behind a pooler. */
  async function inOrder(work: readonly (() => Promise<Answer>)[]): Promise<readonly Answer[]> {
    if (!options.pooled) return Promise.all(work.map((start) => start()))
    const answers: Answer[] = []
    for (const start of work) answers.push(await start())
    return answers
  }

  async function transaction<T>(
    client: InternalClient,
    transactionOptions: TransactionOptions,
    run: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const ledger = new TransactionLedger()
    // Options are refused before anything is sent: a connection that began is ours to end.
    const preamble = openingStatements(transactionOptions)
    const begin = client.unsafe(beginText(transactionOptions), [], { simple: true, onexecute }).raw()
    let held: HeldConnection | undefined
    function onexecute(connection: unknown): boolean {
      held = holdConnection(connection, { onLoss: (error) => ledger.lose(translateError(error)) })
      // Not to be shared with the pool's other statements.
      return false
    }
    const begun = answerOf(begin.execute())
    // On an open connection BEGIN is on its way after one turn, and the context follows without waiting for it.
    await Promise.resolve()
    await Promise.resolve()
    if (held === undefined) await begun
    const connection = required(held)
    const opening = ledger.record(
      inOrder([
        () => begun,
        ...preamble.map((statement) => () => answerOf(connection.send(pending(client, statement)))),
      ]),
    )
    opening.catch(() => {})
    try {
      return await ledger.complete(
        transactionOptions,
        session(client, connection, ledger, opening),
        run,
        async (final) => {
          await opening.catch(() => {})
          return inOrder(
            final.map(
              (statement) => () => ledger.record(answerOf(connection.send(pending(client, statement)))),
            ),
          )
        },
      )
    } finally {
      if (ledger.lost) connection.destroy()
    }
  }

  async function withSession<T>(
    client: InternalClient,
    run: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const ledger = new TransactionLedger()
    let held: HeldConnection | undefined
    const first = client
      .unsafe(RELEASE.text, [], {
        simple: true,
        onexecute(connection: unknown) {
          held = holdConnection(connection, {
            keep: true,
            onLoss: (error) => ledger.lose(translateError(error)),
          })
          return false
        },
      })
      .raw()
    await answerOf(first.execute())
    const connection = required(held)
    try {
      return await run(session(client, connection, ledger, Promise.resolve()))
    } finally {
      connection.keep(false)
      if (ledger.lost) connection.destroy()
      else await answerOf(connection.send(pending(client, RELEASE))).catch(() => {})
    }
  }

  return {
    kind: 'postgres-js',
    traits: { concurrent: true, startupRole: options.startupRole, pooled: options.pooled },
    query: (statement) =>
      source.use(false, (client) => answerOf(pending(client, statement), statement.bytes)),
    transaction: (transactionOptions, run) =>
      source.use(true, (client) => transaction(client, transactionOptions, run)),
    async session(run) {
      if (options.pooled) {
        throw new ConfigurationError(
          'A session of its own is not to be had through a pooler in transaction mode',
          {
            hint: 'Use the direct connection URL for migrations that run outside a transaction',
          },
        )
      }
      return source.use(true, (client) => withSession(client, run))
    },
    ...(listener === undefined ? {} : { listen: translated(listener.listen) }),
    async close() {
      await Promise.all([listener?.close(), source.close(CLOSE_TIMEOUT_SECONDS)])
    },
  }
}

function translated(listen: Listen): Listen {
  return (channel, onNotify) =>
    listen(channel, onNotify).catch((thrown: unknown) => Promise.reject(translateError(thrown)))
}

/** The identifier of the server process as the connection's start-up told it; a pooler makes one up. */
export async function announcedBackend(
  source: ClientSource,
): Promise<{ announced: number | undefined; actual: number }> {
  return source.use(false, async (client) => {
    try {
      const query = client
        .unsafe('select pg_catalog.pg_backend_pid()', [], { simple: false, prepare: false })
        .raw()
      const result = (await query.execute()) as RawResult
      return { announced: result.state?.pid, actual: Number(wholeAnswer(result).rows[0]?.[0]) }
    } catch (thrown) {
      throw translateError(thrown)
    }
  })
}

function answerOf(pending: Promise<unknown>, bytes = false): Promise<Answer> {
  return pending.then(
    (result) => wholeAnswer(result as RawResult, bytes),
    (thrown: unknown) => {
      throw translateError(thrown)
    },
  )
}

/** A text of several statements gives several results, of which the last must be there. */
async function scriptResult(pending: PromiseLike<unknown>): Promise<void> {
  let result: RawResult
  try {
    result = (await pending) as RawResult
  } catch (thrown) {
    throw translateError(thrown)
  }
  const last: unknown = result.at(-1)
  const final = Array.isArray(last) && 'command' in last ? (last as unknown as RawResult) : result
  if (final.command === null || final.command === undefined) throw incomplete()
}

/** When its backend dies, postgres.js can resolve a query without rows, or with some: such an answer is refused. */
function wholeAnswer(result: RawResult, bytes = false): Answer {
  const { command } = result
  if (command === null || command === undefined) throw incomplete()
  const { names, decoders } = readingOf(result.columns ?? NO_COLUMNS)
  const rows: unknown[][] = []
  // A loop: the methods of postgres.js's own array class, and of iterators, are several times slower. Its rows
  // can have holes after a failure in the middle; a hole is no row.
  for (let index = 0; index < result.length; index++) {
    const row = result[index]
    if (row !== undefined) rows.push(bytes ? [...row] : decoded(row, decoders))
  }
  const count = result.count ?? rows.length
  // CREATE TABLE AS is tagged SELECT too, and returns no columns.
  const returns = (result.columns?.length ?? 0) > 0
  if (rows.length !== count && (rows.length > 0 || (command === 'SELECT' && returns))) throw incomplete()
  return { command, columns: names, rows, count }
}

/** In place: the row was made for this answer, and a copy of each would be most of what a large answer leaves behind. */
function decoded(row: readonly (Uint8Array | string | null)[], decoders: Reading['decoders']): unknown[] {
  const values = row as unknown[]
  for (let index = 0; index < row.length; index++) {
    const value = row[index]
    if (value === null || value === undefined) continue
    const decode = decoders[index]
    const text = typeof value === 'string' ? value : textOf(value)
    if (decode !== undefined) values[index] = decode(text)
    else if (text !== value) values[index] = text
  }
  return values
}

/** What the columns of an answer are called, and what makes values of their texts. */
interface Reading {
  readonly names: readonly string[]
  readonly decoders: readonly (((text: string) => unknown) | undefined)[]
}

const NO_COLUMNS: readonly RawColumn[] = []

/** By the columns that postgres.js keeps with a prepared statement. */
const readings = new WeakMap<readonly RawColumn[], Reading>()

function readingOf(columns: readonly RawColumn[]): Reading {
  let reading = readings.get(columns)
  if (reading === undefined) {
    reading = { names: columns.map(({ name }) => name), decoders: columns.map(({ type }) => decoderOf(type)) }
    readings.set(columns, reading)
  }
  return reading
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

function required(held: HeldConnection | undefined): HeldConnection {
  if (held !== undefined) return held
  throw new ConfigurationError('This version of postgres.js is not supported', {
    hint: 'Install postgres 3.4.9 or a later 3.4',
  })
}

function incomplete(): ConnectionError {
  return new ConnectionError('The connection was lost before the answer was complete', {
    hint: 'Whether the statement took effect is unknown; repeat it if it is safe to repeat',
  })
}
