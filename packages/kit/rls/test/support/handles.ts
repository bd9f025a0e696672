/** Tenants with text ids, whose admins are marked on the list of tenants itself. */
import { sql } from 'drizzle-orm'
import { boolean, index, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { defineTenancy, tenancyObjects } from '../../src/index.ts'

export const people = pgTable('people', {
  userId: text('user_id').primaryKey(),
  isAdmin: boolean('is_admin').notNull().default(false),
})

export const searches = pgTable(
  'searches',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    userId: text('user_id')
      .notNull()
      .references(() => people.userId),
  },
  (table) => [index('searches_user').on(table.userId)],
)

export const schema = { people, searches }

export const tenancy = defineTenancy({
  kind: 'user-text',
  schema,
  readers: { table: people, user: people.userId, condition: 'reader.is_admin', tenants: people.userId },
  tables: {
    people: { class: 'tenant', column: 'userId', update: false },
    searches: { class: 'tenant', column: 'userId' },
  },
})

/** @public Taken as a part of the module as a whole. */
export const objects = tenancyObjects(tenancy)

export const seed = (tenant: string, admin: boolean) => sql`
  with person as (insert into public.people (user_id, is_admin) values (${tenant}, ${admin}) returning user_id)
  insert into public.searches (user_id) select user_id from person`
