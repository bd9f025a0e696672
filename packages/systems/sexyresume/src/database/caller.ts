import { CALLER_IS_SERVICE, contextExpressions } from '@tenantry/rls'
import { tenancy } from '../tenancy.ts'

const { user } = contextExpressions(tenancy)

/** Statements that refuse a caller who is neither the user `p_user_id` nor the service role. */
export const CALLER_IS_THE_USER = `
  if p_user_id is distinct from ${user} and not ${CALLER_IS_SERVICE} then
    raise exception 'this may be done for oneself, or by the service role' using errcode = 'TN003';
  end if;`
