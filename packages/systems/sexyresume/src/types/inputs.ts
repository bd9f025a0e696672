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
import { achievementCriteria } from './achievements.ts'
import {
  ADMIN_ROLES,
  CONFIDENCE_LEVELS,
  EXPORT_FORMATS,
  GROWTH_OUTLOOKS,
  LETTER_AUTHORS,
  PAYMENT_STATUSES,
  PLANS,
  REFERRAL_CODE_LENGTH,
  REWARD_TYPES,
  ROLE_FEEDBACK,
  SENIORITY_LEVELS,
  TONE_PRESETS,
} from './enums.ts'
import { count, embedding, names, score, storableContent, storableObject } from './fields.ts'
import { resumeData } from './resume-data.ts'

/** Stored in lower case, so that one address is one account. */
const email = z.email().max(255).toLowerCase()

/** A new account. On Supabase `id` is that of `auth.users`. */
export const signUpInput = z.strictObject({
  id: id.optional(),
  email,
  fullName: name(255).nullable().optional(),
})

export const userInput = signUpInput.omit({ id: true })
export const userChanges = changes({ email, fullName: name(255).nullable() })

const resumeFields = {
  title: name(255),
  data: storable(resumeData),
  template: name(100),
  isActive: z.boolean(),
}

/** Without `data` it is a resume that was just begun. */
export const resumeInput = z.strictObject(resumeFields).partial()
export const resumeChanges = changes(resumeFields)

export const exportInput = z.strictObject({
  resumeId: id,
  format: z.enum(EXPORT_FORMATS).default('pdf'),
  /** The resume's unless given. */
  template: name(100).optional(),
})

/** Where the file is. */
export const exportedFileInput = z.strictObject({
  /** In the object store; begins with the user's id and a slash, by which it is known whose the file is. */
  storagePath: filledText(1000),
  fileSizeBytes: count,
})

const letterFields = {
  title: name(255),
  resumeId: id.nullable(),
  companyName: name(255).nullable(),
  jobTitle: name(255).nullable(),
  jobDescription: text().nullable(),
  template: name(100),
  isActive: z.boolean(),
}

export const coverLetterInput = z.strictObject(letterFields).partial()
/** The text is changed by `saveDraft`, which keeps what it was. */
export const coverLetterChanges = changes(letterFields)

export const letterDraftInput = z.strictObject({
  content: text(),
  author: z.enum(LETTER_AUTHORS).default('user'),
})

export const enhancementInput = z.strictObject({
  resumeId: id.nullable().optional(),
  targetRole: name(255).nullable().optional(),
  targetIndustry: name(255).nullable().optional(),
  tonePreset: z.enum(TONE_PRESETS),
  stylePreferences: storableObject.optional(),
  originalContent: storableContent,
})

export const suggestionInput = z.strictObject({
  sectionType: name(100),
  sectionId: name(100),
  fieldPath: name(500),
  originalText: text(),
  suggestedText: filledText(),
  improvementType: name(100),
  confidence: score.default(0),
  reasoning: text().nullable().optional(),
  metrics: storableObject.optional(),
})

/** What an enhancement came to. */
export const enhancedInput = z.strictObject({
  enhancedContent: storableContent,
  overallConfidence: score,
  processingTimeMs: count,
  tokenUsage: count,
  suggestions: z.array(suggestionInput).max(500).default([]),
})

/** Why it failed, in words for the customer; what it cost all the same. */
export const failedInput = z.strictObject({
  errorMessage: filledText(2000),
  processingTimeMs: count.optional(),
  tokenUsage: count.optional(),
})

export const modifySuggestionInput = z.strictObject({ userModifiedText: filledText() })

