import type { Module } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { systemConfigurations } from '../schema/index.ts'

/** Where the database says that settings have changed. */
export const CONFIGURATION_CHANNEL = 'tenantry_public_system_configurations'

const ANNOUNCE = { schema: 'tenantry', name: 'announce_system_configurations' }

/** Without a payload: whoever may connect may listen, and whoever hears it reads anew. */
export const configurationChanges: Module = {
  name: 'configuration changes',
  objects: [
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
  ],
}
