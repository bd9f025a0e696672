/**
 * Every row as it reads after `JSON.parse`: moments are ISO 8601 text in UTC. Keys are those of the
 * schema's tables. Unknown keys are dropped, so an older client reads a newer server's rows.
 */
import { id, instantJson } from '@tenantry/repository/fields'
import { z } from 'zod'
import { achievementCriteria } from './achievements.ts'
import { funnelStep } from './analytics.ts'
import {
  ADMIN_ROLES,
  COHORT_PERIODS,
  CONFIDENCE_LEVELS,
  EXPORT_FORMATS,
  GROWTH_OUTLOOKS,
  LETTER_AUTHORS,
  PAYMENT_STATUSES,
  PLANS,
  REQUEST_STATUSES,
  REWARD_TYPES,
  ROLE_FEEDBACK,
  SENIORITY_LEVELS,
  TONE_PRESETS,
  TRANSACTION_TYPES,
  USER_ACTIONS,
} from './enums.ts'
import { jsonObject } from './fields.ts'
import { resumeData } from './resume-data.ts'

const optionalText = z.string().nullable()
const optionalId = id.nullable()
const optionalInstant = instantJson.nullable()
const createdAt = { createdAt: instantJson }
const stamps = { createdAt: instantJson, updatedAt: instantJson }
const count = z.number().int()
const optionalCount = count.nullable()
const names = z.array(z.string())
const score = z.number()
const lease = { leaseToken: optionalId, attempts: count, availableAt: instantJson }

export const userJson = z.object({ id, email: z.string(), fullName: optionalText, ...stamps })

export const resumeJson = z.object({
  id,
  userId: id,
  title: z.string(),
  data: z.union([resumeData, z.record(z.string(), z.never())]),
  template: z.string(),
  isActive: z.boolean(),
  ...stamps,
  deletedAt: optionalInstant,
})

export const exportJson = z.object({
  id,
  userId: id,
  resumeId: optionalId,
  format: z.enum(EXPORT_FORMATS),
  template: z.string(),
  status: z.enum(REQUEST_STATUSES),
  storagePath: optionalText,
  fileSizeBytes: optionalCount,
  errorMessage: optionalText,
  expiresAt: instantJson,
  ...createdAt,
  completedAt: optionalInstant,
  ...lease,
})

export const coverLetterJson = z.object({
  id,
  userId: id,
  resumeId: optionalId,
  title: z.string(),
  companyName: optionalText,
  jobTitle: optionalText,
  jobDescription: optionalText,
  content: z.string(),
  template: z.string(),
  isActive: z.boolean(),
  currentVersion: count,
  ...stamps,
  deletedAt: optionalInstant,
})

export const coverLetterDraftJson = z.object({
  id,
  userId: id,
  coverLetterId: id,
  version: count,
  content: z.string(),
  author: z.enum(LETTER_AUTHORS),
  ...createdAt,
})

export const enhancementRequestJson = z.object({
  id,
  userId: id,
  resumeId: optionalId,
  targetRole: optionalText,
  targetIndustry: optionalText,
  tonePreset: z.enum(TONE_PRESETS),
  stylePreferences: jsonObject,
  originalContent: z.json(),
  enhancedContent: z.json().nullable(),
  overallConfidence: score,
  processingStatus: z.enum(REQUEST_STATUSES),
  processingTimeMs: optionalCount,
  tokenUsage: optionalCount,
  errorMessage: optionalText,
  ...createdAt,
  completedAt: optionalInstant,
  ...lease,
})

export const enhancementSuggestionJson = z.object({
  id,
  userId: id,
  requestId: id,
  sectionType: z.string(),
  sectionId: z.string(),
  fieldPath: z.string(),
  originalText: z.string(),
  suggestedText: z.string(),
  improvementType: z.string(),
  confidence: score,
  reasoning: optionalText,
  metrics: jsonObject,
  userAction: z.enum(USER_ACTIONS),
  userModifiedText: optionalText,
  appliedAt: optionalInstant,
  ...createdAt,
})

