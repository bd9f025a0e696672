/** The repositories of a scope, by the names under which it offers them. */
import { auditLogs } from './audit-logs.ts'
import { dashboard } from './dashboard.ts'
import { drafts } from './drafts.ts'
import { limits } from './limits.ts'
import { pillars } from './pillars.ts'
import { profiles } from './profiles.ts'
import { rawTopics } from './raw-topics.ts'
import { secrets } from './secrets.ts'
import { subscriptions } from './subscriptions.ts'
import { topics } from './topics.ts'
import { usageMonthly } from './usage-monthly.ts'
import { usage } from './usage.ts'
import { users } from './users.ts'
import { voiceExamples } from './voice-examples.ts'

export const repositories = {
  users,
  profiles,
  subscriptions,
  pillars,
  voiceExamples,
  rawTopics,
  topics,
  drafts,
  usage,
  usageMonthly,
  limits,
  auditLogs,
  secrets,
  dashboard,
}
