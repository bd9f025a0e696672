/**
 * What the verbs of the product accept. Unknown fields are refused. A field left out keeps its default
 * or its value; null clears it. `…Input` types are what a caller writes.
 */
import { z } from 'zod'
import {
  HOOK_ANGLES,
  PILLAR_STATUSES,
  PLAN_TYPES,
  SUBSCRIPTION_STATUSES,
  TOPIC_SOURCES,
  VARIANT_LETTERS,
  VOICE_EXAMPLE_STATUSES,
} from './enums.ts'
import { embedding, filledText, id, instant, name, score, storable, text, webAddress } from './fields.ts'
import { engagementMetrics, preferences, rawTopicMetadata, usageMetadata } from './metadata.ts'

/** At least one field, or there is nothing to do. */
function changes<T extends z.ZodRawShape>(shape: T) {
  return z
    .strictObject(shape)
    .partial()
    .refine(
      (value) => Object.values(value).some((field) => field !== undefined),
      'must name at least one field',
    )
}

const profileFields = {
  linkedinUrl: webAddress(500).nullable(),
  targetAudience: text().nullable(),
  writingStyle: text().nullable(),
  preferences: storable(preferences),
}

/** A new customer: user, profile and a trial, made together. The trial begins and ends by the database's clock. */
export const signUpInput = z.strictObject({
  clerkId: name(255),
  /** Stored in lower case, so that one address is one account. */
  email: z.email().max(255).toLowerCase(),
  fullName: name(255).nullable().optional(),
  avatarUrl: webAddress().nullable().optional(),
  planType: z.enum(PLAN_TYPES).default('starter'),
  /** Whole days, 1..90. Two weeks unless given. */
  trialDays: z.number().int().min(1).max(90).default(14),
  profile: z.strictObject(profileFields).partial().optional(),
})

export const profileChanges = changes(profileFields)

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

export const discoverTopicInput = z.strictObject({
  source: z.enum(TOPIC_SOURCES),
  content: filledText(),
  url: webAddress(1000).nullable().optional(),
  metadata: storable(rawTopicMetadata).optional(),
})

/** A raw topic's verdict. Content and address are the raw topic's unless given. */
export const classifyTopicInput = z.strictObject({
  rawTopicId: id,
  pillarId: id,
  aiScore: score,
  hookAngle: z.enum(HOOK_ANGLES).nullable().optional(),
  reasoning: text().nullable().optional(),
  content: filledText().optional(),
  url: webAddress(1000).nullable().optional(),
})

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

export const editDraftInput = changes({
  /** Null goes back to the generated text. */
  editedText: filledText().nullable(),
  userNotes: text().nullable(),
})

/** The database refuses a moment that has passed by its own clock. */
export const scheduleDraftInput = z.strictObject({ scheduledFor: instant })

/** A metered call. `resourceType` is one of RESOURCE_TYPES or a host's own name. */
export const usageInput = z.strictObject({
  resourceType: name(100),
  resourceId: id.nullable().optional(),
  /** Whole cents; the column holds 32 bits. */
  costCents: z.int32().min(0).default(0),
  metadata: storable(usageMetadata).optional(),
})

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
