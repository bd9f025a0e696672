import { id, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, pgTable, text } from 'drizzle-orm/pg-core'

/** The tenants. Every other table's rows belong to one of them, but for people, who may be in several. */
export const organizations = pgTable(
  'organizations',
  {
    id: id(),
    name: text('name').notNull(),
    ...timestamps(),
  },
  (table) => [check('organizations_name_check', sql`btrim(${table.name}) <> ''`)],
)
