import { instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { pgTable, text } from 'drizzle-orm/pg-core'

/** For hosts that ask here which version of the documented schema they have; migrations don't. */
export const schemaVersions = pgTable('schema_versions', {
  version: text('version').primaryKey(),
  appliedAt: instant('applied_at')
    .notNull()
    .default(sql`now()`),
})
