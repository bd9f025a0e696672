import type { DeclaredObject } from '../declared.ts'
import { relation, type RelationReference } from '../relation.ts'

export interface RowSecurityObject extends DeclaredObject {
  readonly kind: 'row-security'
  readonly type: 'row-security'
  readonly on: string
}

/** Row-level security, enabled and forced: the table's owner is filtered too. */
export function rowSecurity({ table }: { readonly table: RelationReference }): RowSecurityObject {
  const target = relation(table)
  return {
    kind: 'row-security',
    type: 'row-security',
    id: `row security on ${target.label}`,
    on: target.label,
    create: [
      `alter table ${target.sql} enable row level security`,
      `alter table ${target.sql} force row level security`,
    ],
    drop: [
      `alter table ${target.sql} no force row level security`,
      `alter table ${target.sql} disable row level security`,
    ],
    change: 'replace',
  }
}
