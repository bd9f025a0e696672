/**
 * One family of errors. Each carries a stable `code`, says whether trying again can help, keeps its
 * cause, and never carries a value from a row: a message names tables, columns and constraints only.
 */

/** Where in the database a failure happened, as far as the server said. */
export interface ErrorPlace {
  readonly table?: string | undefined
  readonly column?: string | undefined
  readonly constraint?: string | undefined
}

export interface TenantryErrorOptions extends ErrorPlace {
  readonly cause?: unknown
  /** What to do next, in a sentence; appended to the message. */
  readonly hint?: string | undefined
}

export abstract class TenantryError extends Error {
  /** Stable across releases: switch on it. */
  abstract readonly code: string
  /** The same call may succeed if it is simply made again. */
  readonly retryable: boolean = false
  readonly table: string | undefined
  readonly column: string | undefined
  readonly constraint: string | undefined
  readonly hint: string | undefined

  constructor(message: string, options: TenantryErrorOptions = {}) {
    super(
      options.hint === undefined ? message : `${message}. ${options.hint}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.name = new.target.name
    this.table = options.table
    this.column = options.column
    this.constraint = options.constraint
    this.hint = options.hint
  }

  /** What may be logged or sent to a client: no cause, no stack. */
  toJSON(): Record<string, unknown> {
    const { code, name, message, retryable, table, column, constraint } = this
    return { code, name, message, retryable, table, column, constraint }
  }
}

/** The server can't be reached, refused the login, or the session was lost before it answered whole. */
export class ConnectionError extends TenantryError {
  readonly code = 'TENANTRY_CONNECTION'
  override readonly retryable: boolean
  constructor(message: string, options: TenantryErrorOptions & { readonly retryable?: boolean } = {}) {
    super(message, options)
    this.retryable = options.retryable ?? true
  }
}

/** Something was declared or configured in a way that can't work. Thrown before any statement runs. */
export class ConfigurationError extends TenantryError {
  readonly code = 'TENANTRY_CONFIGURATION'
}

/** Another row of the same tenant (or a value that is global by nature) already holds this key. */
export class UniqueViolationError extends TenantryError {
  readonly code = 'TENANTRY_UNIQUE'
}

/**
 * A row that is referred to doesn't exist for this tenant, or is still referred to. A row of another
 * tenant and a missing row give the same error.
 */
export class ForeignKeyError extends TenantryError {
  readonly code = 'TENANTRY_FOREIGN_KEY'
}

/** A CHECK constraint, or a rule enforced by a trigger, refused the values. */
export class CheckViolationError extends TenantryError {
  readonly code = 'TENANTRY_CHECK'
}

/** A column that must have a value has none. */
export class NotNullError extends TenantryError {
  readonly code = 'TENANTRY_NOT_NULL'
}

/** No such row for this tenant; a row of another tenant gives the same error. */
export class NotFoundError extends TenantryError {
  readonly code = 'TENANTRY_NOT_FOUND'
}

/** The database, or the library before it, refused an access that would cross a tenant's boundary. */
export class IsolationError extends TenantryError {
  readonly code = 'TENANTRY_ISOLATION'
}

/** A limit of the plan refused the call. */
export class LimitError extends TenantryError {
  readonly code = 'TENANTRY_LIMIT'
}

/** The row isn't in a state from which this transition or change leads, or another caller was faster. */
export class StaleTransitionError extends TenantryError {
  readonly code = 'TENANTRY_STALE_TRANSITION'
}

/** The idempotency key was used before, for something else. Nothing was done. */
export class IdempotencyError extends TenantryError {
  readonly code = 'TENANTRY_IDEMPOTENCY'
}

/** Serialization failure or deadlock: the transaction did nothing; run it again (see `withRetry`). */
export class SerializationError extends TenantryError {
  readonly code = 'TENANTRY_SERIALIZATION'
  override readonly retryable = true
}

/** A statement, lock or connection limit ran out, or the statement was cancelled. */
export class TimeoutError extends TenantryError {
  readonly code = 'TENANTRY_TIMEOUT'
  override readonly retryable = true
}

/** What is wrong with one field of an input. */
export interface InputIssue {
  /** Dotted path of the field, such as `items.0.name`; empty for the input as a whole. */
  readonly path: string
  readonly message: string
}

/** The input was refused before any statement ran. `issues` names each field. */
export class ValidationError extends TenantryError {
  readonly code = 'TENANTRY_VALIDATION'
  readonly issues: readonly InputIssue[]
  constructor(message: string, issues: readonly InputIssue[], options: TenantryErrorOptions = {}) {
    super(message, options)
    this.issues = issues
  }
  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), issues: this.issues }
  }
}

/** A cursor that was altered, cut, or made by another query. Start again from the first page. */
export class CursorError extends TenantryError {
  readonly code = 'TENANTRY_CURSOR'
}

/** A migration's files and the database's history don't agree; the message names the file. */
export class MigrationError extends TenantryError {
  readonly code = 'TENANTRY_MIGRATION'
}

/** Any other failure of the database; `sqlState` is PostgreSQL's code. */
export class DatabaseError extends TenantryError {
  readonly code = 'TENANTRY_DATABASE'
  readonly sqlState: string | undefined
  constructor(
    message: string,
    options: TenantryErrorOptions & { readonly sqlState?: string | undefined } = {},
  ) {
    super(message, options)
    this.sqlState = options.sqlState
  }
}
