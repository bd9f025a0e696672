import type { ArchiveStore } from '@tenantry/retention'
import { defineSystem } from '@tenantry/system'
import { modules } from './database/index.ts'
import { retentionWith } from './database/retention.ts'
import { migrations } from './migrations.ts'
import { repositories } from './repositories/index.ts'
import * as schema from './schema/index.ts'
import { tenancy } from './tenancy.ts'

export interface Infin8contentOptions {
  /** Where the job of retention puts audit logs, such as `s3Archive({ … })`. Without it that job refuses to run. */
  readonly archive?: ArchiveStore
}

/**
 * Infin8Content with what the host chooses. The database is the same whatever is chosen. `retention` is what its
 * rules would do, and have done: to plan, run and restore by hand.
 */
export function defineInfin8content({ archive }: Infin8contentOptions = {}) {
  const retention = retentionWith(archive ?? null)
  const system = defineSystem({
    name: 'infin8content',
    schema,
    tenancy,
    modules: [...modules, retention.module],
    repositories,
    migrations,
  })
  return Object.assign(system, { retention })
}

/** Infin8Content: keywords are found and clustered, articles written about them section by section, and published. */
export const infin8content = defineInfin8content()
