import type { Finding } from '@tenantry/core'
import type { GrantsObject } from '@tenantry/ddl'
import { ROLES } from '../../names.ts'
import type { Declared } from '../declared.ts'
import type { LiveGrant } from '../queries/grants.ts'
import type { Reach } from '../queries/reach.ts'
import type { LiveRelation } from '../queries/relations.ts'
import type { SchemaCreator } from '../queries/schema-creators.ts'
import { finding, restore } from './finding.ts'
import { isPart } from './tables.ts'

/** Rights that bypass row security, or let their holder see through it; they are the owner's alone. */
const OWNERS_ONLY: readonly string[] = ['truncate', 'references', 'trigger', 'maintain']

/** Roles that act for tenants or for nobody in particular: ours, and PostgREST's where they exist. */
export const CLIENT_ROLES: readonly string[] = [ROLES.tenant, 'anon', 'authenticated']

export interface GrantFacts {
  readonly relations: readonly LiveRelation[]
  readonly grants: readonly LiveGrant[]
  readonly reach: readonly Reach[]
  readonly creators: readonly SchemaCreator[]
}

/** Whether everyone holds the declared rights and no more, and nothing is reachable that nobody declared. */
export function grantFindings(declared: Declared, facts: GrantFacts): readonly Finding[] {
  const roots = new Map(facts.relations.map(({ label, root }) => [label, root]))
  const live = new Set(facts.grants.map((grant) => key(grant.label, grant.grantee, right(grant))))
  const wanted = new Set(
    declared.grants.flatMap((object) => rightsOf(object).map((each) => key(object.on, object.to, each))),
  )
  const missing = declared.grants.flatMap((object) => {
    if (!roots.has(object.on)) return []
    const lacking = rightsOf(object).filter((each) => !live.has(key(object.on, object.to, each)))
    return lacking.length === 0
      ? []
      : [
          finding(
            'grant-missing',
            object.on,
            `${object.to} lacks ${lacking.join(', ')}`,
            restore(...object.create),
          ),
        ]
  })
  const excess = facts.grants.flatMap((grant) =>
    excessOf(declared, grant, roots.get(grant.label) ?? null, wanted),
  )
  return [...missing, ...excess, ...uncovered(declared, facts), ...facts.creators.map(creator)]
}

const key = (...parts: readonly string[]): string => JSON.stringify(parts)

const right = ({ privilege, column }: LiveGrant): string =>
  column === null ? privilege : `${privilege} (${column})`

function rightsOf({ privileges }: GrantsObject): readonly string[] {
  return Object.entries(privileges).flatMap(([privilege, extent]: [string, true | readonly string[]]) =>
    extent === true ? [privilege] : extent.map((column) => `${privilege} (${column})`),
  )
}

function excessOf(
  declared: Declared,
  grant: LiveGrant,
  root: string | null,
  wanted: ReadonlySet<string>,
): readonly Finding[] {
  const { label, grantee, privilege, grantable } = grant
  const remedy = `revoke ${right(grant)} on ${label} from ${grantee}`
  if (isPart(declared, root)) {
    return [
      finding(
        'partition-granted',
        label,
        `${grantee} holds ${right(grant)} on this part of ${root}, beside its policies`,
        remedy,
      ),
    ]
  }
  if (!declared.covered.has(label)) return []
  if (OWNERS_ONLY.includes(privilege)) {
    return [
      finding(
        'grant-owners-only',
        label,
        `${grantee} holds ${right(grant)}, which row security doesn't limit`,
        remedy,
      ),
    ]
  }
  if (!wanted.has(key(label, grantee, right(grant)))) {
    return [
      finding('grant-undeclared', label, `${grantee} holds ${right(grant)}, which is not declared`, remedy),
    ]
  }
  if (!grantable) return []
  return [
    finding(
      'grant-option',
      label,
      `${grantee} may pass on ${right(grant)}`,
      `revoke grant option for ${right(grant)} on ${label} from ${grantee}`,
    ),
  ]
}

const READABLE_FORMS = {
  'materialized view': 'materialized-view-readable',
  'foreign table': 'foreign-table-readable',
} as const

function uncovered(declared: Declared, { relations, reach }: GrantFacts): readonly Finding[] {
  return relations.flatMap(({ label, kind, root }) => {
    const own = isPart(declared, root) ? [] : reach.filter((entry) => entry.label === label)
    const who = own.map(({ role, privileges }) => `${role} (${privileges})`).join(', ')
    if (who === '') return []
    if (kind === 'materialized view' || kind === 'foreign table') {
      return [
        finding(
          READABLE_FORMS[kind],
          label,
          `A ${kind} has no row security, and ${who} can use it`,
          `Revoke it: revoke all on ${label} from …; let tenants read through a function or view with their filter`,
        ),
      ]
    }
    if (declared.covered.has(label)) return []
    return [
      finding(
        'table-unclassified',
        label,
        `No class covers this ${kind}, and ${who} can use it`,
        'Classify it in the tenancy, or revoke the rights',
      ),
    ]
  })
}

function creator({ schema, role }: SchemaCreator): Finding {
  return finding(
    'schema-create',
    schema,
    `${role} may create objects in the schema, which others could take for the system's`,
    `revoke create on schema ${schema} from ${role}, public`,
  )
}
