/** The functions by which policies read the context, and the roles that policies name. */
import type { DdlObject } from '@tenantry/core'
import { quoteIdentifier, relation, role, schema, sqlFunction, statement } from '@tenantry/ddl'
import { LIBRARY_SCHEMA, ROLES, SETTINGS } from './names.ts'
import { readerObjects } from './readers.ts'
import type { MembershipOptions, Tenancy } from './tenancy.ts'

/**
 * The reads of our own settings are written as single expressions over STABLE functions, so that the planner
 * inlines them and a policy's subselect becomes an InitPlan that runs once; a VOLATILE or multi-part body would
 * be called for every row.
 */
const setting = (name: string): string => `pg_catalog.current_setting('${name}', true)`

/** A malformed value is no context: no rows, never an error that tells about the policy. */
const checked = (expression: string, type: 'uuid' | 'jsonb'): string =>
  `case when pg_catalog.pg_input_is_valid(${expression}, '${type}') then (${expression})::${type} end`

const typed = (expression: string, type: 'uuid' | 'text'): string =>
  type === 'uuid' ? checked(expression, 'uuid') : expression

const claim = (name: string): string => `${checked(setting(SETTINGS.claims), 'jsonb')} ->> '${name}'`

/** The library's setting decides where it is set; else the claims that PostgREST left. */
const either = (name: string, claimed: string, type: 'uuid' | 'text'): string =>
  `case when ${setting(name)} <> '' then ${typed(setting(name), type)} else ${claimed} end`

/** Of the claims. PL/pgSQL, which isn't inlined: every plan of every statement would carry all of it. */
function claimedUser(type: 'uuid' | 'text'): DdlObject {
  return sqlFunction({
    schema: LIBRARY_SCHEMA,
    name: `claimed_user_${type}`,
    args: [],
    returns: type,
    language: 'plpgsql',
    volatility: 'stable',
    parallel: 'safe',
    body: [
      'declare',
      `  claimed text := ${claim('sub')};`,
      'begin',
      `  return ${typed('claimed', type)};`,
      'end',
    ].join('\n'),
    executableBy: EVERYONE,
  })
}

const EVERYONE = [ROLES.tenant, ROLES.service, ROLES.definer]

/** Expressions for policies and functions: the tenant and the user of the current context, or null. */
export interface ContextExpressions {
  readonly tenant: string
  readonly user: string
  /** What the user is in the current organization; null unless the membership declares a role column. */
  readonly role: string | null
}

export function contextExpressions(
  tenancy: Pick<Tenancy, 'kind'> & Partial<Pick<Tenancy, 'membership'>>,
): ContextExpressions {
  const user = `${LIBRARY_SCHEMA}.current_user_${tenancy.kind === 'user-text' ? 'text' : 'uuid'}()`
  return {
    user,
    tenant: tenancy.kind === 'organization' ? `${LIBRARY_SCHEMA}.current_organization()` : user,
    role: tenancy.membership?.role === undefined ? null : `${LIBRARY_SCHEMA}.current_organization_role()`,
  }
}

/**
 * SQL that says whether the caller acts as the service role. It holds in a SECURITY DEFINER function too, where
 * `current_user` is the owner: what SET ROLE chose stays readable there.
 */
export const CALLER_IS_SERVICE = `pg_catalog.pg_has_role(
  case pg_catalog.current_setting('role') when 'none' then session_user else pg_catalog.current_setting('role')::name end,
  '${ROLES.service}',
  'usage'
)`

export function contextObjects(tenancy: Tenancy): readonly DdlObject[] {
  const type = tenancy.kind === 'user-text' ? 'text' : 'uuid'
  const objects: DdlObject[] = [
    role({ name: ROLES.tenant }),
    role({ name: ROLES.service }),
    role({ name: ROLES.definer }),
    ...[LIBRARY_SCHEMA, ...schemasOf(tenancy)].map((name) => schema({ name, usableBy: EVERYONE })),
    supabaseRoles(),
    claimedUser(type),
    sqlFunction({
      schema: LIBRARY_SCHEMA,
      name: `current_user_${type}`,
      args: [],
      returns: type,
      language: 'sql',
      volatility: 'stable',
      parallel: 'safe',
      security: 'invoker',
      body: `select ${either(SETTINGS.user, `${LIBRARY_SCHEMA}.claimed_user_${type}()`, type)}`,
      executableBy: EVERYONE,
    }),
  ]
  if (tenancy.membership !== null) objects.push(...membershipObjects(tenancy.membership))
  if (tenancy.readers !== null) objects.push(...readerObjects(tenancy.kind, tenancy.readers))
  return objects
}

/** Those in which the tables are, but for `public`, which everyone may use already. */
function schemasOf({ tables }: Tenancy): readonly string[] {
  return [...new Set(tables.map((table) => table.schema))].filter(
    (name) => name !== 'public' && name !== LIBRARY_SCHEMA,
  )
}

/** The active organization, if the user is a member of it at this moment, and what they are there; else null. */
function membershipObjects(membership: MembershipOptions): readonly DdlObject[] {
  const { table, user, organization, active, role: memberRole } = membership
  const column = (of: { readonly name: string }): string => `member.${quoteIdentifier(of.name)}`
  const ofMember = (name: string, returns: string, answer: string): DdlObject =>
    sqlFunction({
      schema: LIBRARY_SCHEMA,
      name,
      args: [],
      returns,
      // It can't be inlined, and a session keeps the plan of a plpgsql function.
      language: 'plpgsql',
      volatility: 'stable',
      parallel: 'safe',
      security: 'definer',
      owner: ROLES.definer,
      // The caller is checked by what it asks for: only a membership of the context's own user is looked up.
      body: [
        'begin',
        '  return (',
        `    select ${answer}`,
        `    from ${relation(table).sql} as member`,
        `    where ${column(user)} = ${LIBRARY_SCHEMA}.current_user_uuid()`,
        `      and ${column(organization)} = ${either(SETTINGS.organization, typed(`(${claim('org_id')})`, 'uuid'), 'uuid')}`,
        ...(active === undefined ? [] : [`      and ${column(active)}`]),
        '    limit 1',
        '  );',
        'end',
      ].join('\n'),
      executableBy: EVERYONE,
    })
  return [
    ofMember('current_organization', 'uuid', column(organization)),
    ...(memberRole === undefined
      ? []
      : [ofMember('current_organization_role', 'text', `${column(memberRole)}::text`)]),
  ]
}

/**
 * On Supabase, PostgREST runs requests as `authenticated` and trusted ones as `service_role`: they get the
 * rights of our two roles. `with inherit true` because Supabase makes its roles NOINHERIT. Asked first, because
 * an owner who didn't make our roles may not grant them again.
 */
function supabaseRoles(): DdlObject {
  return statement({
    kind: 'finale',
    id: 'membership of Supabase roles',
    create: [
      `do $supabase$
begin
  if exists (select from pg_catalog.pg_roles where rolname = 'authenticated')
    and not pg_catalog.pg_has_role('authenticated', '${ROLES.tenant}', 'usage')
  then
    grant ${ROLES.tenant} to authenticated with inherit true;
  end if;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role')
    and not pg_catalog.pg_has_role('service_role', '${ROLES.service}', 'usage')
  then
    grant ${ROLES.service} to service_role with inherit true;
  end if;
end
$supabase$`,
    ],
    drop: [],
  })
}
