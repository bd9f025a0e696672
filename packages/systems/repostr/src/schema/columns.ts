import { text } from 'drizzle-orm/pg-core'

/** The owner: a Clerk id, such as `user_2abc…`. */
export const userId = () => text('user_id').notNull()
