/** The repositories of a scope, by the names under which it offers them. */
import { admins } from './admins.ts'
import { campaigns } from './campaigns.ts'
import { configuration } from './configuration.ts'
import { jobs } from './jobs.ts'
import { searchJobs, searchResults } from './legacy.ts'
import { limits } from './limits.ts'
import { profiles } from './profiles.ts'
import { results } from './results.ts'

export const repositories = {
  profiles,
  campaigns,
  jobs,
  results,
  configuration,
  admins,
  limits,
  searchJobs,
  searchResults,
}
