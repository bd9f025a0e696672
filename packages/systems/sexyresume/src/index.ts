/** SexyResume: resumes written, enhanced and matched to roles, one customer apart from the other. */
export { enhancementClaims, exportClaims, suggestionMachine } from './database/requests.ts'
export { quasiIdentifierHash } from './privacy.ts'
export type { AwardedAchievements } from './repositories/achievements.ts'
export type { TrackOptions } from './repositories/analytics.ts'
export type {
  AnalyticsDay,
  DailyMetrics,
  FeatureAdoption,
  FunnelStepReached,
  RevenueChannel,
  SignupMonth,
} from './repositories/analytics-rows.ts'
export type { EnhancementClaim } from './repositories/enhancements.ts'
export type { ExportClaim } from './repositories/exports.ts'
export type { MatchedRole } from './repositories/job-roles.ts'
export type { CustomerLimits } from './repositories/limits.ts'
export type { Account, Dashboard } from './repositories/users.ts'
export { defineSexyresume, sexyresume, type SexyresumeOptions } from './sexyresume.ts'
