import type { Relation } from '@tenantry/ddl'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { RetentionAction } from '../action.ts'
import type { Age, Span } from './age.ts'

/** A rule that was found possible: names are the database's, defaults are filled in. */
export interface RetentionRule {
  readonly name: string
  readonly table: PgTable
  readonly target: Relation
  readonly age: Age
  /** SQL over the table's columns, each with the table's name before it; null: every row. */
  readonly where: string | null
  readonly reads: readonly PgTable[]
  readonly action: RetentionAction
  readonly batch: { readonly rows: number; readonly maxRows: number; readonly targetMs: number }
  readonly floors: {
    /** Age below which no policy brings the rule. */
    readonly minimum: Span
    readonly maxFraction: number | null
    readonly keepLast: { readonly rows: number; readonly per: PgColumn } | null
  }
  readonly hold: boolean
}
