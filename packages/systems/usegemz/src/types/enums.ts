/**
 * The closed lists and numbers of the product. The schema's CHECK constraints and the zod schemas are both made
 * from these, so a value is either legal in both or in neither. Nothing is imported here: browsers load it.
 */

export const PLATFORMS = ['TikTok', 'Instagram', 'YouTube'] as const
export const SEARCH_TYPES = ['keyword', 'similar'] as const
export const CAMPAIGN_STATUSES = ['draft', 'active', 'completed', 'archived'] as const
export const JOB_STATUSES = ['pending', 'processing', 'completed', 'error', 'timeout'] as const
export const ONBOARDING_STEPS = ['pending', 'info_captured', 'intent_captured', 'completed'] as const
export const TRIAL_STATUSES = ['pending', 'active', 'expired', 'cancelled', 'converted'] as const
/** As Stripe spells them, and `none` before it knows the customer. */
export const SUBSCRIPTION_STATUSES = ['none', 'trialing', 'active', 'past_due', 'canceled'] as const
export const CONFIGURATION_TYPES = ['string', 'number', 'boolean', 'duration', 'json'] as const

/** Length of a trial; the documented one. */
export const TRIAL_DAYS = 7
/** What a person may use: everything, for the days of the trial or for as long as it is paid. */
export const PLANS = ['trial', 'full'] as const
/** Days for which a subscription that is past due still counts. */
export const GRACE_DAYS = 14
/**
 * The window in which calls of the platforms' APIs are counted. As long as a job may take, so that no job makes more
 * calls than a window holds, either.
 */
export const API_CALLS_WINDOW_SECONDS = 3600
/** The largest number that the settings of API calls may have: a window remembers each call. */
export const API_CALLS_MAX = 1000
/** Failed searches that found nothing are kept so long, to be looked into. */
export const FAILED_JOB_DAYS = 30
/** What is older is archived, where the host has chosen a place for it. */
export const ARCHIVE_DAYS = 365
/** Creators that a job looks for unless it says otherwise; the documented number for production. */
export const TARGET_RESULTS_DEFAULT = 1000
/**
 * How long a job may take from the moment that it is first taken up, with all its attempts. A thousand creators
 * are fifty pages of twenty; at a slow half minute a page that is 25 minutes, and an hour leaves as much for retries.
 */
export const JOB_TIME_LIMIT_SECONDS = 3600

export type Plan = (typeof PLANS)[number]
export type Platform = (typeof PLATFORMS)[number]
export type SearchType = (typeof SEARCH_TYPES)[number]
export type CampaignStatus = (typeof CAMPAIGN_STATUSES)[number]
export type JobStatus = (typeof JOB_STATUSES)[number]
export type OnboardingStep = (typeof ONBOARDING_STEPS)[number]
export type TrialStatus = (typeof TRIAL_STATUSES)[number]
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number]
export type ConfigurationType = (typeof CONFIGURATION_TYPES)[number]
