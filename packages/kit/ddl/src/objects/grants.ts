import { ConfigurationError } from '@tenantry/core'
import type { DeclaredObject } from '../declared.ts'
import { quoteGrantee, quoteIdentifiers } from '../identifiers.ts'
import { asOwner } from './asOwner.ts'
import { relation, type RelationReference } from '../relation.ts'

/** `true`: the whole table. Columns: those only. What is left out isn't granted. */
export interface TablePrivileges {
  readonly select?: true | readonly string[]
  readonly insert?: true | readonly string[]
  readonly update?: true | readonly string[]
  readonly delete?: true
}

export interface GrantsOptions {
  readonly table: RelationReference
  readonly to: string
  readonly privileges: TablePrivileges
  /** Of the relation, where it isn't the role that migrates: only an owner can grant. */
  readonly owner?: string
}

export interface GrantsObject extends DeclaredObject {
  readonly kind: 'grant'
  readonly type: 'grants'
  readonly on: string
  readonly to: string
  readonly privileges: TablePrivileges
}

const PRIVILEGES = ['select', 'insert', 'update', 'delete'] as const

/**
 * What one role may do with a table or view. TRUNCATE, REFERENCES and TRIGGER can't be granted here: the
 * first ignores row policies, the others let a role reach rows through constraints and code.
 */
export function grants({ table, to, privileges, owner }: GrantsOptions): GrantsObject {
  const target = relation(table)
  const granted = PRIVILEGES.flatMap((privilege) => {
    const extent = privileges[privilege]
    if (extent === undefined) return []
    if (extent === true) return [privilege]
    if (extent.length === 0) {
      throw new ConfigurationError(`Grant of ${privilege} on ${target.label} to ${to} names no column`)
    }
    return [`${privilege} (${quoteIdentifiers(extent)})`]
  })
  const by = (statements: readonly string[]): readonly string[] =>
    owner === undefined ? statements : asOwner(target.schema, owner, statements)
  return {
    kind: 'grant',
    type: 'grants',
    id: `grants on ${target.label} to ${to}`,
    on: target.label,
    to,
    privileges,
    create:
      granted.length === 0
        ? []
        : by([`grant ${granted.join(', ')} on table ${target.sql} to ${quoteGrantee(to)}`]),
    drop: by([`revoke all privileges on table ${target.sql} from ${quoteGrantee(to)}`]),
    change: 'recreate',
  }
}
