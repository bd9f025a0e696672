/**
 * The tables of a product for bicycle workshops, as they were before its adoption. Every table of a workshop
 * says whose row it is, and a reference between two of them carries the workshop.
 */
import { sql } from 'drizzle-orm'
import {
  boolean,
  check,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'

const createdAt = timestamp('created_at', { withTimezone: true }).notNull().defaultNow()

export const workshops = pgTable('workshops', {
  id: uuid('id').primaryKey().defaultRandom(),
  name: text('name').notNull(),
  /** What the workshop pays for. */
  plan: text('plan', { enum: ['solo', 'works'] })
    .notNull()
    .default('solo'),
  createdAt,
})

/** Who works where; the user ids are those of the login service. */
export const mechanics = pgTable(
  'mechanics',
  {
    workshopId: uuid('workshop_id')
      .notNull()
      .references(() => workshops.id, { onDelete: 'cascade' }),
    userId: uuid('user_id').notNull(),
    name: text('name').notNull(),
    active: boolean('active').notNull().default(true),
  },
  (table) => [primaryKey({ columns: [table.workshopId, table.userId] })],
)

/** The manufacturers' catalogue, the same for all workshops. */
export const parts = pgTable('parts', {
  number: text('number').primaryKey(),
  name: text('name').notNull(),
})

export const customers = pgTable(
  'customers',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    workshopId: uuid('workshop_id')
      .notNull()
      .references(() => workshops.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    phone: text('phone'),
    createdAt,
  },
  (table) => [
    unique('customers_workshop_id_key').on(table.workshopId, table.id),
    unique('customers_workshop_phone_key').on(table.workshopId, table.phone),
  ],
)

export const TICKET_STATUSES = ['received', 'on_bench', 'ready', 'collected', 'cancelled'] as const

export const tickets = pgTable(
  'tickets',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    workshopId: uuid('workshop_id')
      .notNull()
      .references(() => workshops.id, { onDelete: 'cascade' }),
    customerId: uuid('customer_id').notNull(),
    bicycle: text('bicycle').notNull(),
    fault: text('fault').notNull(),
    status: text('status', { enum: TICKET_STATUSES }).notNull().default('received'),
    mechanicId: uuid('mechanic_id'),
    createdAt,
  },
  (table) => [
    unique('tickets_workshop_id_key').on(table.workshopId, table.id),
    index('tickets_workshop_status_idx').on(table.workshopId, table.status, table.createdAt),
    index('tickets_customer_idx').on(table.workshopId, table.customerId),
    index('tickets_mechanic_idx').on(table.workshopId, table.mechanicId),
    foreignKey({
      name: 'tickets_customer_fkey',
      columns: [table.workshopId, table.customerId],
      foreignColumns: [customers.workshopId, customers.id],
    }),
    foreignKey({
      name: 'tickets_mechanic_fkey',
      columns: [table.workshopId, table.mechanicId],
      foreignColumns: [mechanics.workshopId, mechanics.userId],
    }),
  ],
)

export const ticketParts = pgTable(
  'ticket_parts',
  {
    workshopId: uuid('workshop_id').notNull(),
    ticketId: uuid('ticket_id').notNull(),
    partNumber: text('part_number')
      .notNull()
      .references(() => parts.number),
    quantity: integer('quantity').notNull().default(1),
  },
  (table) => [
    primaryKey({ columns: [table.workshopId, table.ticketId, table.partNumber] }),
    index('ticket_parts_part_idx').on(table.partNumber),
    check('ticket_parts_quantity_check', sql`${table.quantity} > 0`),
    foreignKey({
      name: 'ticket_parts_ticket_fkey',
      columns: [table.workshopId, table.ticketId],
      foreignColumns: [tickets.workshopId, tickets.id],
    }).onDelete('cascade'),
  ],
)
