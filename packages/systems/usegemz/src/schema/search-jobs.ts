import { descending, instant, timestamps } from '@tenantry/core'
import { check, foreignKey, index, integer, pgTable, text, unique, uuid, varchar } from 'drizzle-orm/pg-core'
import { campaigns } from './campaigns.ts'
import { isPlatform, isSearchType, notNegative, platform, searchType, userId } from './columns.ts'
import { userProfiles } from './user-profiles.ts'

/**
 * Searches of an earlier version.
 *
 * @deprecated Kept for its rows: `scrapingJobs` is what runs.
 */
export const searchJobs = pgTable(
  'search_jobs',
  {
    id: text('id').primaryKey(),
    userId: userId(),
    campaignId: uuid('campaign_id'),
    platform: platform(20),
    searchType: searchType(),
    /** Open: only `queued` is documented. */
    status: varchar('status', { length: 20 }).notNull().default('queued'),
    totalCount: integer('total_count').notNull(),
    completedCount: integer('completed_count').notNull().default(0),
    ...timestamps(),
    completedAt: instant('completed_at'),
  },
  (table) => [
    unique('search_jobs_user_id_id_key').on(table.userId, table.id),
    foreignKey({
      name: 'search_jobs_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [userProfiles.userId],
    }).onDelete('cascade'),
    foreignKey({
      name: 'search_jobs_campaign_id_fkey',
      columns: [table.userId, table.campaignId],
      foreignColumns: [campaigns.userId, campaigns.id],
    }),
    index('idx_search_jobs_campaign_id').on(table.campaignId, table.userId),
    index('idx_search_jobs_user_id').on(table.userId, descending(table.createdAt), descending(table.id)),
    index('idx_search_jobs_created_at').on(table.createdAt),
    check('search_jobs_platform_check', isPlatform(table.platform)),
    check('search_jobs_search_type_check', isSearchType(table.searchType)),
    check('search_jobs_total_count_check', notNegative(table.totalCount)),
    check('search_jobs_completed_count_check', notNegative(table.completedCount)),
  ],
)
