import { ConfigurationError } from '@tenantry/core'
import type { DeclaredObject } from '../declared.ts'
import { qualify, quoteIdentifier, quoteIdentifiers, quoteLiteral } from '../identifiers.ts'
import { relation, type RelationReference } from '../relation.ts'

export type TriggerEvent =
  | 'insert'
  | 'update'
  | 'delete'
  | 'truncate'
  | { readonly updateOf: readonly string[] }

export interface TriggerOptions {
  readonly table: RelationReference
  readonly name: string
  readonly timing: 'before' | 'after' | 'instead of'
  readonly events: readonly [TriggerEvent, ...TriggerEvent[]]
  /** Default: `row`. */
  readonly level?: 'row' | 'statement'
  /** Names of the transition tables of an `after` trigger. */
  readonly referencing?: { readonly newTable?: string; readonly oldTable?: string }
  /** A SQL condition over `old` and `new`. */
  readonly when?: string
  /** `owner`: whose the function is, where it isn't the role's that migrates. */
  readonly execute: { readonly schema?: string; readonly name: string; readonly owner?: string }
  /** Text arguments for the function (`TG_ARGV`). */
  readonly args?: readonly string[]
  /** `always` also fires in sessions with `session_replication_role = replica`. Default: `origin`. */
  readonly enable?: 'always' | 'origin'
}

export interface TriggerObject extends DeclaredObject {
  readonly kind: 'trigger'
  readonly type: 'trigger'
  readonly on: string
  readonly name: string
  readonly enable: 'always' | 'origin'
}

export function trigger(options: TriggerOptions): TriggerObject {
  const { name, timing, level = 'row', enable = 'origin', args = [] } = options
  const target = relation(options.table)
  const quoted = quoteIdentifier(name)
  if (level === 'row' && options.events.includes('truncate')) {
    throw new ConfigurationError(`Trigger ${name} on ${target.label}: truncate has no rows`, {
      hint: "Use level: 'statement'",
    })
  }
  const text = [
    `create or replace trigger ${quoted}`,
    `${timing} ${options.events.map(event).join(' or ')} on ${target.sql}`,
    ...referencing(options.referencing),
    `for each ${level}`,
    ...(options.when === undefined ? [] : [`when (${options.when})`]),
    `execute function ${qualify(options.execute.schema ?? 'public', options.execute.name)}(${args.map(quoteLiteral).join(', ')})`,
  ].join('\n')
  return {
    kind: 'trigger',
    type: 'trigger',
    id: `trigger ${name} on ${target.label}`,
    on: target.label,
    name,
    enable,
    create: [
      ...asOwnerOf(options.execute, target.sql, text),
      ...(enable === 'always' ? [`alter table ${target.sql} enable always trigger ${quoted}`] : []),
    ],
    drop: [`drop trigger ${quoted} on ${target.sql}`],
    // A replaced trigger keeps how it is enabled.
    change: 'recreate',
  }
}

/**
 * Whoever makes a trigger may execute its function, and a role that migrates and isn't a superuser may not execute what
 * another role owns. So that one makes it, with the right to do so for just as long.
 */
function asOwnerOf({ owner }: TriggerOptions['execute'], table: string, text: string): readonly string[] {
  if (owner === undefined) return [text]
  const role = quoteIdentifier(owner)
  return [
    `grant trigger on ${table} to ${role}`,
    `set role ${role}`,
    text,
    'reset role',
    `revoke trigger on ${table} from ${role}`,
  ]
}

function event(declared: TriggerEvent): string {
  return typeof declared === 'string' ? declared : `update of ${quoteIdentifiers(declared.updateOf)}`
}

function referencing(tables: TriggerOptions['referencing']): readonly string[] {
  if (tables === undefined) return []
  const parts = [
    ...(tables.oldTable === undefined ? [] : [`old table as ${quoteIdentifier(tables.oldTable)}`]),
    ...(tables.newTable === undefined ? [] : [`new table as ${quoteIdentifier(tables.newTable)}`]),
  ]
  return parts.length === 0 ? [] : [`referencing ${parts.join(' ')}`]
}
