import { createdAt, descending, id } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { boolean, check, index, pgEnum, pgTable, text, unique } from 'drizzle-orm/pg-core'
import { SYSTEM_USER_ID, TEMPLATE_TYPES } from '../types/enums.ts'
import { userId } from './columns.ts'

export const templateType = pgEnum('template_type', TEMPLATE_TYPES)

/** Prompts, of a user or of the system: those are everybody's to read and nobody's to write. */
export const templates = pgTable(
  'templates',
  {
    id: id(),
    userId: userId(),
    name: text('name').notNull(),
    type: templateType('type').notNull(),
    /** With placeholders such as `{topic}`. */
    prompt: text('prompt').notNull(),
    /** False: a template of the system. */
    isCustom: boolean('is_custom').notNull().default(true),
    createdAt: createdAt(),
  },
  (table) => [
    unique('templates_user_id_name_key').on(table.userId, table.name),
    index('idx_templates_user').on(table.userId, descending(table.createdAt), descending(table.id)),
    check(
      'templates_is_custom_check',
      sql`${table.isCustom} = (${table.userId} <> ${sql.raw(`'${SYSTEM_USER_ID}'`)})`,
    ),
  ],
)
