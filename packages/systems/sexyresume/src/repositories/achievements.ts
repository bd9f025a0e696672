import { NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, serviceOnly } from '@tenantry/repository'
import { getTableName, sql } from 'drizzle-orm'
import { z } from 'zod'
import { userAchievements as table } from '../schema/index.ts'
import { storableObject } from '../types/fields.ts'
import type { Json } from '../types/json.ts'
import { newestFirst } from './order.ts'

export interface AwardedAchievements {
  /** Their keys, in alphabetical order. */
  readonly achievementsAwarded: readonly string[]
  /** Credits that can now be claimed for them. */
  readonly totalCreditsAwarded: number
}

const awarded = z.object({
  achievements_awarded: z.array(z.string()),
  total_credits_awarded: z.number(),
})

/** What a customer has achieved: earned by what they do, claimed by them once. */
export const achievements = defineRepository(table, {
  tenant: 'userId',
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Gives the user what an event and all they did before have earned: `{ event: 'export_completed', … }`.
     * What was earned before isn't given again. Service role only.
     */
    async check(event: Readonly<Record<string, Json>>): Promise<AwardedAchievements> {
      serviceOnly(executor, 'check')
      const data = parseInput(table, storableObject, event)
      const [answer] = await repository.statement(
        'check',
        ({ tenant, value }) => ({
          returns: { awarded: sql<unknown>`public.check_achievements(${tenant}, ${value('event')}::jsonb)` },
          query: (columns) => sql`select ${columns}`,
        }),
        { event: JSON.stringify(data) },
      )
      const raw = answer?.awarded
      const { achievements_awarded, total_credits_awarded } = awarded.parse(
        typeof raw === 'string' ? JSON.parse(raw) : raw,
      )
      return { achievementsAwarded: achievements_awarded, totalCreditsAwarded: total_credits_awarded }
    },

    /**
     * Pays what an achievement is worth, and answers the credits. Throws NotFoundError when it isn't earned, or
     * claimed before.
     */
    async claim(achievementKey: string): Promise<number> {
      const [answer] = await repository.statement(
        'claim',
        ({ tenant, gate, value }) => ({
          returns: { credits: sql<number | null>`answer.credits` },
          query: (columns) => sql`select ${columns}
            from (
              select public.claim_achievement(${tenant}, ${value('achievementKey', table.achievementKey)}) as credits
              where ${gate}
            ) as answer`,
        }),
        { achievementKey },
      )
      if (answer === undefined || answer.credits === null) {
        throw new NotFoundError('There is no such achievement to claim', { table: getTableName(table) })
      }
      return Number(answer.credits)
    },
  }),
})
