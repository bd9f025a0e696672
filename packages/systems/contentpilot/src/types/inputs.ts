/**
 * What the verbs of the product accept. Unknown fields are refused. A field left out keeps its default
 * or its value; null clears it. `…Input` types are what a caller writes.
 */
import {
  changes,
  filledText,
  id,
  instant,
  name,
  storable,
  text,
  webAddress,
} from '@tenantry/repository/fields'
import { z } from 'zod'
import {
  HOOK_ANGLES,
  PILLAR_STATUSES,
  PLAN_TYPES,
  POST_PERIODS,
  SUBSCRIPTION_STATUSES,
  TOPIC_SOURCES,
  USER_STATUSES,
  VARIANT_LETTERS,
  VOICE_EXAMPLE_STATUSES,
} from './enums.ts'
import { embedding, score } from './fields.ts'
import { engagementMetrics, preferences, rawTopicMetadata, usageMetadata } from './metadata.ts'

const profileFields = {
  linkedinUrl: webAddress(500).nullable(),
  targetAudience: text().nullable(),
  writingStyle: text().nullable(),
  preferences: storable(preferences),
}

export const profileInput = z.strictObject(profileFields).partial()

export const profileChanges = changes(profileFields)

export const clerkIdInput = name(255)

/** An account as Clerk reports it. */
export const userInput = z.strictObject({
  clerkId: clerkIdInput,
  /** Stored in lower case, so that one address is one account. */
  email: z.email().max(255).toLowerCase(),
  fullName: name(255).nullable().optional(),
  avatarUrl: webAddress().nullable().optional(),
})

/** What Clerk says has changed about the account of `clerkId`. */
export const mirrorUserInput = userInput
  .partial({ email: true })
  .refine(
    ({ email, fullName, avatarUrl }) => [email, fullName, avatarUrl].some((field) => field !== undefined),
    'must name what has changed',
  )

/** A deletion is no change of status: it has a verb of its own, which also says when. */
export const userChanges = changes({
  fullName: name(255).nullable(),
  avatarUrl: webAddress().nullable(),
  status: z.enum(USER_STATUSES).exclude(['deleted']),
})

/** It begins and ends by the database's clock. */
export const trialInput = z.strictObject({
  planType: z.enum(PLAN_TYPES).default('starter'),
  /** Whole days, 1..90. Two weeks unless given. */
  trialDays: z.number().int().min(1).max(90).default(14),
  /** Posts are counted by calendar months in UTC, or by months from the moment at which the trial begins. */
  postsPer: z.enum(POST_PERIODS).default('calendar_month'),
})

/** A new customer: user, profile and a trial, made together. */
export const signUpInput = userInput.extend({
  ...trialInput.shape,
  profile: profileInput.optional(),
})

/** A subscription as the billing provider reports it. */
export const subscriptionInput = z
  .strictObject({
    stripeCustomerId: name(255).nullable().optional(),
    stripeSubscriptionId: name(255).nullable().optional(),
    planType: z.enum(PLAN_TYPES),
    status: z.enum(SUBSCRIPTION_STATUSES),
    currentPeriodStart: instant,
    currentPeriodEnd: instant,
    cancelAtPeriodEnd: z.boolean().default(false),
    trialEnd: instant.nullable().optional(),
    /**
     * Counts posts by months from here: the provider's original anchor (Stripe's `billing_cycle_anchor`), not the
     * start of the current period, so that the 31st comes back after February. Null: by calendar months in UTC.
     */
    billingAnchor: instant.nullable().optional(),
  })
  .refine((value) => value.currentPeriodEnd > value.currentPeriodStart, {
    path: ['currentPeriodEnd'],
    message: 'must be after currentPeriodStart',
  })

/** Words of letters and digits, in lower case, joined by `_` or `-`. */
const slug = text(255).regex(
  /^[\p{Ll}\p{Lo}\p{M}\p{N}]+(?:[_-][\p{Ll}\p{Lo}\p{M}\p{N}]+)*$/u,
  'must be words of lower-case letters and digits, joined by _ or -',
)

