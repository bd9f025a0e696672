import { id, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { boolean, check, pgTable, text, unique, varchar } from 'drizzle-orm/pg-core'
import { DURATION_PATTERN, NUMBER_PATTERN } from '../types/configuration.ts'
import { CONFIGURATION_TYPES } from '../types/enums.ts'

/** Settings of the whole product, which no user owns: as text, and checked to be of their type. */
export const systemConfigurations = pgTable(
  'system_configurations',
  {
    id: id(),
    category: varchar('category', { length: 50 }).notNull(),
    key: varchar('key', { length: 100 }).notNull(),
    value: text('value').notNull(),
    valueType: varchar('value_type', { length: 20, enum: CONFIGURATION_TYPES }).notNull(),
    description: text('description'),
    /** False: a process keeps the value that it started with. */
    isHotReloadable: boolean('is_hot_reloadable').notNull().default(true),
    ...timestamps(),
  },
  (table) => [
    unique('unique_category_key').on(table.category, table.key),
    check('system_configurations_value_type_check', oneOf(table.valueType, CONFIGURATION_TYPES)),
    check(
      'system_configurations_value_check',
      sql.raw(`case "value_type"
        when 'number' then "value" ~ '${NUMBER_PATTERN}'
        when 'boolean' then "value" in ('true', 'false')
        when 'duration' then "value" ~ '${DURATION_PATTERN}'
        when 'json' then "value" is json
        else true end`),
    ),
  ],
)
