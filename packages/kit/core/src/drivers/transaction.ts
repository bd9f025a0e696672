/** What the drivers share about transactions: their texts, and the record of how one is going. */
import type { Answer, Connection, IsolationLevel, Statement, TransactionOptions } from '../driver.ts'
import { ConfigurationError, ConnectionError, DatabaseError, type TenantryError } from '../errors.ts'
import { translateError } from '../translate.ts'
import { checkCount } from '../count.ts'

export function beginText(options: TransactionOptions): string {
  return [
    'begin',
    options.isolation === undefined ? '' : ` isolation level ${isolationText(options.isolation)}`,
    options.readOnly === true ? ' read only' : '',
  ].join('')
}

const LEVELS: readonly string[] = [
  'read committed',
  'repeatable read',
  'serializable',
] satisfies IsolationLevel[]

/** It becomes part of a statement's text, so it is looked up, whatever its type promised. */
export function isolationText(level: IsolationLevel): string {
  if (LEVELS.includes(level)) return level
  throw new ConfigurationError('There is no such isolation level', {
    hint: `Use one of ${LEVELS.join(', ')}`,
  })
}

/** What is sent together with BEGIN. */
export function openingStatements(options: TransactionOptions): readonly Statement[] {
  const { preamble = [], statementTimeoutMs } = options
  if (statementTimeoutMs === undefined) return preamble
  checkCount('statementTimeoutMs', statementTimeoutMs)
  return [
    ...preamble,
    {
      text: "select pg_catalog.set_config('statement_timeout', $1, true)",
      params: [`${statementTimeoutMs}ms`],
      reusable: true,
    },
  ]
}

const COMMIT: Statement = { text: 'commit', params: [] }
const ROLLBACK: Statement = { text: 'rollback', params: [] }

/** "current transaction is aborted": says nothing about what went wrong. */
const ABORTED = '25P02'

/** Remembers the first failure of a transaction and whether its session is still there. */
export class TransactionLedger {
  #failure: TenantryError | undefined
  #savepoints = 0
  #loss: TenantryError | undefined

  get lost(): boolean {
    return this.#loss !== undefined
  }

  lose(error: TenantryError): void {
    this.#loss ??= error
  }

  assertOpen(): void {
    if (this.#loss !== undefined) throw this.#loss
  }

  /** Passes a result through; a failure is translated, remembered, and reported as the first one. */
  async record<T>(work: Promise<T>): Promise<T> {
    try {
      const result = await work
      this.#failure = undefined
      return result
    } catch (thrown) {
      throw this.fail(thrown)
    }
  }

  /** The error to show for a failure: the first one of the transaction. */
  fail(thrown: unknown): TenantryError {
    const error = translateError(thrown)
    if (error instanceof ConnectionError) this.#loss ??= error
    const aborted = error instanceof DatabaseError && error.sqlState === ABORTED
    if (aborted) return this.#failure ?? error
    this.#failure ??= error
    return error
  }

  /**
   * Runs the callback, then sends `[echo, COMMIT]` or `[ROLLBACK]` by `finish`.
   * A callback that swallowed a failure can't commit what the server has already given up.
   */
  async complete<T>(
    options: TransactionOptions,
    connection: Connection,
    run: (connection: Connection) => Promise<T>,
    finish: (final: readonly Statement[]) => Promise<readonly Answer[]>,
  ): Promise<T> {
    let value: T
    try {
      value = await run(connection)
      this.assertOpen()
    } catch (error) {
      if (!this.lost) await finish([ROLLBACK]).catch((failure: unknown) => this.fail(failure))
      throw error
    }
    const swallowed = this.#failure
    try {
      const answers = await finish(options.echo === undefined ? [COMMIT] : [options.echo, COMMIT])
      if (answers.at(-1)?.command === 'ROLLBACK') throw swallowed ?? contextLost()
    } catch (thrown) {
      // A driver that stops at the failed echo has not ended the transaction yet.
      if (!this.lost) await finish([ROLLBACK]).catch((failure: unknown) => this.fail(failure))
      throw this.#commitFailure(thrown, swallowed)
    }
    return value
  }

  /** A savepoint by its SQL statements. */
  async savepoint<T>(connection: Connection, run: (connection: Connection) => Promise<T>): Promise<T> {
    const name = `tenantry_${++this.#savepoints}`
    await connection.query({ text: `savepoint ${name}`, params: [] })
    try {
      const value = await run(connection)
      await connection.query({ text: `release savepoint ${name}`, params: [] })
      return value
    } catch (error) {
      if (!this.lost) await connection.query({ text: `rollback to savepoint ${name}`, params: [] })
      throw error
    }
  }

  /** The echo, for drivers that commit by themselves. */
  async confirm(options: TransactionOptions, connection: Connection): Promise<void> {
    const swallowed = this.#failure
    try {
      await connection.query(options.echo ?? { text: 'select 1', params: [] })
    } catch (thrown) {
      throw this.#commitFailure(thrown, swallowed)
    }
  }

  #commitFailure(thrown: unknown, swallowed: TenantryError | undefined): TenantryError {
    const error = translateError(thrown)
    if (swallowed !== undefined) return swallowed
    return ECHO_MISMATCH.test(error.message) ? contextLost(error) : commitFailure(error)
  }
}

/** COMMIT was sent and failed, or its answer never came. */
function commitFailure(thrown: unknown): TenantryError {
  const error = translateError(thrown)
  if (!(error instanceof ConnectionError)) return error
  return new ConnectionError('The connection was lost while the transaction was being committed', {
    cause: error,
    retryable: false,
    hint: 'Whether it was committed is unknown: read before you repeat it',
  })
}

/** Division by zero is how an echo fails. */
const ECHO_MISMATCH = /22012/

function contextLost(cause?: unknown): ConnectionError {
  return new ConnectionError('The session is not as its transaction began it', {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Nothing was committed. The connection was replaced (run it again), or a statement changed context or role, or made a temporary table (leave it out)',
  })
}
