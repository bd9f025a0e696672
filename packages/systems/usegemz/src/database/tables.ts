import { lazyModule } from '@tenantry/core'
import { statement, touchUpdatedAt } from '@tenantry/ddl'
import { campaigns, scrapingJobs, searchJobs, systemConfigurations, userProfiles } from '../schema/index.ts'

const deprecated = (table: string, instead: string) =>
  statement({
    kind: 'finale',
    id: `comment on ${table}`,
    create: [`comment on table public.${table} is 'Deprecated: of an earlier version; see ${instead}'`],
    drop: [`comment on table public.${table} is null`],
  })

/** What the tables need and Drizzle can't say. */
export const tables = lazyModule({
  name: 'tables',
  objects: () => [
    ...touchUpdatedAt([userProfiles, campaigns, scrapingJobs, searchJobs, systemConfigurations]),
    deprecated('search_jobs', 'scraping_jobs'),
    deprecated('search_results', 'scraping_results'),
  ],
})
