/** The documented keys of each jsonb column. Further keys are kept: hosts add their own. */
import { z } from 'zod'

const count = z.number().int().min(0)

/** A user's settings. */
export const preferences = z
  .object({
    /** Such as `en`. */
    language: z.string().optional(),
    /** Such as `America/New_York`. */
    timezone: z.string().optional(),
    email_notifications: z.boolean().optional(),
  })
  .catchall(z.json())

/** What an output was asked to be. */
export const outputRequest = z
  .object({
    topic: z.string().optional(),
    tone_of_voice: z.string().optional(),
    /** In words. */
    target_length: z.number().int().min(1).optional(),
    /** The template that the output follows. */
    template_id: z.guid().optional(),
  })
  .catchall(z.json())

/** What is known about a generated text. */
export const outputMetadata = z
  .object({
    word_count: count.optional(),
    /** In minutes. */
    reading_time: count.optional(),
    keywords: z.array(z.string()).optional(),
    generated_at: z.iso.datetime({ offset: true }).optional(),
  })
  .catchall(z.json())

export type Preferences = z.infer<typeof preferences>
export type OutputRequest = z.infer<typeof outputRequest>
export type OutputMetadata = z.infer<typeof outputMetadata>