const roleFields = {
  title: name(255),
  industryCategory: name(255),
  seniorityLevel: z.enum(SENIORITY_LEVELS),
  requiredSkills: names,
  preferredSkills: names,
  typicalExperienceYears: count.max(100).nullable(),
  salaryRangeMin: count.nullable(),
  salaryRangeMax: count.nullable(),
  growthOutlook: z.enum(GROWTH_OUTLOOKS).nullable(),
  remoteFriendly: z.boolean(),
  description: text().nullable(),
  keyResponsibilities: names.nullable(),
  embedding: embedding.nullable(),
}

/** `Senior  Front-End Engineer` → `senior front end engineer`: how titles are compared. */
export function normalizedTitleOf(title: string): string {
  return title
    .normalize('NFKC')
    .toLowerCase()
    .split(/[^\p{L}\p{M}\p{N}+#]+/u)
    .filter((word) => word !== '')
    .join(' ')
}

export const jobRoleInput = z
  .strictObject(roleFields)
  .partial()
  .required({ title: true, industryCategory: true, seniorityLevel: true })
  .refine(({ salaryRangeMin, salaryRangeMax }) => (salaryRangeMin ?? 0) <= (salaryRangeMax ?? Infinity), {
    path: ['salaryRangeMax'],
    message: 'must not be below salaryRangeMin',
  })
  .transform((role) => ({ ...role, normalizedTitle: normalizedTitleOf(role.title) }))

export const jobRoleChanges = changes(roleFields).transform((role) =>
  role.title === undefined ? role : { ...role, normalizedTitle: normalizedTitleOf(role.title) },
)

export const templateMappingInput = z.strictObject({
  jobRoleId: id,
  template: name(100),
  matchScore: score.default(0),
  highlightSections: names.optional(),
})

/** Rows of one answer, as a page of a list may have. */
const limit = z.number().int().min(1).max(200).default(20)

/** Embeddings of roles, each role once: what one call of a model gives. */
export const embedRolesInput = z
  .array(z.strictObject({ id, embedding }))
  .min(1)
  .max(2000)
  .refine(
    (roles) => new Set(roles.map((role) => role.id.toLowerCase())).size === roles.length,
    'must not hold a role twice',
  )

export const matchRolesInput = z.strictObject({ embedding, limit })

/** Recommends the roles that are nearest to the embedding of a resume. */
export const recommendInput = z.strictObject({
  resumeId: id,
  embedding,
  /** At most so many, 1 to 50. */
  limit: z.number().int().min(1).max(50).default(5),
})

/** A recommendation as a host's own matcher makes it. */
export const recommendationInput = z.strictObject({
  resumeId: id.nullable().optional(),
  jobRoleId: id,
  matchScore: score,
  confidenceLevel: z.enum(CONFIDENCE_LEVELS),
  reasoning: filledText(),
  matchedSkills: names.optional(),
  skillGaps: names.optional(),
  recommendedTemplate: name(100).nullable().optional(),
  highlightSections: names.optional(),
})

export const feedbackInput = z.strictObject({
  userFeedback: z.enum(ROLE_FEEDBACK).nullable(),
  feedbackNotes: text(5000).nullable().optional(),
})

export const entitlementInput = changes({
  plan: z.enum(PLANS),
  exportUnlocked: z.boolean(),
  premiumUntil: instant.nullable(),
})

/** A payment as Stripe reports it. Its id makes a repeated report the same payment. */
export const paymentInput = z.strictObject({
  stripePaymentIntentId: name(255),
  product: name(255),
  amount: count,
  currency: z
    .string()
    .toLowerCase()
    .regex(/^[a-z]{3}$/, 'must be a code of three letters')
    .default('usd'),
  status: z.enum(PAYMENT_STATUSES),
  receiptUrl: webAddress().nullable().optional(),
})

/** Credits that come or go. With a key, the same call again is the same entry. */
export const creditsInput = z.strictObject({
  amount: z.int32().min(1),
  source: name(100),
  description: text(1000).nullable().optional(),
  idempotencyKey: name(200).nullable().optional(),
})

export const awardInput = creditsInput.extend({
  /** When what is left of them goes. Default: never. */
  expiresAt: instant.nullable().optional(),
})

export const refundInput = z.strictObject({
  /** Of the entry that is undone. */
  version: z.int32().min(1),
  description: text(1000).nullable().optional(),
})

export const referralCodeInput = z.strictObject({
  rewardType: z.enum(REWARD_TYPES).default('credits'),
  rewardAmount: z.int32().min(1).default(1),
  maxUses: count.default(100),
  expiresAt: instant.nullable().optional(),
})

/** As people type it: blanks and case don't matter. */
export const redeemInput = z.strictObject({
  code: z
    .string()
    .trim()
    .toUpperCase()
    .pipe(filledText(REFERRAL_CODE_LENGTH * 4)),
})

const achievementFields = {
  title: name(255),
  description: text(2000).nullable(),
  criteria: storable(achievementCriteria),
  rewardCredits: count,
  isActive: z.boolean(),
}

export const achievementInput = z
  .strictObject({ achievementKey: name(100), ...achievementFields })
  .partial()
  .required({ achievementKey: true, title: true, criteria: true })
export const achievementChanges = changes(achievementFields)

export const adminInput = z.strictObject({ role: z.enum(ADMIN_ROLES).default('admin') })

export const sessionInput = z.strictObject({
  /** Of the token, at least 128 bits of it. */
  tokenHash: filledText(255).refine(
    (value) => value.length >= 32,
    'must be a hash of 32 characters at least',
  ),
  ipAddress: z.union([z.ipv4(), z.ipv6()]).nullable().optional(),
  userAgent: text(1000).nullable().optional(),
  expiresAt: instant,
})

export const retentionInput = changes({
  retentionDays: z.int32().min(1),
  isActive: z.boolean(),
})

export type SignUpInput = z.input<typeof signUpInput>
export type UserInput = z.input<typeof userInput>
export type UserChanges = z.input<typeof userChanges>
export type ResumeInput = z.input<typeof resumeInput>
export type ResumeChanges = z.input<typeof resumeChanges>
export type ExportInput = z.input<typeof exportInput>
export type ExportedFileInput = z.input<typeof exportedFileInput>
export type CoverLetterInput = z.input<typeof coverLetterInput>
export type CoverLetterChanges = z.input<typeof coverLetterChanges>
export type LetterDraftInput = z.input<typeof letterDraftInput>
export type EnhancementInput = z.input<typeof enhancementInput>
export type SuggestionInput = z.input<typeof suggestionInput>
export type EnhancedInput = z.input<typeof enhancedInput>
export type FailedInput = z.input<typeof failedInput>
export type ModifySuggestionInput = z.input<typeof modifySuggestionInput>
export type JobRoleInput = z.input<typeof jobRoleInput>
export type JobRoleChanges = z.input<typeof jobRoleChanges>
export type TemplateMappingInput = z.input<typeof templateMappingInput>
export type EmbedRolesInput = z.input<typeof embedRolesInput>
export type MatchRolesInput = z.input<typeof matchRolesInput>
export type RecommendInput = z.input<typeof recommendInput>
export type RecommendationInput = z.input<typeof recommendationInput>
export type FeedbackInput = z.input<typeof feedbackInput>
export type EntitlementInput = z.input<typeof entitlementInput>
export type PaymentInput = z.input<typeof paymentInput>
export type CreditsInput = z.input<typeof creditsInput>
export type AwardInput = z.input<typeof awardInput>
export type RefundInput = z.input<typeof refundInput>
export type ReferralCodeInput = z.input<typeof referralCodeInput>
export type RedeemInput = z.input<typeof redeemInput>
export type AchievementInput = z.input<typeof achievementInput>
export type AchievementChanges = z.input<typeof achievementChanges>
export type AdminInput = z.input<typeof adminInput>
export type SessionInput = z.input<typeof sessionInput>
export type RetentionInput = z.input<typeof retentionInput>
