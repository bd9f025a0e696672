import { createdAt, descending, id } from '@tenantry/core'
import { boolean, check, foreignKey, index, integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core'
import { isPlatform, notNegative, platform, userId } from './columns.ts'
import { searchJobs } from './search-jobs.ts'
import { userProfiles } from './user-profiles.ts'

/**
 * Creators found by an earlier version, one a row.
 *
 * @deprecated Kept for its rows: `scrapingResults` is what is written.
 */
export const searchResults = pgTable(
  'search_results',
  {
    id: id(),
    userId: userId(),
    jobId: text('job_id').notNull(),
    profileId: text('profile_id').notNull(),
    username: text('username').notNull(),
    displayName: text('display_name'),
    platform: platform(20),
    profileUrl: text('profile_url'),
    postUrl: text('post_url'),
    postDescription: text('post_description'),
    avatarUrl: text('avatar_url'),
    followers: integer('followers').notNull().default(0),
    isVerified: boolean('is_verified').notNull().default(false),
    email: text('email'),
    bio: text('bio'),
    rawData: jsonb('raw_data'),
    createdAt: createdAt(),
  },
  (table) => [
    foreignKey({
      name: 'search_results_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [userProfiles.userId],
    }).onDelete('cascade'),
    foreignKey({
      name: 'search_results_job_id_fkey',
      columns: [table.userId, table.jobId],
      foreignColumns: [searchJobs.userId, searchJobs.id],
    }),
    index('idx_search_results_job_id').on(table.jobId, table.userId),
    index('idx_search_results_user_id').on(table.userId, descending(table.createdAt), descending(table.id)),
    index('idx_search_results_created_at').on(table.createdAt),
    check('search_results_platform_check', isPlatform(table.platform)),
    check('search_results_followers_check', notNegative(table.followers)),
  ],
)
