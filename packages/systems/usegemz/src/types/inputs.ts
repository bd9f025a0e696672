/**
 * What the verbs of the product accept. Unknown fields are refused. A field left out keeps its default
 * or its value; null clears it. `…Input` types are what a caller writes.
 */
import { changes, filledText, id, name, storable, text } from '@tenantry/repository/fields'
import { z } from 'zod'
import { DURATION_PATTERN, NUMBER_PATTERN } from './configuration.ts'
import { creator } from './creators.ts'
import { API_CALLS_MAX, ONBOARDING_STEPS, PLATFORMS, SEARCH_TYPES, SUBSCRIPTION_STATUSES } from './enums.ts'
import { emailStatus, searchParams } from './metadata.ts'

/** A person's id at Clerk, such as `user_2abc`. */
export const userIdInput = name(255)

/** Stored in lower case. */
const email = z.email().max(255).toLowerCase()

const descriptions = {
  name: name(255).nullable(),
  companyName: name(255).nullable(),
  industry: name(255).nullable(),
  fullName: name(255).nullable(),
  businessName: name(255).nullable(),
  brandDescription: filledText().nullable(),
}

/** What a person says of themselves. */
export const describeInput = changes(descriptions)

/** A person as Clerk reports them. An account that is imported may have come further than the first step. */
export const signUpInput = z.strictObject({
  userId: userIdInput,
  email: email.nullable().optional(),
  onboardingStep: z.enum(ONBOARDING_STEPS).default('pending'),
  ...z.strictObject(descriptions).partial().shape,
})

/** What Clerk says has changed. */
export const mirrorInput = changes({ email: email.nullable(), fullName: name(255).nullable() })

export const captureInfoInput = z.strictObject({ fullName: name(255), businessName: name(255) })

export const captureIntentInput = z.strictObject({ brandDescription: filledText() })

const stripeIds = {
  stripeCustomerId: name(255).nullable().optional(),
  stripeSubscriptionId: name(255).nullable().optional(),
}

/** Ids that are left out stay as they are. */
export const stripeInput = z.strictObject(stripeIds)

/** A subscription as Stripe reports it. */
export const subscriptionInput = z.strictObject({
  ...stripeIds,
  subscriptionStatus: z.enum(SUBSCRIPTION_STATUSES),
})

/** An e-mail's name, such as `trial_day_2`. */
export const emailNameInput = name(100)
export const emailStatusInput = storable(emailStatus)

const campaignFields = { name: name(255), description: text().nullable() }

export const campaignInput = z
  .strictObject({ ...campaignFields, searchType: z.enum(SEARCH_TYPES) })
  .partial({ description: true })

export const campaignChanges = changes(campaignFields)

const searchFields = {
  /** Two letters, such as `US`. */
  region: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be a country such as US')
    .optional(),
  searchParams: storable(searchParams).nullable().optional(),
  /** Creators to look for. */
  targetResults: z.int32().min(1).optional(),
}

/** TikTok and YouTube can be searched by keyword. */
export const keywordSearchInput = z.strictObject({
  searchType: z.literal('keyword'),
  platform: z.enum(PLATFORMS).exclude(['Instagram']),
  keywords: z.array(name(255)).min(1).max(100),
  ...searchFields,
})

/** TikTok and Instagram can be searched for creators like one. */
export const similarSearchInput = z.strictObject({
  searchType: z.literal('similar'),
  platform: z.enum(PLATFORMS).exclude(['YouTube']),
  targetUsername: name(255),
  ...searchFields,
})

export const searchInput = z.discriminatedUnion('searchType', [keywordSearchInput, similarSearchInput])

/** A campaign and its first search, which says of which kind the campaign is. */
export const launchInput = z.strictObject({
  ...campaignInput.omit({ searchType: true }).shape,
  search: searchInput,
})

/** A search of a campaign that there is. */
export const startSearchInput = z.strictObject({ campaignId: id, search: searchInput })

