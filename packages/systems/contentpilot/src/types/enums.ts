/**
 * The closed lists of the product. The schema's CHECK constraints and the zod schemas are both made
 * from these, so a value is either legal in both or in neither. Nothing is imported here: browsers load it.
 */

export const USER_STATUSES = ['active', 'suspended', 'deleted'] as const
export const PLAN_TYPES = ['starter', 'growth', 'agency'] as const
export const SUBSCRIPTION_STATUSES = ['trialing', 'active', 'past_due', 'canceled', 'paused'] as const
export const PILLAR_STATUSES = ['active', 'inactive'] as const
export const VOICE_EXAMPLE_STATUSES = ['active', 'inactive', 'archived'] as const
export const TOPIC_SOURCES = ['perplexity', 'reddit', 'fireflies', 'manual', 'company'] as const
export const RAW_TOPIC_STATUSES = ['new', 'processing', 'classified', 'archived'] as const
export const HOOK_ANGLES = ['rational', 'emotional', 'aspirational'] as const
export const CLASSIFIED_TOPIC_STATUSES = ['classified', 'drafted', 'archived'] as const
export const VARIANT_LETTERS = ['A', 'B', 'C'] as const
export const DRAFT_STATUSES = ['draft', 'approved', 'rejected', 'posted', 'scheduled'] as const

/** What the product itself meters. The column is open: a host may meter more, under names of its own. */
export const RESOURCE_TYPES = ['topic_discovery', 'classification', 'generation', 'regeneration'] as const
/**
 * What a plan allows: posts in a month, pillars and voice examples at a time, regenerations of a topic in a month.
 * Null is unlimited. Generations have no cap on any plan; they are counted, and held while they run.
 */
export const PLAN_LIMITS = {
  starter: { posts: 10, pillars: 2, regenerations: 3, voice_examples: 10, generations: null },
  growth: { posts: 30, pillars: 5, regenerations: 10, voice_examples: 20, generations: null },
  agency: { posts: null, pillars: 10, regenerations: null, voice_examples: 50, generations: null },
} as const
export const PLAN_FEATURES = ['posts', 'pillars', 'regenerations', 'voice_examples', 'generations'] as const
/** What posts are counted by. */
export const POST_PERIODS = ['calendar_month', 'billing_month'] as const
/** For how long a customer whose payment failed keeps the plan. */
export const PAST_DUE_GRACE_DAYS = 14

/** What the product itself audits. The column is open. */
export const AUDIT_ACTIONS = ['create', 'update', 'delete'] as const

/** A topic that scores less is archived, whoever writes it. */
export const TOPIC_SCORE_MIN = 70
/**
 * Voice examples with an embedding at which confidence in the voice is half of the most: n examples give
 * n / (n + 5). So the starter plan's 10 examples reach 67 of 100, growth's 20 reach 80, the agency's 50
 * reach 91; each further example tells less, and none makes it certain.
 */
export const VOICE_EXAMPLES_HALF_CONFIDENCE = 5
/** Numbers in an embedding: the width of the `vector` column. */
export const EMBEDDING_DIMENSIONS = 1536

export type UserStatus = (typeof USER_STATUSES)[number]
export type PlanType = (typeof PLAN_TYPES)[number]
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number]
export type PlanFeature = (typeof PLAN_FEATURES)[number]
export type PostPeriod = (typeof POST_PERIODS)[number]
export type PillarStatus = (typeof PILLAR_STATUSES)[number]
export type VoiceExampleStatus = (typeof VOICE_EXAMPLE_STATUSES)[number]
export type TopicSource = (typeof TOPIC_SOURCES)[number]
export type RawTopicStatus = (typeof RAW_TOPIC_STATUSES)[number]
export type HookAngle = (typeof HOOK_ANGLES)[number]
export type ClassifiedTopicStatus = (typeof CLASSIFIED_TOPIC_STATUSES)[number]
export type VariantLetter = (typeof VARIANT_LETTERS)[number]
export type DraftStatus = (typeof DRAFT_STATUSES)[number]
export type ResourceType = (typeof RESOURCE_TYPES)[number]
export type AuditAction = (typeof AUDIT_ACTIONS)[number]
