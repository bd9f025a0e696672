import type { ArchiveStore } from '@tenantry/retention'
import { defineSystem } from '@tenantry/system'
import { modules } from './database/index.ts'
import { retentionWith } from './database/retention.ts'
import { migrations } from './migrations.ts'
import { repositories } from './repositories/index.ts'
import * as schema from './schema/index.ts'
import { tenancy } from './tenancy.ts'

/**
 * Infin8Content with an archive for what its jobs remove: `infin8contentWith({ archive })(database)`. It is the same
 * system as `infin8content`, whose job for audit logs refuses to run, since it may delete nothing that isn't archived.
 */
export const infin8contentWith = ({ archive }: { readonly archive?: ArchiveStore } = {}) =>
  defineSystem({
    name: 'infin8content',
    schema,
    tenancy,
    modules: [...modules, retentionWith(archive).module],
    repositories,
    migrations,
  })

/** Infin8Content: keywords are found and clustered, articles written about them section by section, and published. */
export const infin8content = infin8contentWith()

/** What its rules would do, and have done; to run them by hand, and to restore: give each run a `store`. */
export const infin8contentRetention = retentionWith()
