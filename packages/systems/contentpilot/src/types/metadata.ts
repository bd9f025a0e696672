/** The documented keys of each jsonb column. Further keys are kept: hosts add their own. */
import { z } from 'zod'
import { json } from './fields.ts'

const count = z.number().int().min(0)

/** Where a raw topic was found. */
export const rawTopicMetadata = z
  .object({
    source_platform: z.string().optional(),
    subreddit: z.string().optional(),
    upvotes: z.number().int().optional(),
    comments_count: count.optional(),
    discovered_at: z.iso.datetime({ offset: true }).optional(),
  })
  .catchall(json)

/** How a past post did. */
export const engagementMetrics = z
  .object({ likes: count.optional(), comments: count.optional(), shares: count.optional() })
  .catchall(json)

/** A customer's settings. */
export const preferences = z
  .object({
    /** Channel or event → wanted. */
    notifications: z.record(z.string(), z.boolean()).optional(),
    theme: z.string().optional(),
  })
  .catchall(json)

/** What a metered call cost besides money. */
export const usageMetadata = z
  .object({ model: z.string().optional(), tokens_used: count.optional(), latency_ms: count.optional() })
  .catchall(json)

export type RawTopicMetadata = z.infer<typeof rawTopicMetadata>
export type EngagementMetrics = z.infer<typeof engagementMetrics>
export type Preferences = z.infer<typeof preferences>
export type UsageMetadata = z.infer<typeof usageMetadata>
/** A row before or after a change, as the audit trail keeps it: column → JSON value. */
export type AuditedValues = Record<string, z.core.util.JSONType>
