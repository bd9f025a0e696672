import { ConfigurationError } from '@tenantry/core'
import { quoteIdentifier, type Relation } from '@tenantry/ddl'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { RetentionAction } from '../action.ts'
import { changeInBatches } from '../engine/batches.ts'
import { ageKind } from '../rule/age.ts'

/**
 * Marks rows that are old enough; deletes those that have carried the mark for long enough, whoever set it. The
 * run that marks a row never deletes it.
 */
export function softDeleteThenPurge(
  target: Relation,
  { column, purgeAfterDays }: { readonly column: PgColumn; readonly purgeAfterDays: number },
): RetentionAction {
  const mark = quoteIdentifier(column.name)
  const kind = ageKind(target, column, undefined)
  if (column.notNull) {
    throw new ConfigurationError(`${target.label}.${column.name} is NOT NULL: it can't tell deleted rows`)
  }
  return {
    kind: 'soft-delete-then-purge',
    privileges: { update: [column.name], delete: true },
    archives: false,
    cascades: true,
    phases: ({ age }) => [
      {
        effect: 'purge',
        age: { column, kind, span: { months: 0, days: purgeAfterDays, hours: 0 } },
        condition: null,
        removes: true,
      },
      {
        effect: 'soft-delete',
        age,
        condition: `${quoteIdentifier(target.name)}.${mark} is null`,
        removes: false,
      },
    ],
    async run(work) {
      for (const phase of work.phases) {
        const assignment = phase.removes ? null : `${mark} = pg_catalog.statement_timestamp()`
        await changeInBatches(work, phase, assignment)
      }
    },
  }
}
