/** node-postgres (`pg`), and clients of its shape such as neon-serverless, as a Driver. */
import type { Answer, Connection, Driver, Statement, TransactionOptions } from '../driver.ts'
import { ConfigurationError, ConnectionError } from '../errors.ts'
import { translateError } from '../translate.ts'
import { decodeValue, encodeParam } from '../wire.ts'
import { beginText, openingStatements, TransactionLedger } from './transaction.ts'

interface PgResult {
  readonly command: string | null
  readonly rowCount: number | null
  readonly rows: readonly unknown[]
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[]
}

interface PgQuery {
  readonly text: string
  readonly values?: (string | null)[]
  readonly rowMode?: 'array'
  readonly queryMode?: 'extended'
  readonly name?: string
  readonly types?: { getTypeParser(): (text: string) => string }
}

interface PgSession {
  query(query: PgQuery): Promise<PgResult>
}

interface PgCheckedOut extends PgSession {
  release(destroy?: boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** The part of a node-postgres Pool that the library uses. */
export interface PgPool extends PgSession {
  connect(): Promise<PgCheckedOut>
  end(): Promise<void>
  readonly totalCount: number
}

/** Everything stays text until wire.ts decodes it. */
const types = { getTypeParser: () => (text: string) => text }

/** Statement names are at most 63 bytes; the same text must give the same name on every session. */
const statementName = (text: string): string =>
  `tenantry_${process.getBuiltinModule('node:crypto').createHash('sha1').update(text).digest('base64url')}`

export function nodePostgresDriver(pool: PgPool, options: { readonly pooled: boolean }): Driver {
  async function send(session: PgSession, statement: Statement): Promise<Answer> {
    try {
      return wholeAnswer(
        await session.query({
          text: statement.text,
          values: statement.params.map(encodeParam),
          rowMode: 'array',
          // Without parameters it would else be sent as a script, and a text could hold further statements.
          queryMode: 'extended',
          types,
          ...(statement.reusable === true && !options.pooled ? { name: statementName(statement.text) } : {}),
        }),
      )
    } catch (thrown) {
      throw translateError(thrown)
    }
  }

  async function withSession<T>(
    run: (connection: Connection, ledger: TransactionLedger) => Promise<T>,
  ): Promise<T> {
    let session: PgCheckedOut
    try {
      session = await pool.connect()
    } catch (thrown) {
      throw translateError(thrown)
    }
    const ledger = new TransactionLedger()
    // Without a listener, a connection that dies while it is checked out would end the process.
    const lost = (error: Error): void =>
      ledger.lose(new ConnectionError('The connection was lost', { cause: error }))
    session.on('error', lost)
    const guarded = <R>(work: () => Promise<R>): Promise<R> => {
      ledger.assertOpen()
      return ledger.record(work())
    }
    try {
      const live: Connection = {
        query: (statement) => guarded(() => send(session, statement)),
        script: (text) => guarded(async () => void (await session.query({ text }))),
        savepoint: (part) => ledger.savepoint(live, part),
      }
      return await run(live, ledger)
    } finally {
      session.removeListener('error', lost)
      session.release(ledger.lost)
    }
  }

  return {
    kind: 'node-postgres',
    traits: { concurrent: true, startupRole: false, pooled: options.pooled },
    query: (statement) => send(pool, statement),
    transaction: (transactionOptions: TransactionOptions, run) =>
      withSession(async (connection, ledger) => {
        const preamble = openingStatements(transactionOptions)
        await connection.script(beginText(transactionOptions))
        const prepared: typeof run = async (live) => {
          for (const statement of preamble) await live.query(statement)
          return run(live)
        }
        return ledger.complete(transactionOptions, connection, prepared, async (final) => {
          const answers: Answer[] = []
          for (const statement of final) answers.push(await connection.query(statement))
          return answers
        })
      }),
    session(run) {
      if (options.pooled) {
        throw new ConfigurationError(
          'A session of its own is not to be had through a pooler in transaction mode',
          {
            hint: 'Use the direct connection URL for migrations that run outside a transaction',
          },
        )
      }
      return withSession(run)
    },
    // A pool that the host made is the host's to end.
    close: () => Promise.resolve(),
  }
}

function wholeAnswer(result: PgResult): Answer {
  const rows = (result.rows as readonly (readonly (string | null)[])[]).map((row) =>
    row.map((value, index) => decodeValue(value, result.fields[index]?.dataTypeID ?? 0)),
  )
  if (result.command === null || (rows.length > 0 && rows.length !== result.rowCount)) {
    throw new ConnectionError('The connection was lost before the answer was complete')
  }
  return {
    command: result.command,
    columns: result.fields.map((field) => field.name),
    rows,
    count: result.rowCount ?? rows.length,
  }
}
