import type { Finding } from '@tenantry/core'
import type { PolicyObject } from '@tenantry/ddl'
import type { Declared } from '../declared.ts'
import type { Deparsed } from '../deparse.ts'
import type { LivePolicy } from '../queries/policies.ts'
import type { LiveRelation } from '../queries/relations.ts'
import { finding, restore } from './finding.ts'
import { isPart } from './tables.ts'

/** Whether each table has the declared policies, as declared, and no others. */
export function policyFindings(
  declared: Declared,
  deparsed: Deparsed,
  live: readonly LivePolicy[],
  relations: readonly LiveRelation[],
): readonly Finding[] {
  const kinds = new Map(relations.map((relation) => [relation.label, relation]))
  const known = new Map(declared.policies.map((policy) => [key(policy.on, policy.name), policy]))
  const found = new Map(live.map((policy) => [key(labelOf(policy), policy.name), policy]))
  const departed = declared.policies.flatMap((policy) => {
    // A missing table is a finding of its own.
    if (!kinds.has(policy.on)) return []
    return compare(policy, found.get(key(policy.on, policy.name)), deparsed)
  })
  const unknown = live.flatMap((policy) => {
    const label = labelOf(policy)
    const concerned = declared.guarded.has(label) || isPart(declared, kinds.get(label)?.root ?? null)
    return concerned && !known.has(key(label, policy.name)) ? [unknownPolicy(label, policy)] : []
  })
  return [...departed, ...unknown]
}

const key = (label: string, name: string): string => JSON.stringify([label, name])
const labelOf = ({ schema, table }: LivePolicy): string => `${schema}.${table}`

function compare(policy: PolicyObject, live: LivePolicy | undefined, deparsed: Deparsed): readonly Finding[] {
  const { on, name, id, create, drop } = policy
  if (live === undefined) {
    return [finding('policy-missing', on, `The policy ${name} is missing`, restore(...create))]
  }
  const refusal = deparsed.refused.get(id)
  const wanted = deparsed.policies.get(id)
  if (wanted === undefined) {
    return [
      finding(
        'policy-not-comparable',
        on,
        `The policy ${name} could not be compared with its declaration: ${refusal ?? 'the server did not make it'}`,
        'Create what it needs, and verify as the role that migrates',
      ),
    ]
  }
  const differences = (['as', 'command', 'roles', 'using', 'check'] as const).filter(
    (part) => JSON.stringify(live[part]) !== JSON.stringify(wanted[part]),
  )
  if (differences.length === 0) return []
  const shown = differences.map((part) => `${WORDS[part]} ${show(live[part])}, not ${show(wanted[part])}`)
  return [
    finding(
      'policy-changed',
      on,
      `The policy ${name} is not as declared: ${shown.join('; ')}`,
      restore(...drop, ...create),
    ),
  ]
}

const WORDS = {
  as: 'it is',
  command: 'it is for',
  roles: 'it is to',
  using: 'USING is',
  check: 'WITH CHECK is',
} as const

const show = (value: string | readonly string[] | null): string =>
  value === null ? 'absent' : typeof value === 'string' ? value : value.join(', ')

function unknownPolicy(label: string, { name, as, command, roles }: LivePolicy): Finding {
  return finding(
    as === 'permissive' ? 'policy-undeclared-permissive' : 'policy-undeclared',
    label,
    `The ${as} policy ${name} (${command}, to ${roles.join(', ')}) is not declared${as === 'permissive' ? '; permissive policies add up' : ''}`,
    `Declare it, or drop it: drop policy "${name}" on ${label}`,
  )
}
