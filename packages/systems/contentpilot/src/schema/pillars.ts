import { descending, equals, id, oneOf, timestamps } from '@tenantry/core'
import {
  check,
  foreignKey,
  index,
  pgTable,
  text,
  unique,
  uniqueIndex,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { PILLAR_STATUSES } from '../types/enums.ts'
import { users } from './users.ts'

/** A customer's content categories. */
export const pillars = pgTable(
  'pillars',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    name: varchar('name', { length: 255 }).notNull(),
    slug: varchar('slug', { length: 255 }).notNull(),
    description: text('description'),
    targetAudience: text('target_audience'),
    tone: varchar('tone', { length: 100 }),
    classificationPrompt: text('classification_prompt'),
    generationPrompt: text('generation_prompt'),
    status: varchar('status', { length: 50, enum: PILLAR_STATUSES }).notNull().default('active'),
    ...timestamps(),
  },
  (table) => [
    // The target of keys that carry the tenant. A constraint, since they are added before any index.
    unique('pillars_user_id_id_key').on(table.userId, table.id),
    foreignKey({
      name: 'pillars_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
    index('idx_pillars_user_id').on(table.userId, descending(table.createdAt), descending(table.id)),
    index('idx_pillars_user_status').on(table.userId, table.status).where(equals(table.status, 'active')),
    uniqueIndex('idx_pillars_user_slug').on(table.userId, table.slug),
    check('pillars_status_check', oneOf(table.status, PILLAR_STATUSES)),
  ],
)
