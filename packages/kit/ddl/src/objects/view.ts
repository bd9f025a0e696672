import type { DeclaredObject } from '../declared.ts'
import { qualify } from '../identifiers.ts'

export interface ViewOptions {
  /** Default: `public`. */
  readonly schema?: string
  readonly name: string
  /** A complete SELECT. */
  readonly query: string
}

export interface ViewObject extends DeclaredObject {
  readonly kind: 'view'
  readonly type: 'view'
  readonly schema: string
  readonly name: string
}

/** A view, always `security_invoker`: whoever reads it sees what they would see in its tables. */
export function view({ schema = 'public', name, query }: ViewOptions): ViewObject {
  const quoted = qualify(schema, name)
  return {
    kind: 'view',
    type: 'view',
    id: `view ${schema}.${name}`,
    provides: `${schema}.${name}`,
    schema,
    name,
    create: [`create view ${quoted} with (security_invoker = true) as\n${query.trim()}`],
    drop: [`drop view ${quoted}`],
    change: 'recreate',
  }
}
