/** ContentPilot: topics, drafts and voice for content creators, one customer apart from the other. */
export { contentpilot } from './contentpilot.ts'
export { draftMachine } from './database/drafts.ts'
export type { Dashboard, DashboardStats } from './repositories/dashboard.ts'
export type { RawTopicFound } from './repositories/raw-topics.ts'
export type { ScoreListOptions, TopicFound } from './repositories/topics.ts'
export type { UsageTotal } from './repositories/usage.ts'
export type { Account } from './repositories/users.ts'
export type { SimilarVoiceExample } from './repositories/voice-examples.ts'
