import { lazyModule } from '@tenantry/core'
import { quoteLiteral, sqlFunction, trigger } from '@tenantry/ddl'
import { serviceStatement } from '@tenantry/rls'
import { systemConfigurations } from '../schema/index.ts'

/** Where the database says that settings have changed. */
export const CONFIGURATION_CHANNEL = 'tenantry_public_system_configurations'

const ANNOUNCE = { schema: 'tenantry', name: 'announce_system_configurations' }

/** What the product comes with, and which of the limits is in force; a setting that is there already stays as it is. */
const DOCUMENTED = [
  ['email', 'trial_day_2_delay', '2 days', 'duration', 'Delay for day 2 trial email'],
  ['email', 'trial_day_5_delay', '5 days', 'duration', 'Delay for day 5 trial email'],
  ['email', 'trial_expiry_delay', '7 days', 'duration', 'Delay for trial expiry email'],
  ['api', 'max_api_calls_testing', '1', 'number', 'API call limit for testing'],
  ['api', 'max_api_calls_production', '999', 'number', 'API call limit for production'],
  ['api', 'mode', 'production', 'string', 'Which API call limit is in force: testing or production'],
] as const

/** Without a payload: whoever may connect may listen, and whoever hears it reads anew. */
export const settings = lazyModule({
  name: 'settings',
  objects: () => [
    sqlFunction({
      ...ANNOUNCE,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `
begin
  perform pg_catalog.pg_notify('${CONFIGURATION_CHANNEL}', '');
  return null;
end`,
    }),
    trigger({
      table: systemConfigurations,
      name: 'announce_changes',
      timing: 'after',
      events: ['insert', 'update', 'delete', 'truncate'],
      level: 'statement',
      execute: ANNOUNCE,
    }),
    serviceStatement({
      id: 'documented settings',
      write: `insert into public.system_configurations (category, key, value, value_type, description) values
  ${DOCUMENTED.map((row) => `(${row.map(quoteLiteral).join(', ')})`).join(',\n  ')}
on conflict (category, key) do nothing`,
    }),
  ],
})
