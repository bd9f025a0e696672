/**
 * Names in the database that all systems share. They are fixed: policies, PostgREST sessions and
 * operators refer to them, and several systems in one database must agree on them.
 */

/** The Postgres schema of everything that belongs to the library. */
export const LIBRARY_SCHEMA = 'tenantry'

export const ROLES = {
  /** Scoped statements run as this role, or as a login that inherits it. Policies show it one tenant. */
  tenant: 'tenantry_tenant',
  /** Jobs and webhooks. Sees all tenants by a policy, without BYPASSRLS. */
  service: 'tenantry_service',
  /** Owns SECURITY DEFINER functions and materialized views; nobody logs in as it or becomes it. */
  definer: 'tenantry_definer',
} as const

/** Settings that carry the context; local to a transaction or a single statement. */
export const SETTINGS = {
  user: 'app.current_user_id',
  organization: 'app.current_organization_id',
  /** What PostgREST sets, and Supabase's auth.uid(), auth.jwt() and auth.role() read. */
  claims: 'request.jwt.claims',
} as const
