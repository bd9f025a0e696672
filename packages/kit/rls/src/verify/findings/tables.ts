import type { Finding } from '@tenantry/core'
import { ROLES } from '../../names.ts'
import type { Declared } from '../declared.ts'
import type { LiveRelation } from '../queries/relations.ts'
import type { LiveRule } from '../queries/rules.ts'
import { finding } from './finding.ts'

/** Whether row security stands on every table that must have it, partitions included. */
export function tableFindings(
  declared: Declared,
  relations: readonly LiveRelation[],
  rules: readonly LiveRule[],
): readonly Finding[] {
  const present = new Map(relations.map((relation) => [relation.label, relation]))
  const missing = [...declared.guarded]
    .filter((label) => present.get(label)?.kind !== 'table')
    .map((label) =>
      finding('table-missing', label, 'It is declared, but there is no such table', 'Run the migrations'),
    )
  const guarded = relations.filter(
    ({ label, root, kind }) => kind === 'table' && (declared.guarded.has(label) || isPart(declared, root)),
  )
  return [
    ...missing,
    ...guarded.flatMap(rowSecurityOf),
    ...guarded.flatMap(ownerOf),
    ...rules.map(({ table, name }) =>
      finding(
        'rule-on-table',
        table,
        `The rule ${name} rewrites statements on it, which can bypass what its policies see`,
        `Drop the rule; use a trigger for what it does`,
      ),
    ),
  ]
}

/** Whether a relation with this root is a part (a partition, an heir) of a guarded table. */
export function isPart(declared: Declared, root: string | null): boolean {
  return root !== null && declared.guarded.has(root)
}

function rowSecurityOf({ label, root, enabled, forced }: LiveRelation): readonly Finding[] {
  const part = root !== null
  const of = part ? ` of ${root}` : ''
  if (!enabled) {
    return [
      finding(
        part ? 'partition-rls-disabled' : 'rls-disabled',
        label,
        `Row security is off${part ? ` on this part${of}` : ''}: whoever holds a right on it reaches every tenant`,
        `alter table ${label} enable row level security, force row level security`,
      ),
    ]
  }
  if (forced) return []
  return [
    finding(
      part ? 'partition-rls-not-forced' : 'rls-not-forced',
      label,
      `Row security doesn't bind the owner${part ? ` of this part${of}` : ''}`,
      `alter table ${label} force row level security`,
    ),
  ]
}

const UNTRUSTED: readonly string[] = [ROLES.tenant, ROLES.service, 'anon', 'authenticated']

function ownerOf({ label, owner }: LiveRelation): readonly Finding[] {
  if (!UNTRUSTED.includes(owner)) return []
  return [
    finding(
      'table-owner',
      label,
      `It belongs to ${owner}, which could switch its row security off`,
      'Give it to the role that migrates: alter table … owner to …',
    ),
  ]
}
