import { descending, id, instant, oneOf, timestamps } from '@tenantry/core'
import { leaseColumns } from '@tenantry/workflow'
import { isNotNull, sql, type SQL } from 'drizzle-orm'
import {
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  text,
  unique,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { JOB_STATUSES, TARGET_RESULTS_DEFAULT } from '../types/enums.ts'
import type { SearchParams } from '../types/metadata.ts'
import { campaigns } from './campaigns.ts'
import { isPlatform, notNegative, platform, userId } from './columns.ts'
import { userProfiles } from './user-profiles.ts'

/** The documented `error` is where the last attempt's reason is kept. */
const { leaseToken, attempts, availableAt } = leaseColumns()
const { createdAt, updatedAt } = timestamps()

/** One search on one platform: worked on by any number of processes, page by page. */
export const scrapingJobs = pgTable(
  'scraping_jobs',
  {
    id: id(),
    userId: userId(),
    campaignId: uuid('campaign_id'),
    platform: platform(50).default('TikTok'),
    /** Of a keyword search; the other kind has `targetUsername`. */
    keywords: jsonb('keywords').$type<readonly string[]>(),
    targetUsername: text('target_username'),
    searchParams: jsonb('search_params').$type<SearchParams>(),
    region: varchar('region', { length: 10 }).notNull().default('US'),
    status: varchar('status', { length: 20, enum: JOB_STATUSES }).notNull().default('pending'),
    /** The run at the platform's API. */
    runId: text('run_id'),
    qstashMessageId: text('qstash_message_id'),
    /** Calls of the platform's API. */
    processedRuns: integer('processed_runs').notNull().default(0),
    /** Creators found. */
    processedResults: integer('processed_results').notNull().default(0),
    targetResults: integer('target_results').notNull().default(TARGET_RESULTS_DEFAULT),
    /** Where the next call goes on. */
    cursor: integer('cursor').notNull().default(0),
    /** Per cent of the target, two digits: it follows from the counts and nobody writes it. A target of 0 is refused, but later. */
    progress: numeric('progress', { mode: 'number' })
      .notNull()
      .generatedAlwaysAs(
        (): SQL =>
          sql`least(100, round(100.0 * ${scrapingJobs.processedResults} / greatest(${scrapingJobs.targetResults}, 1), 2))`,
      ),
    createdAt,
    startedAt: instant('started_at'),
    /** When it ended, however it did. */
    completedAt: instant('completed_at'),
    /** From then on nobody works on it any more. Set when it is first taken up, unless it was given. */
    timeoutAt: instant('timeout_at'),
    updatedAt,
    error: text('error'),
    leaseToken,
    attempts,
    availableAt,
  },
  (table) => [
    unique('scraping_jobs_user_id_id_key').on(table.userId, table.id),
    foreignKey({
      name: 'scraping_jobs_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [userProfiles.userId],
    }).onDelete('cascade'),
    foreignKey({
      name: 'scraping_jobs_campaign_id_fkey',
      columns: [table.userId, table.campaignId],
      foreignColumns: [campaigns.userId, campaigns.id],
    }),
    index('idx_scraping_jobs_status').on(table.status),
    index('idx_scraping_jobs_platform').on(table.platform),
    index('idx_scraping_jobs_user_campaign').on(
      table.userId,
      table.campaignId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_scraping_jobs_user_id').on(table.userId, descending(table.createdAt), descending(table.id)),
    // Ended ones from the oldest, as retention takes them.
    index('idx_scraping_jobs_completed_at').on(table.completedAt).where(isNotNull(table.completedAt)),
    check('scraping_jobs_platform_check', isPlatform(table.platform)),
    check('scraping_jobs_status_check', oneOf(table.status, JOB_STATUSES)),
    // A search that no documented shape of results belongs to can't be stored, so it can't be asked for.
    check(
      'scraping_jobs_search_check',
      sql.raw(`num_nonnulls("keywords", "target_username") = 1
        and ("platform" <> 'Instagram' or "keywords" is null)
        and ("platform" <> 'YouTube' or "target_username" is null)`),
    ),
    check(
      'scraping_jobs_keywords_check',
      sql.raw(`"keywords" is null or case when jsonb_typeof("keywords") = 'array' then
        jsonb_array_length("keywords") > 0
        and not jsonb_path_exists("keywords", 'strict $[*] ? (@.type() <> "string" || @ == "")')
        else false end`),
    ),
    check('scraping_jobs_target_results_check', sql`${table.targetResults} > 0`),
    check('scraping_jobs_processed_runs_check', notNegative(table.processedRuns)),
    check('scraping_jobs_processed_results_check', notNegative(table.processedResults)),
    check('scraping_jobs_cursor_check', notNegative(table.cursor)),
  ],
)
