import type { ArchiveStore } from '@tenantry/retention'
import { defineSystem } from '@tenantry/system'
import { modules } from './database/index.ts'
import { retentionWith } from './database/retention.ts'
import { migrations } from './migrations.ts'
import { repositories } from './repositories/index.ts'
import * as schema from './schema/index.ts'
import { tenancy } from './tenancy.ts'

export interface UsegemzOptions {
  /**
   * Where searches and what they found go after a year, such as `s3Archive({ … })`. Without it they stay where they
   * are.
   */
  readonly archive?: ArchiveStore
}

/** usegemz with what the host chooses. The database is the same whatever is chosen. */
export function defineUsegemz({ archive }: UsegemzOptions = {}) {
  const { retention, module } = retentionWith(archive ?? null)
  const system = defineSystem({
    name: 'usegemz',
    schema,
    tenancy,
    modules: [...modules, module],
    repositories,
    migrations,
  })
  return Object.assign(system, { retention })
}

/** usegemz: people look for creators on TikTok, Instagram and YouTube, by keyword or by likeness, for their campaigns. */
export const usegemz = defineUsegemz()
