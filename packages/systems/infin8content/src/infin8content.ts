import { defineSystem } from '@tenantry/system'
import { modules } from './database/index.ts'
import { migrations } from './migrations.ts'
import { repositories } from './repositories/index.ts'
import * as schema from './schema/index.ts'
import { tenancy } from './tenancy.ts'

/** Infin8Content: keywords are found and clustered, articles written about them section by section, and published. */
export const infin8content = defineSystem({
  name: 'infin8content',
  schema,
  tenancy,
  modules,
  repositories,
  migrations,
})
