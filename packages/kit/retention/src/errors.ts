/** What retention refuses, or finds broken. Each says what was kept: nothing is deleted after one of these. */
import { TenantryError, type TenantryErrorOptions } from '@tenantry/core'

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
