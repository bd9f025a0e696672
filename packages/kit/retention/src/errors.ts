/** What retention refuses, or finds broken. Each says what was kept: nothing is deleted after one of these. */
import { TenantryError, type TenantryErrorOptions } from '@tenantry/core'
import type { RunReport } from './engine/run-rule.ts'

/** A floor, a share of the table or something in the way forbids the run. Nothing was changed. */
export class RetentionRefusedError extends TenantryError {
  readonly code = 'TENANTRY_RETENTION_REFUSED'
}

/** An archive object is missing, altered or cut, or the store said what isn't so. Its rows were not deleted. */
export class ArchiveError extends TenantryError {
  readonly code = 'TENANTRY_ARCHIVE'
  /** Of the object, where it is one. */
  readonly key: string | undefined
  constructor(message: string, options: TenantryErrorOptions & { readonly key?: string } = {}) {
    super(message, options)
    this.key = options.key
  }
}

/** Another worker holds the rule's lease, or took it over. Whoever gets this changes nothing more. */
export class LeaseLostError extends TenantryError {
  readonly code = 'TENANTRY_RETENTION_LEASE'
  override readonly retryable = true
}

/** The table isn't what it was when its rows were archived. Nothing was restored, or deleted. */
export class SchemaChangedError extends TenantryError {
  readonly code = 'TENANTRY_SCHEMA_CHANGED'
  /** Each departure, in a sentence that names its column. */
  readonly changes: readonly string[]
  constructor(message: string, changes: readonly string[], options: TenantryErrorOptions = {}) {
    super(message, options)
    this.changes = changes
  }
}

/** A row that its table refused to give away or to change. */
export interface RefusedRow {
  /** Its primary key, each value in PostgreSQL's own text. */
  readonly key: Readonly<Record<string, string | null>>
  /** What the table, such as a trigger of it, said. */
  readonly error: TenantryError
}

/**
 * Rows refused to be changed, by a trigger of theirs or a rule of their table, and are as they were. All others that
 * were old enough were dealt with, as `report` says; without one there were too many, and the run stopped at them.
 */
export class RowsRefusedError extends TenantryError {
  readonly code = 'TENANTRY_RETENTION_ROWS'
  /** At most 101. */
  readonly rows: readonly RefusedRow[]
  readonly report: RunReport | null

  constructor(table: string, rows: readonly RefusedRow[], report: RunReport | null) {
    super(`${rows.length} rows of ${table} refused to be changed: ${rows[0]?.error.message ?? ''}`, {
      cause: rows[0]?.error,
      hint: 'Their keys are in `rows`. Until the cause is mended, every run leaves them',
    })
    this.rows = rows
    this.report = report
  }

  override toJSON(): Record<string, unknown> {
    const rows = this.rows.map(({ key, error }) => ({ key, error: error.toJSON() }))
    return { ...super.toJSON(), rows, report: this.report }
  }
}
