import type { DeclaredObject } from '../declared.ts'
import { quoteGrantee, quoteIdentifier } from '../identifiers.ts'

export interface SchemaOptions {
  readonly name: string
  /** Roles that may look up objects in it. */
  readonly usableBy?: readonly string[]
}

export interface SchemaObject extends DeclaredObject {
  readonly kind: 'schema'
  readonly type: 'schema'
  readonly name: string
}

/** A schema, shared with whoever made it first. It is never dropped; only the right to use it is. */
export function schema({ name, usableBy = [] }: SchemaOptions): SchemaObject {
  const quoted = quoteIdentifier(name)
  const roles = usableBy.map(quoteGrantee).join(', ')
  return {
    kind: 'schema',
    type: 'schema',
    id: `schema ${name}`,
    name,
    create: [
      `create schema if not exists ${quoted}`,
      ...(roles === '' ? [] : [`grant usage on schema ${quoted} to ${roles}`]),
    ],
    drop: roles === '' ? [] : [`revoke usage on schema ${quoted} from ${roles}`],
    change: 'recreate',
  }
}
