import { id, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { boolean, check, integer, jsonb, pgTable, text, unique } from 'drizzle-orm/pg-core'
import type { AchievementCriteria } from '../types/achievements.ts'

/** What can be achieved, and what for; the same for everyone. */
export const achievementDefinitions = pgTable(
  'achievement_definitions',
  {
    id: id(),
    achievementKey: text('achievement_key').notNull(),
    title: text('title').notNull(),
    description: text('description'),
    criteria: jsonb('criteria').$type<AchievementCriteria>().notNull(),
    rewardCredits: integer('reward_credits').notNull().default(0),
    isActive: boolean('is_active').notNull().default(true),
    ...timestamps(),
  },
  (table) => [
    unique('achievement_definitions_achievement_key_key').on(table.achievementKey),
    check('achievement_definitions_reward_credits_check', sql`${table.rewardCredits} >= 0`),
    check('achievement_definitions_criteria_check', sql`jsonb_typeof(${table.criteria}) = 'object'`),
  ],
)
