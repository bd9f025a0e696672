import { id, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { boolean, check, jsonb, pgTable, text, unique } from 'drizzle-orm/pg-core'
import type { FunnelStep } from '../types/analytics.ts'

/** Ways that customers go, step by step. */
export const conversionFunnels = pgTable(
  'conversion_funnels',
  {
    id: id(),
    funnelName: text('funnel_name').notNull(),
    steps: jsonb('steps').$type<FunnelStep[]>().notNull(),
    isActive: boolean('is_active').notNull().default(true),
    ...timestamps(),
  },
  (table) => [
    unique('conversion_funnels_funnel_name_key').on(table.funnelName),
    check('conversion_funnels_steps_check', sql`jsonb_typeof(${table.steps}) = 'array'`),
  ],
)
