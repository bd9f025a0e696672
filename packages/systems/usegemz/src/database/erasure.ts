/** What limits keep of a person goes with the person. */
import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { ROLES } from '@tenantry/rls'
import { userProfiles } from '../schema/index.ts'

const FORGET = { schema: 'tenantry', name: 'forget_erased_people', owner: ROLES.service }

export const erasure = lazyModule({
  name: 'limits of people who are gone',
  objects: () => [
    sqlFunction({
      ...FORGET,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      body: `
begin
  delete from tenantry.limit_overrides where account in (select user_id from old_rows);
  delete from tenantry.limit_holds where account in (select user_id from old_rows);
  delete from tenantry.limit_counters where account in (select user_id from old_rows);
  -- The last: changes of the others are noted there.
  delete from tenantry.limit_accounts where account in (select user_id from old_rows);
  delete from tenantry.api_call_windows where tenant in (select user_id from old_rows);
  return null;
end`,
    }),
    trigger({
      table: userProfiles,
      // After limit_follow_delete, and after what goes by the foreign keys.
      name: 'limit_of_erased_people',
      timing: 'after',
      events: ['delete'],
      level: 'statement',
      referencing: { oldTable: 'old_rows' },
      execute: FORGET,
    }),
  ],
})
