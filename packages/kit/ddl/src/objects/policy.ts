import { ConfigurationError } from '@tenantry/core'
import type { DeclaredObject } from '../declared.ts'
import { quoteGrantee, quoteIdentifier } from '../identifiers.ts'
import { relation, type RelationReference } from '../relation.ts'

interface PolicyBase {
  readonly table: RelationReference
  readonly name: string
  readonly as: 'permissive' | 'restrictive'
  /** Named roles; `public` must be said, never assumed. */
  readonly to: readonly [string, ...string[]]
}

/** Each command takes the conditions that PostgreSQL takes for it, all of them, and no other. */
export type PolicyOptions = PolicyBase &
  (
    | { readonly command: 'select' | 'delete'; readonly using: string; readonly check?: never }
    | { readonly command: 'insert'; readonly check: string; readonly using?: never }
    | { readonly command: 'update' | 'all'; readonly using: string; readonly check: string }
  )

export type PolicyCommand = PolicyOptions['command']

export interface PolicyObject extends DeclaredObject {
  readonly kind: 'policy'
  readonly type: 'policy'
  readonly on: string
  readonly name: string
  readonly as: 'permissive' | 'restrictive'
  readonly command: PolicyCommand
  readonly to: readonly string[]
  readonly using: string | null
  readonly check: string | null
}

const TAKES: Readonly<Record<PolicyCommand, { readonly using: boolean; readonly check: boolean }>> = {
  select: { using: true, check: false },
  insert: { using: false, check: true },
  update: { using: true, check: true },
  delete: { using: true, check: false },
  all: { using: true, check: true },
}

/** A row policy. Throws ConfigurationError for a condition that its command can't have, or lacks. */
export function policy(options: PolicyOptions): PolicyObject {
  const { name, as, command, to, using, check } = options
  const target = relation(options.table)
  const place = `Policy ${name} on ${target.label}`
  const takes: { using: boolean; check: boolean } | undefined = TAKES[command]
  if (takes === undefined) throw new ConfigurationError(`${place}: there is no command "${String(command)}"`)
  for (const [clause, text] of [
    ['using', using],
    ['check', check],
  ] as const) {
    if (takes[clause] !== (text !== undefined && text.trim() !== '')) {
      throw new ConfigurationError(
        `${place}: a policy for ${command} ${takes[clause] ? 'needs' : "can't have"} "${clause}"`,
      )
    }
  }
  if (to.length === 0) throw new ConfigurationError(`${place}: name the roles that it applies to`)
  return {
    kind: 'policy',
    type: 'policy',
    id: `policy ${name} on ${target.label}`,
    on: target.label,
    name,
    as,
    command,
    to,
    using: using ?? null,
    check: check ?? null,
    create: [
      [
        `create policy ${quoteIdentifier(name)} on ${target.sql}`,
        `as ${as} for ${command} to ${to.map(quoteGrantee).join(', ')}`,
        ...(using === undefined ? [] : [`using (${using})`]),
        ...(check === undefined ? [] : [`with check (${check})`]),
      ].join('\n'),
    ],
    drop: [`drop policy ${quoteIdentifier(name)} on ${target.sql}`],
    change: 'recreate',
  }
}
