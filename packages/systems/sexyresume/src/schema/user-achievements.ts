import { createdAt, id, instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { boolean, check, foreignKey, index, integer, jsonb, pgTable, text, unique } from 'drizzle-orm/pg-core'
import type { Json } from '../types/json.ts'
import { achievementDefinitions } from './achievement-definitions.ts'
import { ownedBy, userId } from './columns.ts'

export const userAchievements = pgTable(
  'user_achievements',
  {
    id: id(),
    userId: userId(),
    achievementKey: text('achievement_key').notNull(),
    earnedAt: instant('earned_at')
      .notNull()
      .default(sql`now()`),
    progressData: jsonb('progress_data')
      .$type<Record<string, Json>>()
      .notNull()
      .default(sql`'{}'::jsonb`),
    creditsAwarded: integer('credits_awarded').notNull().default(0),
    creditsClaimed: boolean('credits_claimed').notNull().default(false),
    createdAt: createdAt(),
  },
  (table) => [
    ownedBy('user_achievements', table.userId),
    foreignKey({
      name: 'user_achievements_achievement_key_fkey',
      columns: [table.achievementKey],
      foreignColumns: [achievementDefinitions.achievementKey],
    }),
    unique('user_achievements_user_id_achievement_key_key').on(table.userId, table.achievementKey),
    index('idx_user_achievements_achievement_key').on(table.achievementKey),
    check('user_achievements_credits_awarded_check', sql`${table.creditsAwarded} >= 0`),
  ],
)
