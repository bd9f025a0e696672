import { defineRepository, type ListOptions, type Page, parseInput, type Row } from '@tenantry/repository'
import { changeState } from '@tenantry/workflow'
import { classifiedTopicSearch } from '../database/search.ts'
import { classifiedTopics as table, rawTopics as rawTable } from '../schema/index.ts'
import {
  type ClassifyTopicInput,
  classifyTopicInput,
  type MeteredCallInput,
  topicChanges,
  topicInput,
} from '../types/inputs.ts'
import { archiveRow } from './archive-row.ts'
import { meter } from './meter.ts'
import { newestFirst } from './order.ts'
import { rawTopics } from './raw-topics.ts'
import { searchTopics } from './text-search.ts'

export type ScoreListOptions = Omit<ListOptions<typeof table>, 'sort' | 'select'>

export type TopicFound = Row<typeof table> & { readonly rank: number }

/** Topics with a score and a pillar. One that scores below 70 is stored as archived, whoever writes it. */
export const topics = defineRepository(table, {
  tenant: 'userId',
  // Follows from the verbs here and from `drafts.generate`.
  readOnly: ['status'],
  schema: { create: topicInput, update: topicChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Turns a raw topic into a classified one and meters the call as `classification`, in one transaction.
     *
     * Throws StaleTransitionError when the raw topic was classified or archived before, NotFoundError when the
     * user has no such raw topic, ForeignKeyError when the user has no such pillar.
     */
    async classify(input: ClassifyTopicInput, call: MeteredCallInput = {}): Promise<Row<typeof table>> {
      const { rawTopicId, ...verdict } = parseInput(table, classifyTopicInput, input)
      return executor.transaction(async (within) => {
        const raw = await changeState(rawTable, rawTopics.bind(within), {
          verb: 'classify',
          tenant: rawTable.userId,
          row: { id: rawTopicId },
          column: rawTable.status,
          from: ['new', 'processing'],
          to: 'classified',
        })
        const topic = await topics.bind(within).create({
          ...verdict,
          rawTopicId,
          content: verdict.content ?? raw.content,
          url: verdict.url === undefined ? raw.url : verdict.url,
        })
        await meter(within, 'classification', topic.id, call)
        return topic
      })
    },

    /** Puts a topic away. Repeating it changes nothing. Throws NotFoundError when the user has no such topic. */
    async archive(id: string): Promise<Row<typeof table>> {
      return archiveRow(table, repository, id)
    },

    /** A page of topics, the best score first: those that wait to be drafted, unless `where` says otherwise. */
    async listByScore(options: ScoreListOptions = {}): Promise<Page<Row<typeof table>>> {
      const where = options.where ?? { status: 'classified' }
      return repository.list({ ...options, where, sort: [{ aiScore: 'desc' }] })
    },

    /**
     * The user's topics whose content matches, best first; 20 unless `limit` (1 to 200) says. The query is in
     * the words of a search engine: `"exact phrase"`, `or`, `-without`.
     */
    async search(query: string, options: { readonly limit?: number } = {}): Promise<TopicFound[]> {
      return searchTopics(table, classifiedTopicSearch.target, repository, executor, { query, ...options })
    },
  }),
})
