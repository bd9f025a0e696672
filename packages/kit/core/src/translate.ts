/** Turns what a client or the server threw into one of the library's errors. */
import {
  CheckViolationError,
  ConnectionError,
  DatabaseError,
  ForeignKeyError,
  IdempotencyError,
  IsolationError,
  LimitError,
  NotNullError,
  SerializationError,
  StaleTransitionError,
  TenantryError,
  TimeoutError,
  UniqueViolationError,
  ValidationError,
  type TenantryErrorOptions,
} from './errors.ts'
import { PlanLimitError, planLimitOf } from './plan-limit-error.ts'

/** SQLSTATEs that the library's own functions and triggers raise (class TN is used by nobody else). */
export const RAISED = {
  staleTransition: 'TN001',
  limit: 'TN002',
  isolation: 'TN003',
  idempotency: 'TN004',
  invalid: 'TN005',
} as const

/** The part of a failure that all three clients report, under different names. */
interface ServerFailure {
  readonly sqlState: string
  readonly message: string
  readonly table: string | undefined
  readonly column: string | undefined
  readonly constraint: string | undefined
  /** Read for failures that the library's own functions raise; the server's own hold values of rows. */
  readonly detail: string | undefined
}

const SQLSTATE = /^[0-9A-Z]{5}$/

/** Codes of Node's sockets and of the clients that mean: no session, or no longer. */
const LOST = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECTION_ENDED',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'CONNECT_TIMEOUT',
])

/** Always returns a TenantryError; one that is given is returned as it is. */
export function translateError(thrown: unknown): TenantryError {
  if (thrown instanceof TenantryError) return thrown
  const failure = serverFailure(thrown)
  if (failure !== undefined) return fromServer(failure, withoutValues(thrown, failure))
  // Drizzle wraps what the client threw.
  if (thrown instanceof Error && thrown.cause instanceof Error) {
    const inner = translateError(thrown.cause)
    if (!(inner instanceof DatabaseError)) return inner
  }
  const code = property(thrown, 'code')
  if (code !== undefined && LOST.has(code)) return connectionLost(code, thrown)
  if (
    thrown instanceof Error &&
    /connection terminated|client has encountered a connection error|PGlite is closed/i.test(thrown.message)
  ) {
    return connectionLost('closed', thrown)
  }
  return new DatabaseError('The database client failed', { cause: thrown })
}

function connectionLost(code: string, cause: unknown): ConnectionError {
  const unreachable =
    code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'CONNECT_TIMEOUT' || code === 'EAI_AGAIN'
  return new ConnectionError(
    unreachable
      ? `The PostgreSQL server can't be reached (${code})`
      : `The connection to PostgreSQL was lost (${code})`,
    {
      cause,
      hint: unreachable
        ? 'Check host, port and firewall of the connection URL, and that the server is running'
        : 'Whether the statement took effect is unknown; repeat it if it is safe to repeat',
    },
  )
}

