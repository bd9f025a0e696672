/** Who is an administrator is decided by the service role, or by another administrator. */
import { lazyModule } from '@tenantry/core'
import { sqlFunction } from '@tenantry/ddl'
import { contextExpressions, LIBRARY_SCHEMA, ROLES } from '@tenantry/rls'
import { tenancy } from '../tenancy.ts'

const { user } = contextExpressions(tenancy)

/**
 * Answers whether there is such a person. A definer function, because an administrator writes no more rows than
 * anyone; it belongs to the service role, which may. Nobody calls it for themselves.
 */
export const admins = lazyModule({
  name: 'admins',
  objects: () => [
    sqlFunction({
      name: 'set_user_admin',
      args: [
        { name: 'target_user_id', type: 'text' },
        { name: 'makes_admin', type: 'boolean' },
      ],
      returns: 'boolean',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      body: `
begin
  if not ${LIBRARY_SCHEMA}.current_user_reads_all() then
    raise exception using errcode = 'insufficient_privilege', message = 'only an administrator may say who is one';
  end if;
  if target_user_id is not distinct from ${user} then
    raise exception using errcode = 'insufficient_privilege', message = 'nobody says of themselves who is an administrator';
  end if;
  update public.user_profiles set is_admin = makes_admin where user_id = target_user_id;
  return found;
end`,
      executableBy: [ROLES.tenant],
    }),
  ],
})
