/**
 * Every row as it reads after `JSON.parse`: moments are ISO 8601 text in UTC. Keys are those of the
 * schema's tables. Unknown keys are dropped, so an older client reads a newer server's rows.
 */
import { id, instantJson } from '@tenantry/repository/fields'
import { z } from 'zod'
import {
  APPROVAL_DECISIONS,
  APPROVAL_ENTITIES,
  ARTICLE_PUBLISH_STATUSES,
  ARTICLE_STATUSES,
  CLUSTER_TYPES,
  EXPANSION_STATUSES,
  FILTER_STATUSES,
  INVITATION_STATUSES,
  KEYWORD_ARTICLE_STATUSES,
  KEYWORD_TYPES,
  ORGANIZATION_PLANS,
  ORGANIZATION_ROLES,
  PLATFORMS,
  PUBLISH_STATUSES,
  SECTION_STATUSES,
  SUBSCRIPTION_STATUSES,
  VALIDATION_STATUSES,
  WORKFLOW_STATES,
} from './enums.ts'
import { metadata, researchSource, suggestedSubtopic, validationMetadata } from './metadata.ts'

const optionalText = z.string().nullable()
const optionalInstant = instantJson.nullable()
const optionalNumber = z.number().nullable()
const createdAt = { createdAt: instantJson }
const stamps = { createdAt: instantJson, updatedAt: instantJson }
const count = z.number().int()

export const userJson = z.object({
  id,
  email: z.string(),
  fullName: optionalText,
  avatarUrl: optionalText,
  ...stamps,
})

export const organizationJson = z.object({ id, name: z.string(), ...stamps })

export const memberJson = z.object({
  userId: id,
  organizationId: id,
  role: z.enum(ORGANIZATION_ROLES),
  active: z.boolean(),
  ...stamps,
})

/** Without the hash of the token: nobody needs it outside the server. */
export const invitationJson = z.object({
  id,
  organizationId: id,
  email: z.string(),
  role: z.enum(ORGANIZATION_ROLES),
  status: z.enum(INVITATION_STATUSES),
  invitedBy: id.nullable(),
  acceptedBy: id.nullable(),
  acceptedAt: optionalInstant,
  expiresAt: instantJson,
  ...stamps,
})

export const competitorJson = z.object({
  id,
  organizationId: id,
  url: z.string(),
  domain: z.string(),
  name: optionalText,
  isActive: z.boolean(),
  ...stamps,
})

export const workflowJson = z.object({
  id,
  organizationId: id,
  createdBy: id,
  title: z.string(),
  description: optionalText,
  state: z.enum(WORKFLOW_STATES),
  currentStep: count,
  status: optionalText,
  version: count,
  metadata,
  ...stamps,
})

export const transitionJson = z.object({
  id,
  workflowId: id,
  organizationId: id,
  fromState: z.enum(WORKFLOW_STATES),
  toState: z.enum(WORKFLOW_STATES),
  version: count,
  transitionReason: optionalText,
  idempotencyKey: optionalText,
  userId: id.nullable(),
  metadata,
  ...createdAt,
})

export const keywordJson = z.object({
  id,
  organizationId: id,
  workflowId: id.nullable(),
  competitorUrlId: id.nullable(),
  parentSeedKeywordId: id.nullable(),
  parentKeywordType: optionalText,
  workflowScope: id,
  keyword: z.string(),
  keywordNormalized: z.string(),
  keywordType: z.enum(KEYWORD_TYPES),
  longtailStatus: z.enum(EXPANSION_STATUSES),
  subtopicsStatus: z.enum(EXPANSION_STATUSES),
  articleStatus: z.enum(KEYWORD_ARTICLE_STATUSES),
  filterStatus: z.enum(FILTER_STATUSES),
  searchVolume: count.nullable(),
  competitionIndex: optionalNumber,
  costPerClick: optionalNumber,
  keywordDifficulty: count.nullable(),
  aiSuggested: z.boolean(),
  userSelected: z.boolean(),
  decisionConfidence: optionalNumber,
  decisionMetadata: metadata,
  subtopics: z.array(suggestedSubtopic).readonly(),
  source: optionalText,
  metadata,
  ...stamps,
})

export const topicClusterJson = z.object({
  id,
  organizationId: id,
  workflowId: id,
  hubKeywordId: id,
  spokeKeywordId: id,
  similarityScore: optionalNumber,
  clusterType: z.enum(CLUSTER_TYPES),
  ...createdAt,
})

export const clusterValidationJson = z.object({
  id,
  organizationId: id,
  workflowId: id,
  hubKeywordId: id,
  validationStatus: z.enum(VALIDATION_STATUSES),
  avgSimilarity: optionalNumber,
  spokeCount: count.nullable(),
  validationReason: optionalText,
  validationMetadata,
  ...createdAt,
})

