/** The windows of API calls go with the person, as what plans keep does. */
import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { ROLES } from '@tenantry/rls'
import { userProfiles } from '../schema/index.ts'

const FORGET = { schema: 'tenantry', name: 'forget_erased_people', owner: ROLES.service }

export const erasure = lazyModule({
  name: 'windows of people who are gone',
  objects: () => [
    sqlFunction({
      ...FORGET,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      body: `
begin
  delete from tenantry.api_call_windows where tenant in (select user_id from old_rows);
  return null;
end`,
    }),
    trigger({
      table: userProfiles,
      name: 'limit_of_erased_people',
      timing: 'after',
      events: ['delete'],
      level: 'statement',
      referencing: { oldTable: 'old_rows' },
      execute: FORGET,
    }),
  ],
})
