import { ConfigurationError } from '@tenantry/core'
import type { DeclaredObject } from '../declared.ts'
import { quoteIdentifier, quoteIdentifiers } from '../identifiers.ts'
import { drizzleName, relation, type RelationReference } from '../relation.ts'

export interface SetNullColumnsObject extends DeclaredObject {
  readonly kind: 'table'
  readonly type: 'set-null-columns'
  readonly on: string
}

/**
 * Limits `ON DELETE SET NULL` of a foreign key that Drizzle declares to some of its columns, so that the
 * tenant column of a composite key stays. Not available where another tool generates the tables.
 */
export function setNullColumns(
  table: RelationReference,
  constraint: string,
  columns: readonly [string, ...string[]],
): SetNullColumnsObject {
  const target = relation(table)
  if (columns.length === 0)
    throw new ConfigurationError(`Foreign key ${constraint}: name at least one column`)
  return {
    kind: 'table',
    type: 'set-null-columns',
    id: `foreign key ${constraint} on ${target.label}`,
    on: target.label,
    create: [],
    drop: [],
    change: 'replace',
    amend: [
      {
        match: `ALTER TABLE ${drizzleName(target)} ADD CONSTRAINT ${quoteIdentifier(constraint)} FOREIGN KEY`,
        replace: 'ON DELETE set null',
        put: `ON DELETE set null (${quoteIdentifiers(columns)})`,
      },
    ],
  }
}
