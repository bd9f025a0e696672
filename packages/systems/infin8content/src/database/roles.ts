/** What an owner or administrator may do, and a member may not: restrictive policies beside the tenant's. */
import { lazyModule } from '@tenantry/core'
import { policy, type PolicyOptions, sqlFunction, trigger } from '@tenantry/ddl'
import { contextExpressions, ROLES } from '@tenantry/rls'
import { organizationInvitations, organizations, userOrganizations } from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'

const { role, user } = contextExpressions(tenancy)
const MANAGES = `(select ${role}) in ('owner', 'admin')`
/** Owners are made, changed and removed by owners alone. */
const MANAGES_ROLE = `((select ${role}) = 'owner' or ((select ${role}) = 'admin' and "role" <> 'owner'))`

const restrict = (options: Omit<PolicyOptions, 'as' | 'to'>) =>
  // The spread loses which command takes which condition; `policy` checks it.
  policy({ ...options, as: 'restrictive', to: [ROLES.tenant] } as PolicyOptions)

const KEEP_OWNER = { schema: 'tenantry', name: 'keep_an_owner' }

export const roles = lazyModule({
  name: 'roles',
  objects: () => [
    restrict({
      table: organizations,
      name: 'managers_update',
      command: 'update',
      using: MANAGES,
      check: MANAGES,
    }),
    restrict({
      table: userOrganizations,
      name: 'managers_update',
      command: 'update',
      using: MANAGES_ROLE,
      check: MANAGES_ROLE,
    }),
    restrict({
      table: userOrganizations,
      name: 'managers_delete',
      command: 'delete',
      // Anybody may leave.
      using: `"user_id" = (select ${user}) or ${MANAGES_ROLE}`,
    }),
    restrict({
      table: organizationInvitations,
      name: 'managers_insert',
      command: 'insert',
      check: MANAGES_ROLE,
    }),
    restrict({
      table: organizationInvitations,
      name: 'managers_update',
      command: 'update',
      using: MANAGES,
      check: MANAGES,
    }),
    sqlFunction({
      ...KEEP_OWNER,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      // Writing the organization's row has whoever takes away another owner at the same time wait, and then see
      // that this one has gone; above READ COMMITTED it fails, and can be repeated. An organization that is
      // being deleted has no row any more.
      body: `
begin
  if tg_op = 'UPDATE' and new.role = 'owner' and new.active
    and new.organization_id = old.organization_id and new.user_id = old.user_id
  then
    return new;
  end if;
  update public.organizations set name = name where id = old.organization_id;
  if found and not exists (
    select from public.user_organizations
    where organization_id = old.organization_id and user_id <> old.user_id and role = 'owner' and active
  ) then
    raise exception using
      errcode = 'check_violation',
      message = 'an organization needs an active owner: make another member one first',
      schema = tg_table_schema, table = tg_table_name, constraint = 'user_organizations_owner';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end`,
    }),
    trigger({
      table: userOrganizations,
      name: 'keep_an_owner',
      timing: 'before',
      events: ['update', 'delete'],
      when: `old.role = 'owner' and old.active`,
      execute: KEEP_OWNER,
    }),
  ],
})
