/** The repositories of a scope, by the names under which it offers them. */
import { achievementDefinitions } from './achievement-definitions.ts'
import { achievements } from './achievements.ts'
import { admins } from './admins.ts'
import { analytics } from './analytics.ts'
import { auditLogs } from './audit-logs.ts'
import { coverLetterDrafts } from './cover-letter-drafts.ts'
import { coverLetters } from './cover-letters.ts'
import { creditBalances } from './credit-balances.ts'
import { credits } from './credits.ts'
import { enhancements } from './enhancements.ts'
import { entitlements } from './entitlements.ts'
import { exports } from './exports.ts'
import { funnels, funnelSteps } from './funnels.ts'
import { jobRoles } from './job-roles.ts'
import { limits } from './limits.ts'
import { anomalies, cohorts, retention, slowQueries } from './operations.ts'
import { payments } from './payments.ts'
import { recommendations } from './recommendations.ts'
import { referralCodes } from './referral-codes.ts'
import { referrals } from './referrals.ts'
import { resumes } from './resumes.ts'
import { sessions } from './sessions.ts'
import { subjects } from './subjects.ts'
import { suggestions } from './suggestions.ts'
import { templateMappings } from './template-mappings.ts'
import { users } from './users.ts'

export const repositories = {
  users,
  resumes,
  exports,
  coverLetters,
  coverLetterDrafts,
  enhancements,
  suggestions,
  jobRoles,
  templateMappings,
  recommendations,
  entitlements,
  limits,
  payments,
  credits,
  creditBalances,
  referralCodes,
  referrals,
  achievements,
  achievementDefinitions,
  admins,
  sessions,
  auditLogs,
  analytics,
  subjects,
  funnels,
  funnelSteps,
  cohorts,
  anomalies,
  retention,
  slowQueries,
}
