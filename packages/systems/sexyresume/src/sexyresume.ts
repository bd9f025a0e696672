import { defineSystem } from '@tenantry/system'
import { modules } from './database/index.ts'
import { migrations } from './migrations.ts'
import { repositories } from './repositories/index.ts'
import * as schema from './schema/index.ts'
import { tenancy } from './tenancy.ts'

/** SexyResume: resumes are written, enhanced, matched to roles and exported. */
export const sexyresume = defineSystem({
  name: 'sexyresume',
  schema,
  tenancy,
  modules,
  repositories,
  migrations,
})
