/** Tenants with text ids, and a table of which some rows are everybody's to read and nobody's to write. */
import { sql } from 'drizzle-orm'
import { index, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { defineTenancy, tenancyObjects } from '../../src/index.ts'

export const SHARED = 'house'

export const recipes = pgTable(
  'recipes',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    cook: text('cook').notNull(),
    title: text('title').notNull(),
  },
  (table) => [index('recipes_cook').on(table.cook)],
)

export const schema = { recipes }

export const tenancy = defineTenancy({
  kind: 'user-text',
  schema,
  policyName: (table, policy) =>
    ['select', 'insert', 'update', 'delete'].includes(policy) ? `${table}_all` : `${table}_${policy}`,
  tables: { recipes: { class: 'tenant', column: 'cook', shared: SHARED } },
})

export const objects = tenancyObjects(tenancy)

export const seed = (cook: string, title: string) =>
  sql`insert into public.recipes (cook, title) values (${cook}, ${title})`
