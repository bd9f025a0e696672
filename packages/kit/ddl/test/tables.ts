/** A small system in which everything that the builders make has its use. */
import {
  foreignKey,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
  type AnyPgColumn,
} from 'drizzle-orm/pg-core'

const at = (name: string) => timestamp(name, { withTimezone: true }).notNull().defaultNow()

export const pillars = pgTable(
  'pillars',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    userId: uuid('user_id').notNull(),
    name: text('name').notNull(),
    updatedAt: at('updated_at'),
  },
  (table) => [unique('pillars_user_id_id_key').on(table.userId, table.id)],
)

export const topics = pgTable(
  'topics',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    userId: uuid('user_id').notNull(),
    pillarId: uuid('pillar_id'),
    body: text('body').notNull(),
  },
  (table) => [
    foreignKey({
      name: 'topics_pillar_fk',
      columns: [table.userId, table.pillarId] as [AnyPgColumn, AnyPgColumn],
      foreignColumns: [pillars.userId, pillars.id] as [AnyPgColumn, AnyPgColumn],
    }).onDelete('set null'),
  ],
)

export const usage = pgTable(
  'usage_tracking',
  {
    id: uuid('id').notNull().defaultRandom(),
    userId: uuid('user_id').notNull(),
    createdAt: at('created_at'),
  },
  (table) => [primaryKey({ columns: [table.id, table.createdAt] })],
)
