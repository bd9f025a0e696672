/** How triggers that refuse rows tell a new one from one that is put back. */

/** Set to `on`, for its transaction, by whoever puts archived rows back. */
export const RESTORING_SETTING = 'tenantry.restoring'

/**
 * SQL for a trigger of INSERT: whether the row is put back as it was when it went, by the service role or one that may
 * act as it. What holds for beginnings doesn't hold for it: a state in which no row begins, an empty lease.
 */
export const IS_RESTORED = `(
    pg_catalog.current_setting('${RESTORING_SETTING}', true) is not distinct from 'on'
    and pg_catalog.pg_has_role(current_user, 'tenantry_service', 'usage')
  )`
