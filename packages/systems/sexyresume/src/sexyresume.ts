import type { ArchiveStore } from '@tenantry/retention'
import { defineSystem } from '@tenantry/system'
import { partsWith } from './database/index.ts'
import { migrations } from './migrations.ts'
import { repositories } from './repositories/index.ts'
import * as schema from './schema/index.ts'
import { tenancy } from './tenancy.ts'

export interface SexyresumeOptions {
  /**
   * Where the jobs of retention put analytics events and audit logs, such as `s3Archive({ … })`. Without it these two
   * refuse to run.
   */
  readonly archive?: ArchiveStore
}

/** SexyResume with what the host chooses. The database is the same whatever is chosen. */
export function defineSexyresume({ archive }: SexyresumeOptions = {}) {
  const { modules, retention } = partsWith(archive ?? null)
  const system = defineSystem({ name: 'sexyresume', schema, tenancy, modules, repositories, migrations })
  return Object.assign(system, { retention })
}

/** SexyResume: resumes are written, enhanced, matched to roles and exported. */
export const sexyresume = defineSexyresume()
