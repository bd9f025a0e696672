/**
 * PGlite as a Driver: the embedded PostgreSQL. It has one session, so transactions queue up behind
 * each other, and a nested use of the database inside a transaction would wait for itself.
 */
import type { Answer, Connection, Driver, Statement } from '../driver.ts'
import { translateError } from '../translate.ts'
import { decodeValue, encodeParam } from '../wire.ts'
import { isolationText, openingStatements, TransactionLedger } from './transaction.ts'

interface PGliteResult {
  readonly rows: readonly unknown[]
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[]
  readonly affectedRows?: number
  readonly command?: string
}

interface PGliteQueryOptions {
  readonly rowMode: 'array'
  readonly parsers: Record<string, (text: string) => string>
  readonly serializers: Record<string, (text: string) => string>
}

interface PGliteSession {
  query(text: string, params?: unknown[], options?: PGliteQueryOptions): Promise<PGliteResult>
  exec(text: string): Promise<unknown>
}

/** The part of a PGlite instance that the library uses. */
export interface PGliteClient extends PGliteSession {
  readonly parsers: Record<string, unknown>
  transaction<T>(run: (session: PGliteSession) => Promise<T>): Promise<T>
  listen(channel: string, heard: (payload: string) => void): Promise<() => Promise<void>>
  close(): Promise<void>
}

const identity = (text: string): string => text

/** Parameters are text already, whatever type the server infers for them. */
const serializers = new Proxy<Record<string, (text: string) => string>>({}, { get: () => identity })

export function pgliteDriver(client: PGliteClient, options: { readonly owned: boolean }): Driver {
  // PGlite learns array types while it starts, so this is asked once per statement, not once.
  const parsers = (): Record<string, (text: string) => string> =>
    Object.fromEntries(Object.keys(client.parsers).map((oid) => [oid, identity]))

  async function send(session: PGliteSession, statement: Statement): Promise<Answer> {
    const result = await session.query(statement.text, statement.params.map(encodeParam), {
      rowMode: 'array',
      parsers: parsers(),
      serializers,
    })
    const rows = (result.rows as readonly (readonly (string | null)[])[]).map((row) =>
      row.map((value, index) => decodeValue(value, result.fields[index]?.dataTypeID ?? 0)),
    )
    return {
      command: result.command?.split(' ')[0] ?? '',
      columns: result.fields.map((field) => field.name),
      rows,
      count: rows.length > 0 ? rows.length : (result.affectedRows ?? 0),
    }
  }

  function connection(session: PGliteSession, ledger: TransactionLedger): Connection {
    const live: Connection = {
      query: (statement) => ledger.record(send(session, statement)),
      script: async (text) => {
        await ledger.record(session.exec(text))
      },
      savepoint: (run) => ledger.savepoint(live, run),
    }
    return live
  }

  return {
    kind: 'pglite',
    traits: { concurrent: false, startupRole: false, pooled: false },
    query: (statement) =>
      send(client, statement).catch((thrown: unknown) => Promise.reject(translateError(thrown))),
    async transaction(transactionOptions, run) {
      const ledger = new TransactionLedger()
      let raised: { readonly error: unknown } | undefined
      try {
        return await client.transaction(async (session) => {
          const live = connection(session, ledger)
          const { isolation, readOnly } = transactionOptions
          if (isolation !== undefined)
            await live.script(`set transaction isolation level ${isolationText(isolation)}`)
          if (readOnly === true) await live.script('set transaction read only')
          for (const statement of openingStatements(transactionOptions)) await live.query(statement)
          const value = await run(live).catch((error: unknown) => {
            raised = { error }
            throw error
          })
          await ledger.confirm(transactionOptions, live)
          return value
        })
      } catch (thrown) {
        // What the callback threw is the caller's, and isn't translated.
        throw thrown === raised?.error ? thrown : ledger.fail(thrown)
      }
    },
    session: (run) => run(connection(client, new TransactionLedger())),
    async listen(channel, onNotify) {
      // PGlite takes the name as SQL, and doesn't find a quoted one again when it is to forget a listener.
      let stopped = false
      const unlisten = await client.listen(`"${channel}"`, (payload) => {
        if (!stopped) onNotify(payload)
      })
      return async () => {
        stopped = true
        await unlisten()
      }
    },
    async close() {
      if (options.owned) await client.close()
    },
  }
}
