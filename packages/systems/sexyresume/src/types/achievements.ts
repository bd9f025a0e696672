/** When an achievement is earned. */
import { z } from 'zod'

/**
 * All that is given must hold for the event: its name is `event`, each property in `equals` has that value,
 * each in `min` is a number of at least that. Criteria that ask for nothing are never met.
 *
 * Besides what the event brings, the database knows `resume_count`, `export_count`, `cover_letter_count`,
 * `enhancement_count`, `accepted_suggestion_count` and `referral_count` of the user.
 */
export const achievementCriteria = z
  .strictObject({
    event: z.string().min(1).max(200).optional(),
    equals: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
    min: z.record(z.string(), z.number()).optional(),
  })
  .refine(
    ({ event, equals = {}, min = {} }) =>
      event !== undefined || Object.keys(equals).length > 0 || Object.keys(min).length > 0,
    'must ask for something',
  )

export type AchievementCriteria = z.infer<typeof achievementCriteria>
