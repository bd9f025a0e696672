import { type Principal, type Statement, ValidationError } from '@tenantry/core'
import { CONTEXT } from './gate.ts'
import { ROLES, SETTINGS } from './names.ts'
import type { TenancyKind } from './tenancy.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Escapes in a JSON text that PostgreSQL's jsonb refuses; a backslash of the text itself is doubled. */
const UNREADABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/

/** A principal's context, as texts that are only ever bound as parameters. */
export interface Context {
  readonly tenant: string
  readonly user: string
  /** Null in systems whose tenant is the user. */
  readonly organization: string | null
  readonly claims: string
}

/**
 * Checks a principal against the kind of tenancy.
 *
 * @throws ValidationError naming the field: a missing or malformed id is an error here and never becomes
 *   "no rows", which would look like an empty account.
 */
export function contextOf(kind: TenancyKind, principal: Principal): Context {
  const user = identifier('userId', principal.userId, kind === 'user-text' ? 'text' : 'uuid')
  const given = 'organizationId' in principal ? principal.organizationId : undefined
  if (kind !== 'organization' && given !== undefined) {
    throw invalid('organizationId', 'this system has no organizations')
  }
  const organization = kind === 'organization' ? identifier('organizationId', given, 'uuid') : null
  const own = {
    ...(organization === null ? undefined : { org_id: organization }),
    sub: user,
    role: 'authenticated',
  }
  const claims = principal.claims === undefined ? JSON.stringify(own) : claimsText(principal.claims, own)
  // They would make the whole of it invalid to `jsonb`, and every reader of the claims fail.
  if (principal.claims !== undefined && UNREADABLE.test(claims)) {
    throw invalid('claims', 'contain a NUL character or half of a surrogate pair')
  }
  return { tenant: organization ?? user, user, organization, claims }
}

function claimsText(given: Readonly<Record<string, unknown>>, own: Readonly<Record<string, string>>): string {
  // It would be asked what to write instead, our own claims included.
  if (typeof given['toJSON'] === 'function') throw invalid('claims', 'must be plain JSON')
  try {
    return JSON.stringify({ ...given, ...own })
  } catch {
    throw invalid('claims', 'must be plain JSON')
  }
}

/** A tenant's id, checked as a principal's is. */
export function checkedTenant(kind: TenancyKind, tenant: string): string {
  return identifier(
    kind === 'organization' ? 'organizationId' : 'userId',
    tenant,
    kind === 'user-text' ? 'text' : 'uuid',
  )
}

function identifier(field: string, value: unknown, type: 'uuid' | 'text'): string {
  if (typeof value !== 'string' || value === '') throw invalid(field, 'must be a text that is not empty')
  if (type === 'uuid') {
    if (!UUID.test(value)) throw invalid(field, 'must be a uuid')
    return value.toLowerCase()
  }
  if (value.includes('\0')) throw invalid(field, 'contains a NUL character, which PostgreSQL can not store')
  // Encoding would replace it, and two ids could become one.
  if (/\p{Surrogate}/u.test(value))
    throw invalid(field, 'contains half of a surrogate pair, which is no character')
  return value
}

function invalid(field: string, message: string): ValidationError {
  return new ValidationError(`The principal's ${field} ${message}`, [{ path: field, message }])
}

/** Values for the placeholders of a gate. */
export function gateValues(context: Context): Readonly<Record<string, string>> {
  return {
    [CONTEXT.user]: context.user,
    [CONTEXT.organization]: context.organization ?? '',
    [CONTEXT.claims]: context.claims,
  }
}

/**
 * Sets the context for a transaction, and with `role` leaves a privileged login's rights behind. All in one
 * statement: there is no moment with one and without the other.
 */
export function contextStatement(context: Context, options: { readonly role: boolean }): Statement {
  const settings: readonly (readonly [string, string])[] = [
    [SETTINGS.user, context.user],
    ...(context.organization === null ? [] : [[SETTINGS.organization, context.organization] as const]),
    [SETTINGS.claims, context.claims],
    ...(options.role ? [['role', ROLES.tenant] as const] : []),
  ]
  return {
    text: `select ${settings.map(([name], index) => `pg_catalog.set_config('${name}', $${index + 1}, true)`).join(', ')}`,
    params: settings.map(([, value]) => value),
    reusable: true,
  }
}

/**
 * A temporary table would stay on the pooled session: the next tenant's statements could read it, or take it for
 * the real one of its name. Asked of what this role made, and only of sessions that have temporary objects at all.
 */
const NOTHING_TEMPORARY = `case when pg_catalog.pg_my_temp_schema() = 0 then true else not exists (
  select from pg_catalog.pg_class
  where relnamespace = pg_catalog.pg_my_temp_schema() and pg_catalog.pg_get_userbyid(relowner) = current_user
) end`

/**
 * Fails (division by zero) unless the session still has the context, and acts as `role`: committing a changed one
 * would leave it in the pool, where the next statement is another tenant's.
 */
export function contextEcho(context: Context, role: string): Statement {
  const conditions = [
    `pg_catalog.current_setting('${SETTINGS.user}', true) is not distinct from $1`,
    `nullif(pg_catalog.current_setting('${SETTINGS.organization}', true), '') is not distinct from $2`,
    'current_user = $3',
    NOTHING_TEMPORARY,
  ]
  return {
    text: `select 1 / (${conditions.join(' and ')})::integer`,
    params: [context.user, context.organization, role],
    reusable: true,
  }
}
