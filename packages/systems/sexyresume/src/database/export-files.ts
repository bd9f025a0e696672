import { defineObjectSweep } from '@tenantry/retention'
import { eq } from 'drizzle-orm'
import { exports } from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'

/** Between the table of exports and the store that holds their files. */
export const exportFiles = defineObjectSweep({
  table: exports,
  tenant: 'userId',
  key: 'storagePath',
  since: 'completedAt',
  where: eq(exports.status, 'completed'),
  tenantOf: (key) => /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/./.exec(key)?.[1] ?? null,
  holds: { tenants: tenancy.tables },
})
