import { defineRepository, type Row } from '@tenantry/repository'
import { rawTopicSearch } from '../database/search.ts'
import { rawTopics as table } from '../schema/index.ts'
import {
  type DiscoverTopicInput,
  discoverTopicInput,
  type MeteredCallInput,
  rawTopicChanges,
} from '../types/inputs.ts'
import { archiveRow } from './archive-row.ts'
import { meter } from './meter.ts'
import { newestFirst } from './order.ts'
import { searchTopics } from './text-search.ts'

export type RawTopicFound = Row<typeof table> & { readonly rank: number }

/** Content that was discovered, until it is classified or archived. */
export const rawTopics = defineRepository(table, {
  tenant: 'userId',
  // Follows from the verbs here and from `topics.classify`.
  readOnly: ['status'],
  schema: { create: discoverTopicInput, update: rawTopicChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Keeps one topic that was found. With the call that found it, that is metered as `topic_discovery` in the
     * same transaction; a topic that somebody typed in has none.
     */
    async discover(input: DiscoverTopicInput, call?: MeteredCallInput): Promise<Row<typeof table>> {
      if (call === undefined) return repository.create(input)
      return executor.transaction(async (within) => {
        const topic = await rawTopics.bind(within).create(input)
        await meter(within, 'topic_discovery', topic.id, call)
        return topic
      })
    },

    /** Keeps all topics that one call found, or none, in the order given; the call is metered once. */
    async discoverMany(
      inputs: readonly DiscoverTopicInput[],
      call?: MeteredCallInput,
    ): Promise<Row<typeof table>[]> {
      if (call === undefined) return repository.createMany(inputs)
      return executor.transaction(async (within) => {
        const topics = await rawTopics.bind(within).createMany(inputs)
        await meter(within, 'topic_discovery', null, call)
        return topics
      })
    },

    /** Puts a topic away. Repeating it changes nothing. Throws NotFoundError when the user has no such topic. */
    async archive(id: string): Promise<Row<typeof table>> {
      return archiveRow(table, repository, id)
    },

    /**
     * The user's topics whose content matches, best first; 20 unless `limit` (1 to 200) says. The query is in
     * the words of a search engine: `"exact phrase"`, `or`, `-without`.
     */
    async search(query: string, options: { readonly limit?: number } = {}): Promise<RawTopicFound[]> {
      return searchTopics(table, rawTopicSearch.target, repository, executor, { query, ...options })
    },
  }),
})
