/** The documented keys of the open jsonb columns. Further keys are kept: hosts add their own. */
import { z } from 'zod'

/** Filters, sorting and the like, handed to the platform's API as they are. */
export const searchParams = z.record(z.string(), z.json())

/** What has become of one e-mail. */
export const emailStatus = z
  .object({
    /** Such as `scheduled`, `sent` or `failed`. */
    status: z.string().min(1),
    scheduledFor: z.iso.datetime({ offset: true }).optional(),
    sentAt: z.iso.datetime({ offset: true }).optional(),
    /** The mail provider's own id. */
    messageId: z.string().optional(),
  })
  .catchall(z.json())

/** By the e-mail's name, such as `trial_day_2`. */
export const emailSchedule = z.record(z.string(), emailStatus)

export type SearchParams = z.infer<typeof searchParams>
export type EmailStatus = z.infer<typeof emailStatus>
export type EmailSchedule = z.infer<typeof emailSchedule>