export const jobRoleJson = z.object({
  id,
  title: z.string(),
  normalizedTitle: z.string(),
  industryCategory: z.string(),
  seniorityLevel: z.enum(SENIORITY_LEVELS),
  requiredSkills: names,
  preferredSkills: names,
  typicalExperienceYears: optionalCount,
  salaryRangeMin: optionalCount,
  salaryRangeMax: optionalCount,
  growthOutlook: z.enum(GROWTH_OUTLOOKS).nullable(),
  remoteFriendly: z.boolean(),
  description: optionalText,
  keyResponsibilities: names.nullable(),
  embedding: z.array(z.number()).nullable(),
  popularityScore: score,
  ...stamps,
})

export const templateRoleMappingJson = z.object({
  id,
  jobRoleId: id,
  template: z.string(),
  matchScore: score,
  highlightSections: names,
  ...stamps,
})

export const roleRecommendationJson = z.object({
  id,
  userId: id,
  resumeId: optionalId,
  jobRoleId: id,
  matchScore: score,
  confidenceLevel: z.enum(CONFIDENCE_LEVELS),
  reasoning: z.string(),
  matchedSkills: names,
  skillGaps: names,
  recommendedTemplate: optionalText,
  highlightSections: names,
  userFeedback: z.enum(ROLE_FEEDBACK).nullable(),
  feedbackNotes: optionalText,
  ...stamps,
})

export const userEntitlementJson = z.object({
  id,
  userId: id,
  plan: z.enum(PLANS),
  exportUnlocked: z.boolean(),
  exportUnlockedAt: optionalInstant,
  premiumUntil: optionalInstant,
  ...stamps,
})

export const paymentReceiptJson = z.object({
  id,
  userId: id,
  stripePaymentIntentId: optionalText,
  product: z.string(),
  amount: count,
  currency: z.string(),
  status: z.enum(PAYMENT_STATUSES),
  receiptUrl: optionalText,
  ...stamps,
})

export const creditBalanceJson = z.object({
  userId: id,
  balance: count,
  version: count,
  updatedAt: instantJson,
})

export const creditTransactionJson = z.object({
  id,
  userId: id,
  transactionType: z.enum(TRANSACTION_TYPES),
  amount: count,
  source: z.string(),
  description: optionalText,
  balanceAfter: count,
  idempotencyKey: optionalText,
  version: count,
  reverses: optionalCount,
  expiresAt: optionalInstant,
  lots: z.json().nullable(),
  ...createdAt,
})

export const referralCodeJson = z.object({
  id,
  userId: id,
  code: z.string(),
  isActive: z.boolean(),
  usageCount: count,
  maxUses: count,
  rewardType: z.enum(REWARD_TYPES),
  rewardAmount: count,
  expiresAt: optionalInstant,
  ...stamps,
})

export const referralConversionJson = z.object({
  id,
  referredUserId: id,
  referralCode: z.string(),
  rewardType: z.enum(REWARD_TYPES),
  rewardAmount: count,
  ...createdAt,
})

export const achievementDefinitionJson = z.object({
  id,
  achievementKey: z.string(),
  title: z.string(),
  description: optionalText,
  criteria: achievementCriteria,
  rewardCredits: count,
  isActive: z.boolean(),
  ...stamps,
})

export const userAchievementJson = z.object({
  id,
  userId: id,
  achievementKey: z.string(),
  earnedAt: instantJson,
  progressData: jsonObject,
  creditsAwarded: count,
  creditsClaimed: z.boolean(),
  ...createdAt,
})

export const adminUserJson = z.object({
  id,
  userId: id,
  role: z.enum(ADMIN_ROLES),
  isActive: z.boolean(),
  ...stamps,
})

/** A session's description; not even the token's hash leaves the server. */
export const userSessionJson = z.object({
  id,
  userId: id,
  ipAddress: optionalText,
  userAgent: optionalText,
  lastSeenAt: instantJson,
  expiresAt: instantJson,
  ...createdAt,
})

