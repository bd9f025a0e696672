import { descending, id, oneOf, timestamps } from '@tenantry/core'
import { check, foreignKey, index, pgTable, text, unique, varchar } from 'drizzle-orm/pg-core'
import { CAMPAIGN_STATUSES } from '../types/enums.ts'
import { isSearchType, searchType, userId } from './columns.ts'
import { userProfiles } from './user-profiles.ts'

/** What searches for creators are made for. */
export const campaigns = pgTable(
  'campaigns',
  {
    id: id(),
    userId: userId(),
    name: text('name').notNull(),
    description: text('description'),
    searchType: searchType(),
    status: varchar('status', { length: 20, enum: CAMPAIGN_STATUSES }).notNull().default('draft'),
    ...timestamps(),
  },
  (table) => [
    // The target of keys that carry the tenant. A constraint, since they are added before any index.
    unique('campaigns_user_id_id_key').on(table.userId, table.id),
    foreignKey({
      name: 'campaigns_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [userProfiles.userId],
    }).onDelete('cascade'),
    index('idx_campaigns_user_id').on(table.userId, descending(table.createdAt), descending(table.id)),
    check('campaigns_search_type_check', isSearchType(table.searchType)),
    check('campaigns_status_check', oneOf(table.status, CAMPAIGN_STATUSES)),
  ],
)
