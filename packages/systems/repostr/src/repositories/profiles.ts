import { NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { profiles as table } from '../schema/index.ts'
import { type PreferencesInput, preferencesInput, profileChanges, profileInput } from '../types/inputs.ts'

/** What a user has said about themselves. One per user: `upsert` changes it, or makes it. */
export const profiles = defineRepository(table, {
  tenant: 'userId',
  schema: { create: profileInput, update: profileChanges },
  upsert: { on: ['userId'], set: ['name', 'preferences', 'toneOfVoice'] },
  verbs: (repository) => ({
    /** The user's profile. Throws NotFoundError where there is none. */
    async mine(): Promise<Row<typeof table>> {
      const profile = await repository.find()
      if (profile !== null) return profile
      throw new NotFoundError('The user has no profile', {
        table: getTableName(table),
        hint: 'upsert() makes one',
      })
    },

    /**
     * Changes some of the user's preferences and keeps the others, in one statement: two at once lose nothing.
     * Makes the profile where there is none.
     */
    async prefer(changes: PreferencesInput): Promise<Row<typeof table>> {
      const values = { preferences: parseInput(table, preferencesInput, changes) }
      const [profile] = await repository.statement(
        'prefer',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`insert into ${table} (user_id, preferences)
            select ${tenant}, ${value('preferences', table.preferences)}
            where ${gate}
            on conflict (user_id) do update
              set preferences = ${table.preferences} || excluded.preferences
              where ${table.userId} = ${tenant}
            returning ${columns}`,
        }),
        values,
      )
      if (profile === undefined) throw new NotFoundError('The profile was not written')
      return profile
    },
  }),
})