export const approvalJson = z.object({
  id,
  workflowId: id,
  entityType: z.enum(APPROVAL_ENTITIES),
  entityId: id,
  entityKeywordId: id.nullable(),
  decision: z.enum(APPROVAL_DECISIONS),
  feedback: optionalText,
  confidenceScore: optionalNumber,
  userId: id,
  organizationId: id,
  approvalMetadata: metadata,
  ...createdAt,
})

export const articleJson = z.object({
  id,
  organizationId: id,
  workflowId: id.nullable(),
  keywordId: id.nullable(),
  title: z.string(),
  slug: optionalText,
  content: optionalText,
  excerpt: optionalText,
  status: z.enum(ARTICLE_STATUSES),
  publishStatus: z.enum(ARTICLE_PUBLISH_STATUSES),
  metaTitle: optionalText,
  metaDescription: optionalText,
  focusKeyword: optionalText,
  wordCount: count.nullable(),
  readingTime: count.nullable(),
  qualityScore: optionalNumber,
  seoScore: optionalNumber,
  wordpressPostId: count.nullable(),
  wordpressUrl: optionalText,
  publishedAt: optionalInstant,
  completedAt: optionalInstant,
  deliveredAt: optionalInstant,
  createdBy: id.nullable(),
  ...stamps,
})

/** Without the token of its lease: whoever has it may finish the work. */
export const articleSectionJson = z.object({
  id,
  organizationId: id,
  articleId: id,
  sectionOrder: count,
  title: optionalText,
  content: optionalText,
  htmlContent: optionalText,
  researchQuery: optionalText,
  researchSources: z.array(researchSource).readonly(),
  outlinePrompt: optionalText,
  modelUsed: optionalText,
  tokensUsed: count.nullable(),
  generationTime: count.nullable(),
  qualityScore: optionalNumber,
  status: z.enum(SECTION_STATUSES),
  attempts: count,
  availableAt: instantJson,
  lastError: optionalText,
  ...stamps,
})

/** Without the token of its lease: whoever has it may finish the work. */
export const publishReferenceJson = z.object({
  id,
  organizationId: id,
  articleId: id,
  platform: z.enum(PLATFORMS),
  platformPostId: optionalText,
  platformUrl: optionalText,
  publishStatus: z.enum(PUBLISH_STATUSES),
  errorMessage: optionalText,
  retryCount: count,
  availableAt: instantJson,
  metadata,
  ...stamps,
})

/** Without the token of whoever is filling it. */
export const researchJson = z.object({
  id,
  organizationId: id,
  researchQuery: z.string(),
  researchResults: z.json(),
  cachedUntil: instantJson,
  sourceCount: count.nullable(),
  metadata,
  fillUntil: optionalInstant,
  ...stamps,
})

/** Without the instants of calls. */
export const rateLimitJson = z.object({
  id,
  organizationId: id,
  key: z.string(),
  limitCount: count,
  windowMinutes: count,
  currentCount: count,
  windowStart: instantJson,
  metadata,
  ...stamps,
})

export const subscriptionJson = z.object({
  organizationId: id,
  plan: z.enum(ORGANIZATION_PLANS),
  status: z.enum(SUBSCRIPTION_STATUSES),
  pastDueSince: optionalInstant,
  endsAt: optionalInstant,
  ...stamps,
})

export const usageJson = z.object({
  id,
  organizationId: id,
  metricType: z.string(),
  billingPeriod: z.string(),
  usageCount: count,
  limitCount: count.nullable(),
  costAmount: optionalNumber,
  metadata,
  ...stamps,
})

export const auditLogJson = z.object({
  id,
  tableName: z.string(),
  operation: z.string(),
  userId: id.nullable(),
  organizationId: id.nullable(),
  oldData: metadata.nullable(),
  newData: metadata.nullable(),
  ...createdAt,
})

export type UserJson = z.infer<typeof userJson>
export type OrganizationJson = z.infer<typeof organizationJson>
export type MemberJson = z.infer<typeof memberJson>
export type InvitationJson = z.infer<typeof invitationJson>
export type CompetitorJson = z.infer<typeof competitorJson>
export type WorkflowJson = z.infer<typeof workflowJson>
export type TransitionJson = z.infer<typeof transitionJson>
export type KeywordJson = z.infer<typeof keywordJson>
export type TopicClusterJson = z.infer<typeof topicClusterJson>
export type ClusterValidationJson = z.infer<typeof clusterValidationJson>
export type ApprovalJson = z.infer<typeof approvalJson>
export type ArticleJson = z.infer<typeof articleJson>
export type ArticleSectionJson = z.infer<typeof articleSectionJson>
export type PublishReferenceJson = z.infer<typeof publishReferenceJson>
export type ResearchJson = z.infer<typeof researchJson>
export type RateLimitJson = z.infer<typeof rateLimitJson>
export type SubscriptionJson = z.infer<typeof subscriptionJson>
export type UsageJson = z.infer<typeof usageJson>
export type AuditLogJson = z.infer<typeof auditLogJson>
