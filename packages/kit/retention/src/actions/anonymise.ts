import { ConfigurationError } from '@tenantry/core'
import { quoteIdentifier, quoteLiteral, type Relation } from '@tenantry/ddl'
import { castType, encodeColumn } from '@tenantry/repository'
import { is, SQL } from 'drizzle-orm'
import { PgDialect, type PgColumn } from 'drizzle-orm/pg-core'
import type { RetentionAction } from '../action.ts'
import { changeInBatches } from '../engine/batches.ts'
import type { AnonymousValue } from '../rule/options.ts'

interface Assignment {
  readonly column: PgColumn
  readonly value: AnonymousValue
}

/** Overwrites columns of rows that are old enough, once: the marker says when it was. */
export function anonymise(
  target: Relation,
  { set, marker }: { readonly set: readonly Assignment[]; readonly marker: PgColumn },
): RetentionAction {
  if (marker.notNull || !marker.getSQLType().startsWith('timestamp')) {
    throw new ConfigurationError(`${target.label}.${marker.name} must be a nullable timestamp to mark rows`)
  }
  if (set.length === 0) throw new ConfigurationError(`Anonymising ${target.label} sets no column`)
  const emptied = set.find(({ column, value }) => value === null && column.notNull)
  if (emptied !== undefined) {
    throw new ConfigurationError(`${target.label}.${emptied.column.name} is NOT NULL: give it a value`)
  }
  const assignments = [
    ...set.map((assignment) => `${quoteIdentifier(assignment.column.name)} = ${valueText(assignment)}`),
    `${quoteIdentifier(marker.name)} = pg_catalog.statement_timestamp()`,
  ].join(', ')
  return {
    kind: 'anonymise',
    privileges: { update: [...set.map(({ column }) => column.name), marker.name] },
    archives: false,
    cascades: true,
    phases: ({ age }) => [
      {
        effect: 'anonymise',
        age,
        condition: `${quoteIdentifier(target.name)}.${quoteIdentifier(marker.name)} is null`,
        removes: false,
      },
    ],
    async run(work) {
      for (const phase of work.phases) await changeInBatches(work, phase, assignments)
    },
  }
}

function valueText({ column, value }: Assignment): string {
  if (value === null) return 'null'
  if (is(value, SQL)) return `(${new PgDialect().sqlToQuery(value.inlineParams()).sql})`
  return `${quoteLiteral(String(encodeColumn(column, value)))}::${castType(column)}`
}
