/**
 * Every row as it reads after `JSON.parse`: moments are ISO 8601 text in UTC. Keys are those of the
 * schema's tables. Unknown keys are dropped, so an older client reads a newer server's rows.
 */
import { id, instantJson } from '@tenantry/repository/fields'
import { z } from 'zod'
import {
  CLASSIFIED_TOPIC_STATUSES,
  DRAFT_STATUSES,
  HOOK_ANGLES,
  PILLAR_STATUSES,
  PLAN_TYPES,
  RAW_TOPIC_STATUSES,
  SUBSCRIPTION_STATUSES,
  TOPIC_SOURCES,
  USER_STATUSES,
  VARIANT_LETTERS,
  VOICE_EXAMPLE_STATUSES,
} from './enums.ts'
import { jsonObject, score } from './fields.ts'
import { engagementMetrics, preferences, rawTopicMetadata, usageMetadata } from './metadata.ts'

const optionalText = z.string().nullable()
const optionalInstant = instantJson.nullable()
const createdAt = { createdAt: instantJson }
const stamps = { createdAt: instantJson, updatedAt: instantJson }
const count = z.number().int()

export const userJson = z.object({
  id,
  clerkId: z.string(),
  email: z.string(),
  fullName: optionalText,
  avatarUrl: optionalText,
  status: z.enum(USER_STATUSES),
  ...stamps,
  deletedAt: optionalInstant,
})

export const profileJson = z.object({
  id,
  userId: id,
  linkedinUrl: optionalText,
  targetAudience: optionalText,
  writingStyle: optionalText,
  voiceConfidenceScore: score,
  lastVoiceTrainingAt: optionalInstant,
  preferences,
  ...stamps,
})

export const subscriptionJson = z.object({
  id,
  userId: id,
  stripeCustomerId: optionalText,
  stripeSubscriptionId: optionalText,
  planType: z.enum(PLAN_TYPES),
  status: z.enum(SUBSCRIPTION_STATUSES),
  currentPeriodStart: instantJson,
  currentPeriodEnd: instantJson,
  cancelAtPeriodEnd: z.boolean(),
  trialEnd: optionalInstant,
  billingAnchor: optionalInstant,
  pastDueSince: optionalInstant,
  endsAt: optionalInstant,
  ...stamps,
})

export const pillarJson = z.object({
  id,
  userId: id,
  name: z.string(),
  slug: z.string(),
  description: optionalText,
  targetAudience: optionalText,
  tone: optionalText,
  classificationPrompt: optionalText,
  generationPrompt: optionalText,
  status: z.enum(PILLAR_STATUSES),
  ...stamps,
})

export const voiceExampleJson = z.object({
  id,
  userId: id,
  pillarId: id.nullable(),
  postText: z.string(),
  characterCount: count,
  postUrl: optionalText,
  engagementMetrics: engagementMetrics.nullable(),
  vectorEmbedding: z.array(z.number()).nullable(),
  status: z.enum(VOICE_EXAMPLE_STATUSES),
  ...stamps,
})

export const rawTopicJson = z.object({
  id,
  userId: id,
  source: z.enum(TOPIC_SOURCES),
  content: z.string(),
  url: optionalText,
  metadata: rawTopicMetadata,
  status: z.enum(RAW_TOPIC_STATUSES),
  ...stamps,
})

export const classifiedTopicJson = z.object({
  id,
  userId: id,
  rawTopicId: id.nullable(),
  pillarId: id,
  content: z.string(),
  url: optionalText,
  aiScore: score,
  hookAngle: z.enum(HOOK_ANGLES).nullable(),
  reasoning: optionalText,
  status: z.enum(CLASSIFIED_TOPIC_STATUSES),
  ...stamps,
})

export const generatedDraftJson = z.object({
  id,
  userId: id,
  topicId: id,
  pillarId: id,
  variantLetter: z.enum(VARIANT_LETTERS),
  hook: z.string(),
  body: z.string(),
  cta: optionalText,
  hashtags: optionalText,
  fullText: z.string(),
  characterCount: count,
  status: z.enum(DRAFT_STATUSES),
  editedText: optionalText,
  userNotes: optionalText,
  approvedAt: optionalInstant,
  postedAt: optionalInstant,
  scheduledFor: optionalInstant,
  ...stamps,
})

export const usageRecordJson = z.object({
  id,
  userId: id,
  resourceType: z.string(),
  resourceId: id.nullable(),
  costCents: count,
  metadata: usageMetadata,
  ...createdAt,
})

export const usageMonthJson = z.object({
  userId: id,
  resourceType: z.string(),
  /** First day of the month, UTC. */
  month: z.iso.date(),
  count,
  costCents: count,
})

export const auditLogJson = z.object({
  id,
  userId: id.nullable(),
  action: z.string(),
  tableName: z.string(),
  recordId: id,
  oldValues: jsonObject.nullable(),
  newValues: jsonObject.nullable(),
  ipAddress: optionalText,
  userAgent: optionalText,
  ...createdAt,
})

/** A secret's description. What it holds never leaves the server, not even encrypted. */
export const userSecretJson = z.object({
  id,
  userId: id,
  provider: z.string(),
  label: z.string(),
  keyId: z.string(),
  ...createdAt,
  rotatedAt: optionalInstant,
  expiresAt: optionalInstant,
})

export type UserJson = z.infer<typeof userJson>
export type ProfileJson = z.infer<typeof profileJson>
export type SubscriptionJson = z.infer<typeof subscriptionJson>
export type PillarJson = z.infer<typeof pillarJson>
export type VoiceExampleJson = z.infer<typeof voiceExampleJson>
export type RawTopicJson = z.infer<typeof rawTopicJson>
export type ClassifiedTopicJson = z.infer<typeof classifiedTopicJson>
export type GeneratedDraftJson = z.infer<typeof generatedDraftJson>
export type UsageRecordJson = z.infer<typeof usageRecordJson>
export type UsageMonthJson = z.infer<typeof usageMonthJson>
export type AuditLogJson = z.infer<typeof auditLogJson>
export type UserSecretJson = z.infer<typeof userSecretJson>