export const auditLogJson = z.object({
  id,
  userId: optionalId,
  action: z.string(),
  tableName: z.string(),
  recordId: optionalId,
  oldValues: jsonObject.nullable(),
  newValues: jsonObject.nullable(),
  ipAddress: optionalText,
  userAgent: optionalText,
  ...createdAt,
})

export const analyticsEventJson = z.object({
  id,
  eventName: z.string(),
  properties: jsonObject,
  sessionId: optionalText,
  subjectId: optionalId,
  timestamp: instantJson,
  ...createdAt,
})

export const cohortAnalysisJson = z.object({
  id,
  cohortPeriod: z.enum(COHORT_PERIODS),
  cohortDate: z.iso.date(),
  periodNumber: count,
  userCount: count,
  retainedUsers: count,
  retentionRate: z.number(),
  revenueTotal: count,
  revenuePerUser: z.number(),
  computedAt: instantJson,
})

export const conversionFunnelJson = z.object({
  id,
  funnelName: z.string(),
  steps: z.array(funnelStep),
  isActive: z.boolean(),
  ...stamps,
})

export const funnelAnalyticsJson = z.object({
  id,
  funnelName: z.string(),
  stepName: z.string(),
  userId: optionalId,
  properties: jsonObject,
  timestamp: instantJson,
  ...createdAt,
})

export const metricAnomalyJson = z.object({
  id,
  metric: z.string(),
  day: z.iso.date(),
  value: z.number(),
  expected: z.number(),
  deviations: z.number(),
  detectedAt: instantJson,
})

export const dataRetentionPolicyJson = z.object({
  id,
  tableName: z.string(),
  retentionDays: count,
  softDelete: z.boolean(),
  isActive: z.boolean(),
  ...stamps,
})

export type UserJson = z.infer<typeof userJson>
export type ResumeJson = z.infer<typeof resumeJson>
export type ExportJson = z.infer<typeof exportJson>
export type CoverLetterJson = z.infer<typeof coverLetterJson>
export type CoverLetterDraftJson = z.infer<typeof coverLetterDraftJson>
export type EnhancementRequestJson = z.infer<typeof enhancementRequestJson>
export type EnhancementSuggestionJson = z.infer<typeof enhancementSuggestionJson>
export type JobRoleJson = z.infer<typeof jobRoleJson>
export type TemplateRoleMappingJson = z.infer<typeof templateRoleMappingJson>
export type RoleRecommendationJson = z.infer<typeof roleRecommendationJson>
export type UserEntitlementJson = z.infer<typeof userEntitlementJson>
export type PaymentReceiptJson = z.infer<typeof paymentReceiptJson>
export type CreditBalanceJson = z.infer<typeof creditBalanceJson>
export type CreditTransactionJson = z.infer<typeof creditTransactionJson>
export type ReferralCodeJson = z.infer<typeof referralCodeJson>
export type ReferralConversionJson = z.infer<typeof referralConversionJson>
export type AchievementDefinitionJson = z.infer<typeof achievementDefinitionJson>
export type UserAchievementJson = z.infer<typeof userAchievementJson>
export type AdminUserJson = z.infer<typeof adminUserJson>
export type UserSessionJson = z.infer<typeof userSessionJson>
export type AuditLogJson = z.infer<typeof auditLogJson>
export type AnalyticsEventJson = z.infer<typeof analyticsEventJson>
export type CohortAnalysisJson = z.infer<typeof cohortAnalysisJson>
export type ConversionFunnelJson = z.infer<typeof conversionFunnelJson>
export type FunnelAnalyticsJson = z.infer<typeof funnelAnalyticsJson>
export type MetricAnomalyJson = z.infer<typeof metricAnomalyJson>
export type DataRetentionPolicyJson = z.infer<typeof dataRetentionPolicyJson>
