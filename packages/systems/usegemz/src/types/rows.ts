/**
 * Every row as it reads after `JSON.parse`: moments are ISO 8601 text in UTC. Keys are those of the
 * schema's tables. Unknown keys are dropped, so an older client reads a newer server's rows.
 */
import { id, instantJson } from '@tenantry/repository/fields'
import { z } from 'zod'
import { creator } from './creators.ts'
import {
  CAMPAIGN_STATUSES,
  CONFIGURATION_TYPES,
  JOB_STATUSES,
  ONBOARDING_STEPS,
  PLANS,
  PLATFORMS,
  SEARCH_TYPES,
  SUBSCRIPTION_STATUSES,
  TRIAL_STATUSES,
} from './enums.ts'
import { emailSchedule, searchParams } from './metadata.ts'

const userId = z.string()
const optionalText = z.string().nullable()
const optionalInstant = instantJson.nullable()
const stamps = { createdAt: instantJson, updatedAt: instantJson }
const count = z.number().int()

export const userProfileJson = z.object({
  id,
  userId,
  email: optionalText,
  name: optionalText,
  companyName: optionalText,
  industry: optionalText,
  signupTimestamp: instantJson,
  onboardingStep: z.enum(ONBOARDING_STEPS),
  fullName: optionalText,
  businessName: optionalText,
  brandDescription: optionalText,
  emailScheduleStatus: emailSchedule,
  trialStartDate: optionalInstant,
  trialEndDate: optionalInstant,
  trialStatus: z.enum(TRIAL_STATUSES),
  stripeCustomerId: optionalText,
  stripeSubscriptionId: optionalText,
  subscriptionStatus: z.enum(SUBSCRIPTION_STATUSES),
  isAdmin: z.boolean(),
  ...stamps,
  plan: z.enum(PLANS),
  runsUntil: optionalInstant,
})

export const campaignJson = z.object({
  id,
  userId,
  name: z.string(),
  description: optionalText,
  searchType: z.enum(SEARCH_TYPES),
  status: z.enum(CAMPAIGN_STATUSES),
  ...stamps,
})

/** Without what only its workers need: the lease. */
export const scrapingJobJson = z.object({
  id,
  userId,
  campaignId: id.nullable(),
  platform: z.enum(PLATFORMS),
  keywords: z.array(z.string()).nullable(),
  targetUsername: optionalText,
  searchParams: searchParams.nullable(),
  region: z.string(),
  status: z.enum(JOB_STATUSES),
  runId: optionalText,
  qstashMessageId: optionalText,
  processedRuns: count,
  processedResults: count,
  targetResults: count,
  cursor: count,
  /** 0..100 */
  progress: z.number(),
  startedAt: optionalInstant,
  completedAt: optionalInstant,
  timeoutAt: optionalInstant,
  error: optionalText,
  ...stamps,
})

export const scrapingResultJson = z.object({
  id,
  userId,
  jobId: id.nullable(),
  creators: z.array(creator),
  createdAt: instantJson,
})

export const systemConfigurationJson = z.object({
  id,
  category: z.string(),
  key: z.string(),
  value: z.string(),
  valueType: z.enum(CONFIGURATION_TYPES),
  description: optionalText,
  isHotReloadable: z.boolean(),
  ...stamps,
})

/** @deprecated Of an earlier version; see `scrapingJobJson`. */
export const searchJobJson = z.object({
  id: z.string(),
  userId,
  campaignId: id.nullable(),
  platform: z.enum(PLATFORMS),
  searchType: z.enum(SEARCH_TYPES),
  status: z.string(),
  totalCount: count,
  completedCount: count,
  completedAt: optionalInstant,
  ...stamps,
})

/** @deprecated Of an earlier version; see `scrapingResultJson`. */
export const searchResultJson = z.object({
  id,
  userId,
  jobId: z.string(),
  profileId: z.string(),
  username: z.string(),
  displayName: optionalText,
  platform: z.enum(PLATFORMS),
  profileUrl: optionalText,
  postUrl: optionalText,
  postDescription: optionalText,
  avatarUrl: optionalText,
  followers: count,
  isVerified: z.boolean(),
  email: optionalText,
  bio: optionalText,
  rawData: z.json().nullable(),
  createdAt: instantJson,
})

export type UserProfileJson = z.infer<typeof userProfileJson>
export type CampaignJson = z.infer<typeof campaignJson>
export type ScrapingJobJson = z.infer<typeof scrapingJobJson>
export type ScrapingResultJson = z.infer<typeof scrapingResultJson>
export type SystemConfigurationJson = z.infer<typeof systemConfigurationJson>
/** @deprecated Of an earlier version. */
export type SearchJobJson = z.infer<typeof searchJobJson>
/** @deprecated Of an earlier version. */
export type SearchResultJson = z.infer<typeof searchResultJson>