/** `Founder Journey` → `founder_journey`. Empty where the name has neither letters nor digits. */
export function slugOf(pillarName: string): string {
  return pillarName
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => word !== '')
    .join('_')
}

const pillarFields = {
  name: name(255),
  slug,
  description: text().nullable(),
  targetAudience: text().nullable(),
  tone: text(100).nullable(),
  classificationPrompt: text().nullable(),
  generationPrompt: text().nullable(),
  status: z.enum(PILLAR_STATUSES),
}

/** The slug is made from the name unless it is given. */
export const pillarInput = z
  .strictObject(pillarFields)
  .partial()
  .required({ name: true })
  .transform((value, context) => {
    if (value.slug !== undefined) return { ...value, slug: value.slug }
    const made = slug.safeParse(slugOf(value.name))
    if (made.success) return { ...value, slug: made.data }
    context.addIssue({
      code: 'custom',
      path: ['slug'],
      message: 'must be given: none can be made from the name',
    })
    return z.NEVER
  })

export const pillarChanges = changes(pillarFields)

const voiceExampleFields = {
  postText: filledText(),
  pillarId: id.nullable(),
  postUrl: webAddress(500).nullable(),
  engagementMetrics: storable(engagementMetrics).nullable(),
  vectorEmbedding: embedding.nullable(),
  status: z.enum(VOICE_EXAMPLE_STATUSES),
}

export const voiceExampleInput = z.strictObject(voiceExampleFields).partial().required({ postText: true })

export const voiceExampleChanges = changes(voiceExampleFields)

const rawTopicFields = {
  source: z.enum(TOPIC_SOURCES),
  content: filledText(),
  url: webAddress(1000).nullable(),
  metadata: storable(rawTopicMetadata),
}

export const discoverTopicInput = z
  .strictObject(rawTopicFields)
  .partial()
  .required({ source: true, content: true })

export const rawTopicChanges = changes(rawTopicFields)

const topicFields = {
  pillarId: id,
  content: filledText(),
  url: webAddress(1000).nullable(),
  aiScore: score,
  hookAngle: z.enum(HOOK_ANGLES).nullable(),
  reasoning: text().nullable(),
}

/** A topic as an import brings it, with or without a raw one. */
export const topicInput = z
  .strictObject({ ...topicFields, rawTopicId: id.nullable() })
  .partial()
  .required({ pillarId: true, content: true, aiScore: true })

export const topicChanges = changes(topicFields)

/** A raw topic's verdict. Content and address are the raw topic's unless given. */
export const classifyTopicInput = z
  .strictObject({ ...topicFields, rawTopicId: id })
  .partial()
  .required({ rawTopicId: true, pillarId: true, aiScore: true })

/** One generated post. The whole text is assembled from its parts unless it is given. */
export const variantInput = z.strictObject({
  variantLetter: z.enum(VARIANT_LETTERS),
  hook: filledText(),
  body: filledText(),
  cta: text().nullable().optional(),
  /** Separated by spaces. */
  hashtags: text().nullable().optional(),
  fullText: filledText().optional(),
})

/** A whole draft, as an import brings one. An empty `fullText` is assembled. */
export const draftInput = variantInput.extend({
  topicId: id,
  pillarId: id,
  fullText: text().optional(),
  editedText: filledText().nullable().optional(),
  userNotes: text().nullable().optional(),
})

/** One to three variants of a topic, each letter at most once. */
export const generateVariantsInput = z.strictObject({
  topicId: id,
  variants: z
    .array(variantInput)
    .min(1)
    .max(VARIANT_LETTERS.length)
    .refine(
      (variants) => new Set(variants.map((variant) => variant.variantLetter)).size === variants.length,
      'must not hold a letter twice',
    ),
})

/** A new text for one variant that exists. */
export const regenerateVariantInput = variantInput.extend({ topicId: id })

/** An outside call whose outcome isn't known yet. */
const heldCall = {
  /** Names the call: a second one of the same key, for the same, is refused while the first runs and after it. */
  key: name(200),
  /** For how long its unit is held if nobody says what became of it, in milliseconds. 15 minutes unless given. */
  ttlMs: z.number().int().min(1).max(86_400_000).optional(),
}

