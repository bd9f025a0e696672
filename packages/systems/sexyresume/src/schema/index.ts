/** SexyResume's tables, as Drizzle declares them, and the relations between them. */
export { achievementDefinitions } from './achievement-definitions.ts'
export { adminUsers } from './admin-users.ts'
export { analyticsEvents } from './analytics-events.ts'
export { analyticsSubjects } from './analytics-subjects.ts'
export { auditLogs } from './audit-logs.ts'
export { cohortAnalysis } from './cohort-analysis.ts'
export { conversionFunnels } from './conversion-funnels.ts'
export { coverLetterDrafts } from './cover-letter-drafts.ts'
export { coverLetters } from './cover-letters.ts'
export { creditBalances } from './credit-balances.ts'
export { creditTransactions } from './credit-transactions.ts'
export { dataRetentionPolicies } from './data-retention-policies.ts'
export { enhancementRequests } from './enhancement-requests.ts'
export { enhancementSuggestions } from './enhancement-suggestions.ts'
export { exports } from './exports.ts'
export { funnelAnalytics } from './funnel-analytics.ts'
export { jobRoles } from './job-roles.ts'
export { metricAnomalies } from './metric-anomalies.ts'
export { paymentReceipts } from './payment-receipts.ts'
export { queryPerformanceLog } from './query-performance-log.ts'
export { referralCodes } from './referral-codes.ts'
export { referralConversions } from './referral-conversions.ts'
export { resumes } from './resumes.ts'
export { roleRecommendations } from './role-recommendations.ts'
export { templateRoleMappings } from './template-role-mappings.ts'
export { userAchievements } from './user-achievements.ts'
export { userEntitlements } from './user-entitlements.ts'
export { userSessions } from './user-sessions.ts'
export { users } from './users.ts'
export {
  coverLetterDraftsRelations,
  coverLettersRelations,
  enhancementRequestsRelations,
  enhancementSuggestionsRelations,
  exportsRelations,
  jobRolesRelations,
  resumesRelations,
  roleRecommendationsRelations,
  templateRoleMappingsRelations,
  usersRelations,
} from './relations.ts'
