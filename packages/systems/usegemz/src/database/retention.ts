/** How long searches and what they found are kept. The specification names no ages: these are ours. */
import type { Module } from '@tenantry/core'
import { type ArchiveStore, defineRetention, type Retention, retention } from '@tenantry/retention'
import { sql } from 'drizzle-orm'
import * as schema from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'
import { ARCHIVE_DAYS, FAILED_JOB_DAYS } from '../types/enums.ts'

const { scrapingJobs, scrapingResults, searchJobs, searchResults } = schema

/** What was found goes before the searches, which stay as long as they have something. */
const rules = [
  defineRetention(scrapingJobs, {
    name: 'failed_jobs',
    age: { column: 'completedAt', days: FAILED_JOB_DAYS },
    where: sql`${scrapingJobs.status} in ('timeout', 'error') and ${scrapingJobs.processedResults} = 0`,
    action: 'delete',
  }),
  defineRetention(scrapingResults, {
    age: { column: 'createdAt', days: ARCHIVE_DAYS },
    action: 'archive-then-delete',
  }),
  defineRetention(scrapingJobs, {
    age: { column: 'completedAt', days: ARCHIVE_DAYS },
    action: 'archive-then-delete',
  }),
  // Of an earlier version, which writes no more: all of them grow old, so no share of the table is suspicious.
  defineRetention(searchResults, {
    age: { column: 'createdAt', days: ARCHIVE_DAYS },
    action: 'archive-then-delete',
    floors: { maxFraction: null },
  }),
  defineRetention(searchJobs, {
    age: { column: 'createdAt', days: ARCHIVE_DAYS },
    action: 'archive-then-delete',
    floors: { maxFraction: null },
  }),
]

/** In the order in which one waits for another. */
const schedules = {
  failed_jobs: '10 2 * * *',
  scraping_results: '20 2 * * *',
  scraping_jobs: '50 2 * * *',
  search_results: '20 3 * * 0',
  search_jobs: '50 3 * * 0',
}

/** Without a store the rules that archive can be planned and are run by nobody: they have no jobs. */
export function retentionWith(archive: ArchiveStore | null): {
  readonly retention: Retention
  readonly module: Module
} {
  const found = retention({
    rules,
    schema,
    tenants: tenancy.tables,
    schedules,
    ...(archive === null ? {} : { store: archive }),
  })
  const idle = new Set(
    rules.filter(({ action }) => archive === null && action.archives).map(({ name }) => `retention ${name}`),
  )
  const { jobs = [], ...module } = found.module
  return { retention: found, module: { ...module, jobs: jobs.filter(({ name }) => !idle.has(name)) } }
}
