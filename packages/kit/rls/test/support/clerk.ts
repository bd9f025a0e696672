/** A system whose tenant is a user with a text id, as Clerk gives them. */
import { sql } from 'drizzle-orm'
import { index, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { defineTenancy, tenancyObjects } from '../../src/index.ts'

export const profiles = pgTable('profiles', {
  userId: text('user_id').primaryKey(),
  bio: text('bio').notNull(),
})

export const files = pgTable(
  'files',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    userId: text('user_id')
      .notNull()
      .references(() => profiles.userId, { onDelete: 'cascade' }),
    path: text('path').notNull(),
  },
  (table) => [index('files_user').on(table.userId)],
)

export const schema = { profiles, files }

export const tenancy = defineTenancy({
  kind: 'user-text',
  schema,
  policyName: (table, policy) => `${table}_owner_${policy}`,
  tables: { profiles: { class: 'tenant', column: 'userId' }, files: { class: 'tenant', column: 'userId' } },
})

export const objects = tenancyObjects(tenancy)

/** One row in every tenant table. */
export const seed = (tenant: string) => sql`
  with profile as (
    insert into public.profiles (user_id, bio) values (${tenant}, 'hello') returning user_id
  )
  insert into public.files (user_id, path) select user_id, user_id || '/one.mp4' from profile`
