/**
 * The closed lists of the product. The schema's enums and the zod schemas are both made from these, so a value
 * is either legal in both or in neither. Nothing is imported here: browsers load it.
 */

export const OUTPUT_KINDS = ['blog', 'social', 'email'] as const
export const OUTPUT_STATUSES = ['queued', 'processing', 'completed', 'failed'] as const
export const TEMPLATE_TYPES = ['blog', 'linkedin', 'twitter', 'instagram', 'email'] as const

/** The owner of templates that come with the product. Clerk's ids begin with `user_`, so it is nobody's. */
export const SYSTEM_USER_ID = 'system'

/** Where uploads are kept, in Supabase Storage or any other store of objects. */
export const UPLOADS_BUCKET = 'uploads'

export type OutputKind = (typeof OUTPUT_KINDS)[number]
export type OutputStatus = (typeof OUTPUT_STATUSES)[number]
export type TemplateType = (typeof TEMPLATE_TYPES)[number]
