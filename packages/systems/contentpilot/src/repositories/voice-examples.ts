import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { getTableColumns, sql } from 'drizzle-orm'
import { voiceSearch } from '../database/search.ts'
import { voiceExamples as table } from '../schema/index.ts'
import { similarVoiceInput, voiceExampleChanges, voiceExampleInput } from '../types/inputs.ts'
import { foundRows, searchFunction } from './found-rows.ts'
import { newestFirst } from './order.ts'

/** An example and how far its embedding is from the one asked for. */
export type SimilarVoiceExample = Row<typeof table> & {
  /** Cosine distance: 0 the same direction, 1 unrelated, 2 opposite. */
  readonly distance: number
}

/** A customer's past posts. `createMany` adds them; `profiles.trainVoice()` learns from them. */
export const voiceExamples = defineRepository(table, {
  tenant: 'userId',
  schema: { create: voiceExampleInput, update: voiceExampleChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * The user's active examples that are nearest to an embedding of 1536 numbers, nearest first; 20 unless
     * `limit` (1 to 200) says. Examples without an embedding aren't found.
     */
    async findSimilar(
      embedding: number[],
      options: { readonly limit?: number } = {},
    ): Promise<SimilarVoiceExample[]> {
      const input = parseInput(table, similarVoiceInput, { embedding, ...options })
      const returns = { ...getTableColumns(table), distance: sql<number>`found.distance` }
      const order = sql`found.distance`
      if (executor.role === 'tenant') {
        return repository.statement(
          'find similar',
          (parts) => {
            const search = searchFunction(voiceSearch.target, [
              parts.value('embedding'),
              parts.value('limit'),
            ])
            return { returns, query: foundRows(table, search, order, parts) }
          },
          // The function takes pgvector's text form, which is JSON's.
          { ...input, embedding: JSON.stringify(input.embedding) },
        )
      }
      // The service role has no context for the function to read, and no policy before the index.
      return repository.statement(
        'find similar by service',
        (parts) => {
          const search = sql`(
            select ${table.id}, ${table.vectorEmbedding} <=> ${parts.value('embedding', table.vectorEmbedding)} as distance
            from ${table}
            where ${table.userId} = ${parts.tenant}
              and ${table.status} = 'active'
              and ${table.vectorEmbedding} is not null
            order by distance
            limit ${parts.value('limit')}
          )`
          return { returns, query: foundRows(table, search, order, parts) }
        },
        input,
      )
    },
  }),
})
