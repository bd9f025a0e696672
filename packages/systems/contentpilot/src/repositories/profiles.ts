import { NotFoundError } from '@tenantry/core'
import { defineRepository, type Row } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { profiles as table, voiceExamples } from '../schema/index.ts'
import { VOICE_EXAMPLES_HALF_CONFIDENCE } from '../types/enums.ts'
import { profileChanges, profileInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** What a customer's posts are generated from. One per user: `upsert` changes it, or makes it. */
export const profiles = defineRepository(table, {
  tenant: 'userId',
  readOnly: ['voiceConfidenceScore', 'lastVoiceTrainingAt'],
  schema: { create: profileInput, update: profileChanges },
  defaultSort: newestFirst,
  upsert: { on: ['userId'], set: ['linkedinUrl', 'targetAudience', 'writingStyle', 'preferences'] },
  verbs: (repository) => ({
    /** The user's profile. Throws NotFoundError where there is none. */
    async mine(): Promise<Row<typeof table>> {
      const profile = await repository.find()
      if (profile === null) throw missing()
      return profile
    },

    /**
     * Works out anew how well the voice is known: n active examples with an embedding give
     * round(100 × n / (n + 5)), as VOICE_EXAMPLES_HALF_CONFIDENCE explains. The time of training is the
     * database's. Throws NotFoundError where there is no profile.
     */
    async trainVoice(): Promise<Row<typeof table>> {
      const half = sql.raw(String(VOICE_EXAMPLES_HALF_CONFIDENCE))
      const [trained] = await repository.statement('train voice', ({ tenant, gate }) => ({
        returns: getTableColumns(table),
        query: (columns) => sql`update ${table}
          set voice_confidence_score = round(100.0 * known.examples / (known.examples + ${half})),
            last_voice_training_at = now()
          from (
            select count(*) as examples
            from ${voiceExamples}
            where ${voiceExamples.userId} = ${tenant}
              and ${voiceExamples.status} = 'active'
              and ${voiceExamples.vectorEmbedding} is not null
          ) as known
          where ${table.userId} = ${tenant} and ${gate}
          returning ${columns}`,
      }))
      if (trained === undefined) throw missing()
      return trained
    },
  }),
})

function missing(): NotFoundError {
  return new NotFoundError('The user has no profile', {
    table: getTableName(table),
    hint: 'upsert() makes one',
  })
}
