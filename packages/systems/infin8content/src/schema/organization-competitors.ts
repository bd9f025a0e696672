import { descending, id, timestamps } from '@tenantry/core'
import { sql, type SQL } from 'drizzle-orm'
import { boolean, check, foreignKey, index, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { organizations } from './organizations.ts'

/** Pages of competitors, from which seed keywords are found. */
export const organizationCompetitors = pgTable(
  'organization_competitors',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    url: text('url').notNull(),
    /** The host of `url`, in lower case. */
    domain: text('domain')
      .notNull()
      .generatedAlwaysAs(
        (): SQL => sql`lower(substring(${organizationCompetitors.url} from '^https?://([^/:?#]+)'))`,
      ),
    name: text('name'),
    isActive: boolean('is_active').notNull().default(true),
    ...timestamps(),
  },
  (table) => [
    // The target of keys that carry the tenant. A constraint, since they are added before any index.
    unique('organization_competitors_organization_id_id_key').on(table.organizationId, table.id),
    unique('organization_competitors_organization_id_url_key').on(table.organizationId, table.url),
    foreignKey({
      name: 'organization_competitors_organization_id_fkey',
      columns: [table.organizationId],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
    index('idx_organization_competitors_organization_id').on(
      table.organizationId,
      descending(table.createdAt),
      descending(table.id),
    ),
    check('organization_competitors_url_check', sql`${table.url} ~* '^https?://[^/:?#]+'`),
  ],
)
