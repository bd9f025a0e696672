import { timestamps } from '@tenantry/core'
import { jsonb, pgTable, text } from 'drizzle-orm/pg-core'
import type { Preferences } from '../types/metadata.ts'

/** What a user has said about themselves. Other tables don't refer to it: Clerk knows users before it does. */
export const profiles = pgTable('profiles', {
  userId: text('user_id').primaryKey(),
  name: text('name'),
  preferences: jsonb('preferences').$type<Preferences>().notNull().default({}),
  /** For outputs that don't ask for one of their own. */
  toneOfVoice: text('tone_of_voice'),
  ...timestamps(),
})
