import { defineSystem } from '@tenantry/system'
import { modules } from './database/index.ts'
import { migrations } from './migrations.ts'
import { repositories } from './repositories/index.ts'
import * as schema from './schema/index.ts'
import { tenancy } from './tenancy.ts'

/** ContentPilot: topics are found and scored, posts drafted from them in the customer's voice, and scheduled. */
export const contentpilot = defineSystem({
  name: 'contentpilot',
  schema,
  tenancy,
  modules,
  repositories,
  migrations,
})
