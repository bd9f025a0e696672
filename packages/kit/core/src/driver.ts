/**
 * The one shape in which every supported client is used. A driver speaks PostgreSQL's text format
 * in both directions (see wire.ts), so that the three clients answer alike, no host's client is
 * reconfigured, and cursors keep microseconds.
 */

/** A statement with bound parameters. Values are encoded by `encodeParam`; never put one into `text`. */
export interface Statement {
  readonly text: string
  readonly params: readonly unknown[]
  /** The text recurs: run it as a named prepared statement where the connection allows one. */
  readonly reusable?: boolean
  /**
   * Values may be left as the server sent them: UTF-8 text in bytes, where the client has it so (postgres.js), else as
   * ever. For large texts that are only passed on.
   */
  readonly bytes?: boolean
}

/** A whole answer. A driver rejects with a ConnectionError rather than hand over part of one. */
export interface Answer {
  /** The server's command tag without its numbers, such as `SELECT` or `ROLLBACK`. */
  readonly command: string
  /** Column names, in the order of the values; empty where the statement returns nothing. */
  readonly columns: readonly string[]
  /**
   * A row is an array of values: boolean, number (int2, int4, float4, float8), parsed json, Uint8Array
   * (bytea), null, and the server's own text for every other type (int8, numeric, uuid, timestamps, vector …).
   */
  readonly rows: readonly (readonly unknown[])[]
  /** Rows returned or changed, as the server counted them. */
  readonly count: number
}

/** One server session, held for as long as the callback that received it runs. */
export interface Connection {
  query(statement: Statement): Promise<Answer>
  /** Runs a text of one or more statements without parameters; answers nothing. */
  script(text: string): Promise<void>
  /**
   * Inside a transaction: a part of it that can fail by itself. When the callback rejects, what it did is
   * undone and the transaction goes on.
   */
  savepoint<T>(run: (connection: Connection) => Promise<T>): Promise<T>
}

export type IsolationLevel = 'read committed' | 'repeatable read' | 'serializable'

export interface TransactionOptions {
  /** Default: the server's, normally `read committed`. */
  readonly isolation?: IsolationLevel
  readonly readOnly?: boolean
  /** Limit for each statement, in milliseconds. Default: the connection's. */
  readonly statementTimeoutMs?: number
  /**
   * Statements sent together with BEGIN, before anything of the callback's. If one fails,
   * nothing of the callback's answers are handed over and nothing is committed.
   */
  readonly preamble?: readonly Statement[]
  /**
   * Sent just before COMMIT, in the same round trip. It must fail when the session is no longer the one
   * that the preamble prepared; then nothing is committed and the transaction rejects with a ConnectionError.
   */
  readonly echo?: Statement
}

export interface DriverTraits {
  /** More than one session at a time. PGlite has one. */
  readonly concurrent: boolean
  /** Sessions can be opened with a role of their own (a direct connection whose options are ours). */
  readonly startupRole: boolean
  /** A pooler in transaction mode stands between: no session state, no named statements, no LISTEN. */
  readonly pooled: boolean
}

/**
 * Calls `onNotify` for every NOTIFY on the channel, from the moment that the promise resolves; with null after
 * the connection had to be opened anew, since nobody knows what was said in between. Resolves with what ends it.
 */
export type Listen = (
  channel: string,
  onNotify: (payload: string | null) => void,
) => Promise<() => Promise<void>>

export interface Driver {
  readonly kind: 'postgres-js' | 'node-postgres' | 'pglite'
  readonly traits: DriverTraits
  /** One statement in its own implicit transaction, on any session. */
  query(statement: Statement): Promise<Answer>
  /**
   * One transaction on one session: committed when the callback resolves, rolled back when it rejects.
   * After a statement has failed, later ones report that first failure, not "transaction is aborted".
   * A session that was lost stays lost: no later statement runs on a replacement.
   */
  transaction<T>(options: TransactionOptions, run: (connection: Connection) => Promise<T>): Promise<T>
  /** One session without a transaction, for what can't run inside one. Refused behind a pooler. */
  session<T>(run: (connection: Connection) => Promise<T>): Promise<T>
  /** LISTEN, on a connection of its own. Absent behind a pooler, and where the client can't: poll there. */
  readonly listen?: Listen
  close(): Promise<void>
}
