/** usegemz' tables, as Drizzle declares them, and the relations between them. */
export { campaigns } from './campaigns.ts'
export { scrapingJobs } from './scraping-jobs.ts'
export { scrapingResults } from './scraping-results.ts'
export { searchJobs } from './search-jobs.ts'
export { searchResults } from './search-results.ts'
export { systemConfigurations } from './system-configurations.ts'
export { userProfiles } from './user-profiles.ts'
export {
  campaignRelations,
  scrapingJobsRelations,
  scrapingResultsRelations,
  searchJobsRelations,
  searchResultsRelations,
  userProfilesRelations,
} from './relations.ts'
