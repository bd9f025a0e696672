/** ContentPilot's tables, as Drizzle declares them, and the relations between them. */
export { auditLogs } from './audit-logs.ts'
export { classifiedTopics } from './classified-topics.ts'
export { generatedDrafts } from './generated-drafts.ts'
export { pillars } from './pillars.ts'
export { profiles } from './profiles.ts'
export { rawTopics } from './raw-topics.ts'
export { subscriptions } from './subscriptions.ts'
export { usageMonthly } from './usage-monthly.ts'
export { usageTracking } from './usage-tracking.ts'
export { userSecrets } from './user-secrets.ts'
export { users } from './users.ts'
export { voiceExamples } from './voice-examples.ts'
export {
  classifiedTopicsRelations,
  generatedDraftsRelations,
  pillarsRelations,
  profilesRelations,
  rawTopicsRelations,
  subscriptionsRelations,
  usageMonthlyRelations,
  usageTrackingRelations,
  userSecretsRelations,
  usersRelations,
  voiceExamplesRelations,
} from './relations.ts'
