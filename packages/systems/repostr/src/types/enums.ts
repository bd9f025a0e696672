/**
 * The closed lists of the product. The schema's enums and the zod schemas are both made from these, so a value
 * is either legal in both or in neither. Nothing is imported here: browsers load it.
 */

export const OUTPUT_KINDS = ['blog', 'social', 'email'] as const
export const OUTPUT_STATUSES = ['queued', 'processing', 'completed', 'failed'] as const
export const TEMPLATE_TYPES = ['blog', 'linkedin', 'twitter', 'instagram', 'email'] as const

/** The smallest first. Whoever has no subscription, or doesn't pay any more, is on the first. */
export const PLANS = ['free', 'pro', 'business'] as const
/** As Stripe tells them apart, as far as they differ here. */
export const SUBSCRIPTION_STATUSES = ['trialing', 'active', 'past_due', 'paused', 'canceled'] as const

/**
 * Outputs that may be asked for in a month, by plan; null is unlimited. The specification reckons with a hundred of a
 * user who works with it: `pro` is for them, `free` is a tenth, to try it.
 */
export const OUTPUTS_PER_MONTH = { free: 10, pro: 100, business: null } as const

/** Days for which a subscription that is past due keeps its plan. */
export const GRACE_DAYS = 14

/** Completed outputs that are older are moved to the archive; the documented age. */
export const ARCHIVE_DAYS = 90

/** The owner of templates that come with the product. Clerk's ids begin with `user_`, so it is nobody's. */
export const SYSTEM_USER_ID = 'system'

/** Where uploads are kept, in Supabase Storage or any other store of objects. */
export const UPLOADS_BUCKET = 'uploads'

export type OutputKind = (typeof OUTPUT_KINDS)[number]
export type OutputStatus = (typeof OUTPUT_STATUSES)[number]
export type TemplateType = (typeof TEMPLATE_TYPES)[number]
export type Plan = (typeof PLANS)[number]
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number]
