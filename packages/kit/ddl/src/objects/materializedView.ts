import type { DeclaredObject } from '../declared.ts'
import { qualify, quoteIdentifier, quoteIdentifiers } from '../identifiers.ts'
import { asOwner } from './asOwner.ts'

export interface MaterializedViewOptions {
  /** Default: `public`. */
  readonly schema?: string
  readonly name: string
  /** A complete SELECT. */
  readonly query: string
  /** Default: the role that migrates. */
  readonly owner?: string
  /** Refreshing it concurrently needs a unique one. */
  readonly indexes?: readonly {
    readonly name: string
    readonly columns: readonly [string, ...string[]]
    readonly unique?: boolean
  }[]
}

export interface MaterializedViewObject extends DeclaredObject {
  readonly kind: 'view'
  readonly type: 'materialized-view'
  readonly schema: string
  readonly name: string
}

/**
 * A materialized view. It holds what its owner saw at the last refresh, whoever reads it: grant it to no
 * tenant. It is made empty and unreadable, because its owner's grants come later; the first refresh, which
 * can't be a concurrent one, fills it.
 */
export function materializedView(options: MaterializedViewOptions): MaterializedViewObject {
  const { schema = 'public', name, owner, indexes = [] } = options
  const quoted = qualify(schema, name)
  const create = [
    `create materialized view ${quoted} as\n${options.query.trim()}\nwith no data`,
    ...indexes.map(
      (index) =>
        `create ${index.unique === true ? 'unique ' : ''}index ${quoteIdentifier(index.name)} on ${quoted} (${quoteIdentifiers(index.columns)})`,
    ),
  ]
  const drop = [`drop materialized view ${quoted}`]
  return {
    kind: 'view',
    type: 'materialized-view',
    id: `materialized view ${schema}.${name}`,
    provides: `${schema}.${name}`,
    schema,
    name,
    create: owner === undefined ? create : asOwner(schema, owner, create),
    drop: owner === undefined ? drop : asOwner(schema, owner, drop),
    change: 'recreate',
  }
}
