import type { Principal, Statement } from '@tenantry/core'
import { ROLES, SETTINGS, type Tenancy, type TenancyKind } from '@tenantry/rls'

/** A tenant that the walk knows: who acts for it, and what its columns hold. */
export interface KnownTenant {
  readonly user: string
  /** Null in systems whose tenant is the user. */
  readonly organization: string | null
}

/** A session's context, and whose rows it may see: null stands for nobody's. */
export interface Context {
  readonly name: string
  readonly settings: Readonly<Record<string, string>>
  readonly user: string | null
  readonly tenant: string | null
  /** It is somebody's, so it shows the rows that are shared with all tenants. */
  readonly identified: boolean
}

export function knownTenant(principal: Principal): KnownTenant {
  return {
    user: principal.userId,
    organization: 'organizationId' in principal ? principal.organizationId : null,
  }
}

/** What the tenant column of a table holds for a tenant. */
export function tenantValue(tenant: KnownTenant, of: 'tenant' | 'user'): string {
  return of === 'user' ? tenant.user : (tenant.organization ?? tenant.user)
}

const { user, organization, claims } = SETTINGS

/** Contexts that must see nothing of anybody's. Some are a person's in a system with ids of that kind. */
const FOREIGN: readonly (readonly [string, Context['settings'], readonly TenancyKind[]])[] = [
  ['no context', {}, []],
  ['an empty context', { [user]: '', [organization]: '', [claims]: '' }, []],
  [
    'a malformed context',
    { [user]: "' or true --", [organization]: '{', [claims]: '{"sub":' },
    ['user-text'],
  ],
  ['claims without a subject', { [claims]: '{"role":"service_role"}' }, []],
  ['claims of another shape', { [claims]: '{"sub":{"id":[1]},"org_id":[null]}' }, ['user-text']],
  ['a stranger', { [user]: '00000000-0000-4000-8000-000000000000' }, ['user-text', 'user-uuid']],
]

/**
 * Every context in which the walk tries its luck. The first tenant stands for the attacker: its own rows are
 * its to see, and the second one's are not.
 */
export function contextsOf(tenancy: Tenancy, first: KnownTenant, second: KnownTenant): readonly Context[] {
  const asSettings = ({ user: id, organization: org }: KnownTenant) => ({
    [user]: id,
    ...(org === null ? {} : { [organization]: org }),
  })
  const asClaims = ({ user: id, organization: org }: KnownTenant) => ({
    [claims]: JSON.stringify({ sub: id, ...(org === null ? {} : { org_id: org }) }),
  })
  const own = { user: first.user, tenant: tenantValue(first, 'tenant'), identified: true }
  const crossed: KnownTenant = { user: first.user, organization: second.organization }
  return [
    ...FOREIGN.map(([name, settings, kinds]) => ({
      name,
      settings,
      user: null,
      tenant: null,
      identified: kinds.includes(tenancy.kind),
    })),
    { name: 'another tenant', settings: asSettings(first), ...own },
    { name: 'another tenant by its claims', settings: asClaims(first), ...own },
    ...(tenancy.kind === 'organization'
      ? [
          {
            name: 'no member of the organization',
            settings: asSettings(crossed),
            user: first.user,
            tenant: null,
            identified: false,
          },
          {
            name: 'no member, by claims',
            settings: asClaims(crossed),
            user: first.user,
            tenant: null,
            identified: false,
          },
        ]
      : []),
  ]
}

/** Takes the tenant role and the context for the rest of a transaction or savepoint. */
export function enter(context: Context): Statement {
  const settings = [...Object.entries(context.settings), ['role', ROLES.tenant] as const]
  return {
    text: `select ${settings.map((_setting, index) => `pg_catalog.set_config($${index * 2 + 1}, $${index * 2 + 2}, true)`).join(', ')}`,
    params: settings.flat(),
  }
}

/** Takes the service role, which sees every tenant. */
export const TRUSTED: Statement = {
  text: "select pg_catalog.set_config('role', $1, true)",
  params: [ROLES.service],
}

/** Stands for the tenant of a table's shared rows, which nobody acts for. */
export function sharedTenant(shared: string): KnownTenant {
  return { user: shared, organization: shared }
}
