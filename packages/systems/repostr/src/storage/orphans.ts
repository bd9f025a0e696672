/** Housekeeping between the table of files and the store that holds their objects. */
import { defineObjectSweep } from '@tenantry/retention'
import { files } from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'

export const orphans = defineObjectSweep({
  table: files,
  tenant: 'userId',
  key: 'path',
  since: 'createdAt',
  // The last two parts are project and file, so a user may be anything before.
  tenantOf: (key) => /^(.+)\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/[^/]+$/.exec(key)?.[1] ?? null,
  holds: { tenants: tenancy.tables },
})
