/** What jsonb columns hold. The document leaves them open, so hosts add keys of their own. */
import { z } from 'zod'

/** Any JSON object. */
export const metadata = z.record(z.string(), z.json())

/** A subtopic that was suggested and isn't a keyword of its own yet. */
export const suggestedSubtopic = z.object({ keyword: z.string() }).catchall(z.json())

/** Where a section's or a cache entry's facts are from. */
export const researchSource = z.object({ url: z.string(), title: z.string().optional() }).catchall(z.json())

/** The thresholds that a validation was made with. Left out: the product's. */
export const validationMetadata = z
  .object({
    min_similarity: z.number().min(-1).max(1).optional(),
    min_spokes: z.number().int().min(1).optional(),
    max_spokes: z.number().int().min(1).optional(),
  })
  .catchall(z.json())

export type Metadata = z.infer<typeof metadata>
export type SuggestedSubtopic = z.infer<typeof suggestedSubtopic>
export type ResearchSource = z.infer<typeof researchSource>
export type ValidationMetadata = z.infer<typeof validationMetadata>
/** A row before or after a change, as the audit trail keeps it: column → JSON value. */
export type AuditedValues = Record<string, z.core.util.JSONType>
/** Whatever the research service answered. */
export type ResearchResults = z.core.util.JSONType
