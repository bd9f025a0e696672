/**
 * The closed lists of the product. The schema's CHECK constraints and the zod schemas are both made
 * from these, so a value is either legal in both or in neither. Nothing is imported here: browsers load it.
 */

export const ORGANIZATION_ROLES = ['owner', 'admin', 'member'] as const
export const INVITATION_STATUSES = ['pending', 'accepted', 'revoked'] as const

/** Phases of a workflow, in order. */
export const WORKFLOW_PHASES = [
  'ICP',
  'COMPETITOR',
  'SEED_REVIEW',
  'CLUSTERING',
  'VALIDATION',
  'ARTICLE',
  'PUBLISH',
] as const
/** A seed review is a person's work, so it is never processing and can't fail. */
export const WORKFLOW_STATES = [
  'CREATED',
  'CANCELLED',
  'COMPLETED',
  'ICP_PENDING',
  'ICP_PROCESSING',
  'ICP_COMPLETED',
  'ICP_FAILED',
  'COMPETITOR_PENDING',
  'COMPETITOR_PROCESSING',
  'COMPETITOR_COMPLETED',
  'COMPETITOR_FAILED',
  'SEED_REVIEW_PENDING',
  'SEED_REVIEW_COMPLETED',
  'CLUSTERING_PENDING',
  'CLUSTERING_PROCESSING',
  'CLUSTERING_COMPLETED',
  'CLUSTERING_FAILED',
  'VALIDATION_PENDING',
  'VALIDATION_PROCESSING',
  'VALIDATION_COMPLETED',
  'VALIDATION_FAILED',
  'ARTICLE_PENDING',
  'ARTICLE_PROCESSING',
  'ARTICLE_COMPLETED',
  'ARTICLE_FAILED',
  'PUBLISH_PENDING',
  'PUBLISH_PROCESSING',
  'PUBLISH_COMPLETED',
  'PUBLISH_FAILED',
] as const

export const KEYWORD_TYPES = ['seed', 'longtail', 'subtopic'] as const
/** Of finding a keyword's longtails, and of finding its subtopics. */
export const EXPANSION_STATUSES = ['not_started', 'processing', 'complete', 'failed'] as const
export const KEYWORD_ARTICLE_STATUSES = ['not_started', 'processing', 'complete', 'failed', 'ready'] as const
export const FILTER_STATUSES = ['not_started', 'approved', 'rejected'] as const
export const CLUSTER_TYPES = ['automatic', 'manual', 'ai_suggested'] as const
export const VALIDATION_STATUSES = ['valid', 'invalid'] as const
export const APPROVAL_ENTITIES = ['seed_keywords', 'subtopics', 'clusters'] as const
export const APPROVAL_DECISIONS = ['approved', 'rejected'] as const
export const ARTICLE_STATUSES = ['draft', 'generating', 'completed', 'published', 'failed'] as const
export const ARTICLE_PUBLISH_STATUSES = ['not_published', 'publishing', 'published', 'failed'] as const
export const SECTION_STATUSES = ['pending', 'researching', 'generating', 'completed', 'failed'] as const
export const PLATFORMS = ['wordpress'] as const
export const PUBLISH_STATUSES = ['pending', 'publishing', 'published', 'failed'] as const

/** The smallest first. */
export const ORGANIZATION_PLANS = ['free', 'starter', 'pro', 'agency'] as const
export const SUBSCRIPTION_STATUSES = ['trialing', 'active', 'past_due', 'paused', 'canceled'] as const

/** What the product itself meters. The column is open: a host may meter more, under names of its own. */
export const USAGE_METRICS = ['articles', 'keywords', 'research_queries'] as const

/** A cluster is valid from this many spokes on: with one it is a pair, and no topic. */
export const CLUSTER_SPOKES_MIN = 2
/** … up to this many: beyond, its articles compete with each other, and the hub should be two. */
export const CLUSTER_SPOKES_MAX = 8
/** … whose similarity to the hub is on average at least this, on the scale of -1 to 1. */
export const CLUSTER_SIMILARITY_MIN = 0.6
/** How long a research result is used, in hours: the documented time. */
export const RESEARCH_HOURS = 24
/** What a research query is expected to cost, in US dollars: a basic search of Tavily is a credit of $0.008. */
export const RESEARCH_COST_USD = 0.01
/** How long the audit log is kept before it is archived and removed, in days: the documented time. */
export const AUDIT_DAYS = 90
/** How long an organization whose payment is late keeps its plan, in days. */
export const GRACE_DAYS = 14
/** Calls in a window of a rate limit at most: each is remembered by its instant. */
export const RATE_LIMIT_MAX = 1000
/** How long an invitation can be accepted, in days. */
export const INVITATION_DAYS = 7
/** Words that a person reads in a minute, for `reading_time`. */
export const WORDS_PER_MINUTE = 200

export type OrganizationRole = (typeof ORGANIZATION_ROLES)[number]
export type InvitationStatus = (typeof INVITATION_STATUSES)[number]
export type WorkflowPhase = (typeof WORKFLOW_PHASES)[number]
export type WorkflowState = (typeof WORKFLOW_STATES)[number]
export type KeywordType = (typeof KEYWORD_TYPES)[number]
export type ExpansionStatus = (typeof EXPANSION_STATUSES)[number]
export type KeywordArticleStatus = (typeof KEYWORD_ARTICLE_STATUSES)[number]
export type FilterStatus = (typeof FILTER_STATUSES)[number]
export type ClusterType = (typeof CLUSTER_TYPES)[number]
export type ValidationStatus = (typeof VALIDATION_STATUSES)[number]
export type ApprovalEntity = (typeof APPROVAL_ENTITIES)[number]
export type ApprovalDecision = (typeof APPROVAL_DECISIONS)[number]
export type ArticleStatus = (typeof ARTICLE_STATUSES)[number]
export type ArticlePublishStatus = (typeof ARTICLE_PUBLISH_STATUSES)[number]
export type SectionStatus = (typeof SECTION_STATUSES)[number]
export type Platform = (typeof PLATFORMS)[number]
export type PublishStatus = (typeof PUBLISH_STATUSES)[number]
export type OrganizationPlan = (typeof ORGANIZATION_PLANS)[number]
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number]
export type UsageMetric = (typeof USAGE_METRICS)[number]