function fromServer(failure: ServerFailure, cause: Error): TenantryError {
  const { sqlState, table, column, constraint } = failure
  const place = { table, column, constraint }
  const where = table === undefined ? '' : ` in ${table}`
  const options = (hint?: string): TenantryErrorOptions => ({ ...place, cause, hint })
  switch (sqlState) {
    case RAISED.staleTransition:
      return new StaleTransitionError(failure.message, options('Read the row again and decide anew'))
    case RAISED.limit:
      return limitError(failure, options())
    case RAISED.isolation:
      return new IsolationError(failure.message, options())
    case RAISED.idempotency:
      return new IdempotencyError(failure.message, options('Take a new key for each effect that is wanted'))
    case RAISED.invalid:
      return new ValidationError(failure.message, [], options())
    case '23505':
      return new UniqueViolationError(`A row with this key exists already${where} (${constraint})`, options())
    // PostgreSQL 18 tells a RESTRICT apart.
    case '23001':
    case '23503':
      return new ForeignKeyError(
        `A row that is referred to does not exist, or is still referred to${where} (${constraint})`,
        options('Check the ids in the input; rows of another tenant count as missing'),
      )
    case '23514':
      return new CheckViolationError(
        `A rule of the table refused the values${where} (${constraint ?? failure.message})`,
        options(),
      )
    case '23502':
      return new NotNullError(`${column ?? 'A column'}${where} must have a value`, options())
    case '42501':
      return new IsolationError(
        `The database refused the access${where}: it crosses a tenant's boundary, or this role was not granted it`,
        options(
          'A tenant reads and writes its own rows only; use the service role for jobs and webhooks, and for migrations and checks the login that owns the tables',
        ),
      )
    case '40001':
    case '40P01':
      return new SerializationError(
        `The transaction was rolled back because of a ${sqlState === '40P01' ? 'deadlock' : 'concurrent change'}`,
        options('Run the whole transaction again, for instance with withRetry()'),
      )
    case '57014':
      return new TimeoutError('The statement was cancelled, or took longer than its limit', options())
    case '55P03':
      return new TimeoutError('A lock was not available in time', options())
    case '25P03':
    case '25P04':
      return new TimeoutError('The transaction took longer than its limit', options())
    case '57P01':
    case '57P02':
    case '57P03':
    case '53300':
      return new ConnectionError(`The server ended or refused the session (${sqlState})`, {
        ...options(),
        cause,
      })
    case '3D000':
      return new ConnectionError('The server has no such database', {
        ...options('Check the path of the connection URL, or create the database'),
        retryable: false,
      })
    case '28P01':
    case '28000':
      return new ConnectionError(`The server refused the login (${sqlState})`, {
        ...options('Check user and password of the connection URL'),
        retryable: false,
      })
    case '42P01':
    case '42883':
    case '3F000':
      // The server names what is missing, and no value.
      return new DatabaseError(
        `The database lacks what the statement uses: ${failure.message} (${sqlState})`,
        {
          ...options('Apply the migrations, or look whether this is the database that was meant'),
          sqlState,
        },
      )
    default:
  }
  if (sqlState.startsWith('08'))
    return new ConnectionError('The connection to PostgreSQL was lost', options())
  if (sqlState.startsWith('22')) {
    return new ValidationError(
      `A value does not fit the type of its column${where} (${sqlState})`,
      [],
      options(),
    )
  }
  return new DatabaseError(`PostgreSQL refused the statement (${sqlState})`, { ...options(), sqlState })
}

/** A plan's limit says in its DETAIL, as JSON, what refused. */
function limitError({ message, detail }: ServerFailure, options: TenantryErrorOptions): LimitError {
  const limit = planLimitOf(parsed(detail))
  return limit === null ? new LimitError(message, options) : new PlanLimitError(limit, options)
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? null : JSON.parse(text)
  } catch {
    return null
  }
}

function serverFailure(thrown: unknown): ServerFailure | undefined {
  if (!(thrown instanceof Error)) return undefined
  const sqlState = property(thrown, 'code')
  if (sqlState === undefined || !SQLSTATE.test(sqlState) || LOST.has(sqlState)) return undefined
  return {
    sqlState,
    message: thrown.message,
    table: property(thrown, 'table_name') ?? property(thrown, 'table'),
    column: property(thrown, 'column_name') ?? property(thrown, 'column'),
    constraint: property(thrown, 'constraint_name') ?? property(thrown, 'constraint'),
    detail: property(thrown, 'detail'),
  }
}

/**
 * The server's detail ("Failing row contains …") and the clients' copies of query and parameters hold
 * values of rows; errors end up in logs. The cause that is kept has everything else.
 */
function withoutValues(thrown: unknown, failure: ServerFailure): Error {
  const original = thrown as Error
  // Data exceptions (class 22) quote the value that they couldn't read.
  const message = failure.sqlState.startsWith('22')
    ? failure.message.replace(/"[^]*"/, '"…"')
    : failure.message
  const cause = new Error(message)
  cause.name = original.name
  if (original.stack !== undefined) cause.stack = original.stack.replaceAll(failure.message, message)
  return Object.assign(cause, {
    code: failure.sqlState,
    severity: property(original, 'severity'),
    routine: property(original, 'routine'),
    table: failure.table,
    column: failure.column,
    constraint: failure.constraint,
  })
}

function property(source: unknown, name: string): string | undefined {
  if (typeof source !== 'object' || source === null) return undefined
  const value: unknown = Reflect.get(source, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}