/** A job as its table has it; what it looks for is said by one of `keywords` and `targetUsername`. */
export const jobInput = z
  .strictObject({
    campaignId: id.nullable(),
    platform: z.enum(PLATFORMS),
    keywords: keywordSearchInput.shape.keywords.nullable(),
    targetUsername: similarSearchInput.shape.targetUsername.nullable(),
    ...searchFields,
  })
  .partial()
  .superRefine(({ platform = 'TikTok', keywords, targetUsername }, context) => {
    const byKeyword = keywords !== undefined && keywords !== null
    const byLikeness = targetUsername !== undefined && targetUsername !== null
    if (byKeyword === byLikeness) {
      context.addIssue({
        code: 'custom',
        path: ['keywords'],
        message: 'give either keywords or targetUsername',
      })
    } else if (platform === (byKeyword ? 'Instagram' : 'YouTube')) {
      const kind = byKeyword ? 'by keyword' : 'for similar creators'
      context.addIssue({
        code: 'custom',
        path: ['platform'],
        message: `${platform} can't be searched ${kind}`,
      })
    }
  })

/** Where a job runs, outside. */
export const trackInput = changes({ runId: name(255).nullable(), qstashMessageId: name(255).nullable() })

/** What one or more calls of a platform's API gave. Of which shape the creators are, the job says. */
export const foundInput = z.strictObject({
  creators: z.array(z.unknown()),
  /** Where the next call goes on. Left out: where this one began. */
  cursor: z.int32().min(0).optional(),
  /** Calls that were made. */
  runs: z.int32().min(0).default(1),
})

export const resultInput = z.strictObject({
  jobId: id.nullable().optional(),
  creators: storable(z.array(creator)),
})

const configurationFields = {
  category: name(50),
  key: name(100),
  description: text().nullable().optional(),
  isHotReloadable: z.boolean().optional(),
}

/** A setting with a value of its type; a duration is written as `2 days` or `1 hour 30 minutes`. */
export const configurationInput = z.discriminatedUnion('valueType', [
  z.strictObject({ ...configurationFields, valueType: z.literal('string'), value: text() }),
  z.strictObject({
    ...configurationFields,
    valueType: z.literal('number'),
    value: z
      .number()
      .refine((value) => new RegExp(NUMBER_PATTERN).test(String(value)), 'must have at most 15 digits'),
  }),
  z.strictObject({ ...configurationFields, valueType: z.literal('boolean'), value: z.boolean() }),
  z.strictObject({
    ...configurationFields,
    valueType: z.literal('duration'),
    value: z.string().regex(new RegExp(DURATION_PATTERN), 'must be a duration such as "2 days"'),
  }),
  z.strictObject({ ...configurationFields, valueType: z.literal('json'), value: storable(z.json()) }),
])

/** Calls of the platforms' APIs that are taken at once. */
export const apiCallsInput = z.number().int().min(1).max(API_CALLS_MAX)

export type DescribeInput = z.input<typeof describeInput>
export type SignUpInput = z.input<typeof signUpInput>
export type MirrorInput = z.input<typeof mirrorInput>
export type CaptureInfoInput = z.input<typeof captureInfoInput>
export type CaptureIntentInput = z.input<typeof captureIntentInput>
export type StripeInput = z.input<typeof stripeInput>
export type SubscriptionInput = z.input<typeof subscriptionInput>
export type EmailStatusInput = z.input<typeof emailStatusInput>
export type CampaignInput = z.input<typeof campaignInput>
export type CampaignChanges = z.input<typeof campaignChanges>
export type SearchInput = z.input<typeof searchInput>
export type LaunchInput = z.input<typeof launchInput>
export type StartSearchInput = z.input<typeof startSearchInput>
export type JobInput = z.input<typeof jobInput>
export type TrackInput = z.input<typeof trackInput>
export type FoundInput = z.input<typeof foundInput>
export type ResultInput = z.input<typeof resultInput>
export type ConfigurationInput = z.input<typeof configurationInput>
