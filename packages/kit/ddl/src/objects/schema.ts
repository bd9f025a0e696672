import type { DeclaredObject } from '../declared.ts'
import { quoteGrantee, quoteIdentifier } from '../identifiers.ts'

export interface SchemaOptions {
  readonly name: string
  /** Roles that may look up what is in it; `public` for all. */
  readonly usableBy?: readonly string[]
}

export interface SchemaObject extends DeclaredObject {
  readonly kind: 'schema'
  readonly type: 'schema'
  readonly name: string
  readonly usableBy: readonly string[]
}

/**
 * A schema, shared with whoever made it first: several modules may each declare it, for roles of their own.
 * It is never dropped; only the right to use it is taken back.
 */
export function schema({ name, usableBy = [] }: SchemaOptions): SchemaObject {
  const quoted = quoteIdentifier(name)
  const make = `create schema if not exists ${quoted}`
  const roles = usableBy.map(quoteGrantee).join(', ')
  return {
    kind: 'schema',
    type: 'schema',
    id: roles === '' ? `schema ${name}` : `schema ${name} for ${usableBy.join(', ')}`,
    name,
    usableBy,
    create: roles === '' ? [make] : [make, `grant usage on schema ${quoted} to ${roles}`],
    drop: roles === '' ? [] : [`revoke usage on schema ${quoted} from ${roles}`],
    change: 'recreate',
  }
}
