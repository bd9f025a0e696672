import { instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { pgSchema, primaryKey, text, uuid } from 'drizzle-orm/pg-core'

const library = pgSchema('tenantry')

/** A row for each subject that a tenant's limit counts. */
export function stateTable(name: string, tenantType: 'uuid' | 'text') {
  return library.table(
    name,
    {
      tenant: (tenantType === 'uuid' ? uuid('tenant') : text('tenant')).notNull(),
      limitName: text('limit_name').notNull(),
      subject: text('subject').notNull(),
      /** Sliding window: its calls, oldest first. Token bucket: when it will be full. */
      instants: instant('instants')
        .array()
        .notNull()
        .default(sql`'{}'`),
      /** From then on the row says what no row would. */
      clearAt: instant('clear_at').notNull(),
    },
    (table) => [
      primaryKey({ name: `${name}_pkey`, columns: [table.tenant, table.limitName, table.subject] }),
    ],
  )
}
