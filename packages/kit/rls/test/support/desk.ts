/** A support desk: its admins read every customer's tickets, and write none. */
import { partitioned } from '@tenantry/ddl'
import { sql } from 'drizzle-orm'
import { boolean, index, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { defineTenancy, tenancyObjects } from '../../src/index.ts'

export const customers = pgTable('customers', { id: uuid('id').primaryKey(), name: text('name').notNull() })

export const tickets = pgTable(
  'tickets',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    userId: uuid('user_id').notNull(),
    subject: text('subject').notNull(),
  },
  (table) => [index('tickets_user').on(table.userId)],
)

export const keys = pgTable('keys', {
  userId: uuid('user_id').primaryKey(),
  secret: text('secret').notNull(),
})

export const admins = pgTable('admins', {
  userId: uuid('user_id').primaryKey(),
  active: boolean('active').notNull().default(true),
})

export const events = pgTable(
  'events',
  {
    id: uuid('id').notNull().defaultRandom(),
    at: timestamp('at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.id, table.at] })],
)

export const jobs = pgTable('jobs', { id: uuid('id').primaryKey().defaultRandom() })

export const schema = { customers, tickets, keys, admins, events, jobs }

export const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  readers: { table: admins, user: admins.userId, condition: 'reader.active' },
  tables: {
    customers: { class: 'tenant', column: 'id' },
    tickets: { class: 'tenant', column: 'userId' },
    keys: { class: 'tenant', column: 'userId', readers: false },
    admins: { class: 'tenant', column: 'userId', insert: false, update: false, delete: false },
    events: { class: 'internal', readers: true },
    jobs: { class: 'internal' },
  },
})

export const objects = [
  ...tenancyObjects(tenancy),
  ...partitioned({ table: events, by: 'at', every: 'month' }),
]

/** One row in every table of a customer's. */
export const seed = (tenant: string) => sql`
  with tenant (id) as (values (${tenant}::uuid)),
  customer as (insert into public.customers (id, name) select id, 'customer ' || id from tenant),
  key as (insert into public.keys (user_id, secret) select id, 'secret of ' || id from tenant)
  insert into public.tickets (user_id, subject) select id, 'ticket of ' || id from tenant`
