/** Functions that tell a person what row security keeps from them, because it isn't one tenant's. */
import { lazyModule } from '@tenantry/core'
import { sqlFunction, statement } from '@tenantry/ddl'
import { contextExpressions, ROLES } from '@tenantry/rls'
import { tenancy } from '../tenancy.ts'

const { tenant, user } = contextExpressions(tenancy)

export const people = lazyModule({
  name: 'people',
  objects: () => [
    sqlFunction({
      name: 'my_organizations',
      returns: 'table (organization_id uuid, name text, role text)',
      language: 'sql',
      volatility: 'stable',
      security: 'definer',
      owner: ROLES.definer,
      // The caller is checked by what it asks for: memberships of the context's own user.
      body: `
select organization.id, organization.name, member.role
from public.user_organizations as member
join public.organizations as organization on organization.id = member.organization_id
where member.user_id = (select ${user}) and member.active`,
      executableBy: [ROLES.tenant],
    }),
    sqlFunction({
      name: 'organization_people',
      returns: 'table (user_id uuid, email text, full_name text, avatar_url text)',
      language: 'sql',
      volatility: 'stable',
      security: 'definer',
      owner: ROLES.definer,
      // The caller is checked by what it asks for: members of the organization that the context's user is in.
      body: `
select person.id, person.email, person.full_name, person.avatar_url
from public.user_organizations as member
join public.users as person on person.id = member.user_id
where member.organization_id = (select ${tenant})`,
      executableBy: [ROLES.tenant],
    }),
    sqlFunction({
      // The documented name. The documented body took any of the user's organizations.
      name: 'get_auth_user_org_id',
      returns: 'uuid',
      language: 'sql',
      volatility: 'stable',
      body: `select ${tenant}`,
      executableBy: [ROLES.tenant, ROLES.service],
    }),
    statement({
      kind: 'finale',
      id: 'users of Supabase',
      create: [
        `do $supabase$
begin
  if pg_catalog.to_regclass('auth.users') is not null then
    alter table public.users
      add constraint users_auth_fkey foreign key (id) references auth.users (id) on delete cascade;
  end if;
end
$supabase$`,
      ],
      drop: ['alter table public.users drop constraint if exists users_auth_fkey'],
    }),
  ],
})
