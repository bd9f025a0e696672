import { createdAt, descending, id } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, jsonb, pgTable, uuid } from 'drizzle-orm/pg-core'
import type { Creator } from '../types/creators.ts'
import { userId } from './columns.ts'
import { scrapingJobs } from './scraping-jobs.ts'
import { userProfiles } from './user-profiles.ts'

/**
 * What each of the four documented shapes can't be without; the whole of it is `creator` in types/creators.ts.
 * Each type is asked for, because a comparison looks into an array.
 */
const CREATOR = `@.platform.type() == "string" && (
    (@.platform == "TikTok" && @.creator.type() == "object" && @.creator.uniqueId.type() == "string"
      && ((@.searchType.type() == "string" && @.searchType == "similar" && @.targetUsername.type() == "string")
        || ((!exists(@.searchType) || @.searchType.type() == "string" && @.searchType == "keyword")
          && @.video.type() == "object" && @.video.url.type() == "string")))
    || (@.platform == "Instagram" && @.id.type() == "string" && @.username.type() == "string")
    || (@.platform == "YouTube" && @.creator.type() == "object" && @.creator.name.type() == "string"
      && @.video.type() == "object" && @.video.url.type() == "string"))`

/** What one call of a platform's API found, as it came. */
export const scrapingResults = pgTable(
  'scraping_results',
  {
    id: id(),
    userId: userId(),
    jobId: uuid('job_id'),
    creators: jsonb('creators').$type<readonly Creator[]>().notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    foreignKey({
      name: 'scraping_results_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [userProfiles.userId],
    }).onDelete('cascade'),
    foreignKey({
      name: 'scraping_results_job_id_fkey',
      columns: [table.userId, table.jobId],
      foreignColumns: [scrapingJobs.userId, scrapingJobs.id],
    }),
    index('idx_scraping_results_job_id').on(
      table.jobId,
      table.userId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_scraping_results_created_at').on(table.createdAt),
    index('idx_scraping_results_user_id').on(table.userId, descending(table.createdAt), descending(table.id)),
    // Counted, because a condition that can't be decided is no match; strictly, because otherwise an array
    // within the array would pass for its elements.
    check(
      'scraping_results_creators_check',
      sql.raw(`case when jsonb_typeof("creators") = 'array' then
        not jsonb_path_exists("creators", 'strict $[*] ? (@.type() <> "object")')
        and jsonb_array_length("creators")
          = jsonb_array_length(jsonb_path_query_array("creators", '$[*] ? (${CREATOR})'))
        else false end`),
    ),
  ],
)
