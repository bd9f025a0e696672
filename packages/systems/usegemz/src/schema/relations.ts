/**
 * For Drizzle's relational queries. A relation between two tenant tables joins on the tenant as well,
 * as its foreign key does.
 */
import { relations } from 'drizzle-orm'
import { campaigns } from './campaigns.ts'
import { scrapingJobs } from './scraping-jobs.ts'
import { scrapingResults } from './scraping-results.ts'
import { searchJobs } from './search-jobs.ts'
import { searchResults } from './search-results.ts'
import { userProfiles } from './user-profiles.ts'

export const userProfilesRelations = relations(userProfiles, ({ many }) => ({
  campaigns: many(campaigns),
  scrapingJobs: many(scrapingJobs),
}))

export const campaignRelations = relations(campaigns, ({ one, many }) => ({
  user: one(userProfiles, { fields: [campaigns.userId], references: [userProfiles.userId] }),
  scrapingJobs: many(scrapingJobs),
  searchJobs: many(searchJobs),
}))

export const scrapingJobsRelations = relations(scrapingJobs, ({ one, many }) => ({
  user: one(userProfiles, { fields: [scrapingJobs.userId], references: [userProfiles.userId] }),
  campaign: one(campaigns, {
    fields: [scrapingJobs.userId, scrapingJobs.campaignId],
    references: [campaigns.userId, campaigns.id],
  }),
  results: many(scrapingResults),
}))

export const scrapingResultsRelations = relations(scrapingResults, ({ one }) => ({
  job: one(scrapingJobs, {
    fields: [scrapingResults.userId, scrapingResults.jobId],
    references: [scrapingJobs.userId, scrapingJobs.id],
  }),
}))

export const searchJobsRelations = relations(searchJobs, ({ one, many }) => ({
  campaign: one(campaigns, {
    fields: [searchJobs.userId, searchJobs.campaignId],
    references: [campaigns.userId, campaigns.id],
  }),
  results: many(searchResults),
}))

export const searchResultsRelations = relations(searchResults, ({ one }) => ({
  job: one(searchJobs, {
    fields: [searchResults.userId, searchResults.jobId],
    references: [searchJobs.userId, searchJobs.id],
  }),
}))
