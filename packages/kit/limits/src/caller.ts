/** Who calls a function of this package, by the roles that @tenantry/rls gives every database. */
import { quoteLiteral } from '@tenantry/ddl'

export const ROLES = {
  tenant: 'tenantry_tenant',
  service: 'tenantry_service',
  definer: 'tenantry_definer',
} as const

/** The tenant of the caller's context. */
export interface CallerTenant {
  /** SQL, as `contextExpressions(tenancy).tenant` of @tenantry/rls gives it. */
  readonly expression: string
  /** Of the tenants' ids. */
  readonly type: 'uuid' | 'text'
}

/** In a SECURITY DEFINER function `current_user` is the owner; what SET ROLE chose stays readable there. */
export const CALLER_IS_SERVICE = `pg_catalog.pg_has_role(
    case pg_catalog.current_setting('role') when 'none' then session_user else pg_catalog.current_setting('role')::name end,
    '${ROLES.service}',
    'usage'
  )`

/** A statement that refuses whoever is neither the tenant `p_tenant` of its own context nor the service role. */
export function refuseOthers({ expression }: CallerTenant, label: string): string {
  return `if (p_tenant = ${expression}) is not true and not ${CALLER_IS_SERVICE} then
    raise exception using errcode = 'TN003', message = ${quoteLiteral(`${label} are for the tenant itself, or for the service role`)};
  end if;`
}
