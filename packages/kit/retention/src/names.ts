/** Names in the database that are fixed: operators grant them, and siblings know them by these. */

/** Deletes what rules say, and is the only one that may delete from append-only tables. Nobody logs in as it. */
export const RETENTION_ROLE = 'tenantry_retention'

export const ROLES = {
  retention: RETENTION_ROLE,
  /** Writes restored rows and rolled-up ones: the role that jobs act as, declared by the tenancy. */
  service: 'tenantry_service',
  /** Owns SECURITY DEFINER functions and materialized views. */
  definer: 'tenantry_definer',
} as const

export const LIBRARY_SCHEMA = 'tenantry'
