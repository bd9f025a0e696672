/** What a rule does with rows that are old enough. The built-in ones are beside this; others come from other rooms. */
import type { DdlObject } from '@tenantry/core'
import type { TablePrivileges } from '@tenantry/ddl'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Work } from './engine/work.ts'
import type { Phase } from './rule/phase.ts'
import type { RetentionRule } from './rule/rule.ts'

export interface RetentionAction {
  /** Such as `delete` or `roll-up`; stands in runs and reports. */
  readonly kind: string
  /** What `tenantry_retention` is granted on the rule's table, beside SELECT. */
  readonly privileges: Pick<TablePrivileges, 'update' | 'delete'>
  /** Other tables that it writes, and what `tenantry_retention` is granted on them, beside SELECT. */
  readonly writes?: readonly {
    readonly table: PgTable
    readonly privileges: Pick<TablePrivileges, 'insert' | 'update'>
  }[]
  /** Rows that leave are inserted there, as they are: their columns' names, quoted. So a statement alone can do it. */
  readonly moves?: { readonly into: PgTable; readonly columns: readonly string[] }
  /** Further objects that it needs. */
  readonly objects?: readonly DdlObject[]
  /** A run needs an archive store. */
  readonly archives: boolean
  /** Rows of other tables may go with these by ON DELETE CASCADE. */
  readonly cascades: boolean
  /** Kinds of rows that a run changes, in the order in which it does; what the plan counts. */
  phases(rule: RetentionRule): readonly Phase[]
  /**
   * Does it, until nothing is left or `work.pause()` says so. Everything that it changes goes through
   * `work.change`. Whether a run that was killed goes on or starts over is the action's affair; twice the same
   * must be once.
   */
  run(work: Work): Promise<void>
}
