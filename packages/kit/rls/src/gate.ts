import { sql, type SQL } from 'drizzle-orm'
import { SETTINGS } from './names.ts'

/** Placeholders of the context in a gated statement; their values come from the executor, never the caller. */
export const CONTEXT = {
  user: 'tenantry_user',
  organization: 'tenantry_organization',
  claims: 'tenantry_claims',
} as const

const set = (setting: string, placeholder: string): SQL =>
  sql`pg_catalog.set_config(${sql.raw(`'${setting}'`)}, ${sql.placeholder(placeholder)}, true)`

/**
 * A condition that is always true and sets the context while it is evaluated. It refers to no row, so the
 * planner makes it a one-time filter above the scan, evaluated before the policies' InitPlans; a transaction
 * of its own is not needed, because a local setting ends with the statement's implicit one. Should it ever be
 * evaluated late, the policies see no context and the statement finds no rows: never another tenant's.
 */
function gate(...parts: SQL[]): SQL {
  return sql`(select ${sql.join(parts, sql` || `)}) is not null`
}

const user = set(SETTINGS.user, CONTEXT.user)
const claims = set(SETTINGS.claims, CONTEXT.claims)

/** One object for each form, so that compiled shapes are shared by all principals. */
export const USER_GATE = gate(user, claims)
export const ORGANIZATION_GATE = gate(user, set(SETTINGS.organization, CONTEXT.organization), claims)
