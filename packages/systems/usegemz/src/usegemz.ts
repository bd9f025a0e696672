import { defineSystem } from '@tenantry/system'
import { modules } from './database/index.ts'
import { migrations } from './migrations.ts'
import { repositories } from './repositories/index.ts'
import * as schema from './schema/index.ts'
import { tenancy } from './tenancy.ts'

/** usegemz: people look for creators on TikTok, Instagram and YouTube, by keyword or by likeness, for their campaigns. */
export const usegemz = defineSystem({
  name: 'usegemz',
  schema,
  tenancy,
  modules,
  repositories,
  migrations,
})
