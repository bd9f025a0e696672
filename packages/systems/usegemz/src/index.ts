/** usegemz: creators found on TikTok, Instagram and YouTube, for the campaigns of people who don't see each other's. */
export { campaignMachine } from './database/campaigns.ts'
export { CONFIGURATION_CHANNEL } from './database/configuration.ts'
export { jobClaims } from './database/jobs.ts'
export { onboardingMachine, trialMachine } from './database/people.ts'
export { plans } from './database/plans.ts'
export type { Admin } from './repositories/admins.ts'
export type { Launched } from './repositories/campaigns.ts'
export type { ConfigurationEntry } from './repositories/configuration.ts'
export type { JobClaim, JobDetail } from './repositories/jobs.ts'
export type { PersonLimits, UsedFeature } from './repositories/limits.ts'
export type { Trial } from './repositories/profiles.ts'
export { defineUsegemz, usegemz, type UsegemzOptions } from './usegemz.ts'
export {
  type Configuration,
  type ConfiguredSystem,
  watchConfiguration,
  type WatchConfigurationOptions,
} from './watch-configuration.ts'
