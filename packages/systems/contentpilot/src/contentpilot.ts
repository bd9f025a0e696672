import type { ArchiveStore } from '@tenantry/retention'
import { defineSystem } from '@tenantry/system'
import { partsWith } from './database/index.ts'
import { migrations } from './migrations.ts'
import { repositories } from './repositories/index.ts'
import * as schema from './schema/index.ts'
import { tenancy } from './tenancy.ts'

export interface ContentpilotOptions {
  /** Where the jobs of retention put what they archive, such as `s3Archive({ … })`. Without it they refuse to run. */
  readonly archive?: ArchiveStore
}

/** ContentPilot with what the host chooses. The database is the same whatever is chosen. */
export function defineContentpilot({ archive }: ContentpilotOptions = {}) {
  const { modules, retention } = partsWith(archive ?? null)
  const system = defineSystem({ name: 'contentpilot', schema, tenancy, modules, repositories, migrations })
  return Object.assign(system, { retention })
}

/** ContentPilot: topics are found and scored, posts drafted from them in the customer's voice, and scheduled. */
export const contentpilot = defineContentpilot()
