import { id, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { boolean, check, pgTable, text, unique, varchar } from 'drizzle-orm/pg-core'
import { DURATION_PATTERN, NUMBER_PATTERN } from '../types/configuration.ts'
import { API_CALLS_MAX, CONFIGURATION_TYPES } from '../types/enums.ts'

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
    // A number that no window of calls can hold would refuse every call.
    check(
      'system_configurations_api_calls_check',
      sql.raw(`"category" <> 'api' or case
        when "key" in ('max_api_calls_testing', 'max_api_calls_production')
          then "value_type" = 'number' and "value" ~ '^(${API_CALLS_MAX}|[0-9]{1,3})$'
        when "key" = 'mode' then "value_type" = 'string' and "value" in ('testing', 'production')
        else true end`),
    ),
  ],
)