export const generateWithInput = z.strictObject({ ...heldCall, topicId: id })

export const regenerateWithInput = z.strictObject({
  ...heldCall,
  topicId: id,
  variantLetter: z.enum(VARIANT_LETTERS),
})

export const editDraftInput = changes({
  /** Null goes back to the generated text. */
  editedText: filledText().nullable(),
  userNotes: text().nullable(),
})

/** Text is changed by `edit` and `regenerate`, which know when it may be. */
export const draftChanges = changes({ userNotes: text().nullable() })

/** The database refuses a moment that has passed by its own clock. */
export const scheduleDraftInput = z.strictObject({ scheduledFor: instant })

/** What a metered call cost. */
export const meteredCallInput = z.strictObject({
  /** Whole cents; the column holds 32 bits. */
  costCents: z.int32().min(0).default(0),
  metadata: storable(usageMetadata).optional(),
})

/** A metered call. `resourceType` is one of RESOURCE_TYPES or a host's own name. */
export const usageInput = meteredCallInput.extend({
  resourceType: name(100),
  resourceId: id.nullable().optional(),
})

const month = z.string().regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, 'must be a month such as 2026-02')

/** UTC months, both included. Left out: from the first, to the last. */
export const usageMonthsInput = z.strictObject({ from: month.optional(), to: month.optional() })

/** Rows of one answer, as a page of a list may have. */
const limit = z.number().int().min(1).max(200).default(20)

/**
 * Words to search for, as a search engine takes them: `"exact phrase"`, `or`, `-without`. Blank text, or
 * nothing but stop words, finds nothing.
 */
export const topicSearchInput = z.strictObject({ query: text(1000), limit })

export const similarVoiceInput = z.strictObject({ embedding, limit })

export type TrialInput = z.input<typeof trialInput>
export type UserInput = z.input<typeof userInput>
export type UserChanges = z.input<typeof userChanges>
export type MirrorUserInput = z.input<typeof mirrorUserInput>
export type ProfileInput = z.input<typeof profileInput>
export type RawTopicChanges = z.input<typeof rawTopicChanges>
export type TopicInput = z.input<typeof topicInput>
export type TopicChanges = z.input<typeof topicChanges>
export type DraftInput = z.input<typeof draftInput>
export type DraftChanges = z.input<typeof draftChanges>
export type MeteredCallInput = z.input<typeof meteredCallInput>
export type UsageMonthsInput = z.input<typeof usageMonthsInput>
export type TopicSearchInput = z.input<typeof topicSearchInput>
export type SimilarVoiceInput = z.input<typeof similarVoiceInput>
export type SignUpInput = z.input<typeof signUpInput>
export type ProfileChanges = z.input<typeof profileChanges>
export type SubscriptionInput = z.input<typeof subscriptionInput>
export type PillarInput = z.input<typeof pillarInput>
export type PillarChanges = z.input<typeof pillarChanges>
export type VoiceExampleInput = z.input<typeof voiceExampleInput>
export type VoiceExampleChanges = z.input<typeof voiceExampleChanges>
export type DiscoverTopicInput = z.input<typeof discoverTopicInput>
export type ClassifyTopicInput = z.input<typeof classifyTopicInput>
export type VariantInput = z.input<typeof variantInput>
export type GenerateVariantsInput = z.input<typeof generateVariantsInput>
export type RegenerateVariantInput = z.input<typeof regenerateVariantInput>
export type EditDraftInput = z.input<typeof editDraftInput>
export type ScheduleDraftInput = z.input<typeof scheduleDraftInput>
export type UsageInput = z.input<typeof usageInput>
/** How an outside call is held. */
export type HeldCall = Pick<GenerateWithInput, 'key' | 'ttlMs'>
export type GenerateWithInput = z.input<typeof generateWithInput>
export type RegenerateWithInput = z.input<typeof regenerateWithInput>
