import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { organizationCompetitors as table } from '../schema/index.ts'
import { competitorChanges, type CompetitorInput, competitorInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** Pages of competitors, from which seed keywords are found. */
export const competitors = defineRepository(table, {
  tenant: 'organizationId',
  schema: { create: competitorInput, update: competitorChanges },
  defaultSort: newestFirst,
  upsert: { on: ['url'], set: ['name', 'isActive'] },
  verbs: (repository) => ({
    /**
     * Adds a page, or changes the one of the same address: written in another way (case of the host, a default
     * port, a missing slash) it is the same.
     */
    async add(input: CompetitorInput): Promise<Row<typeof table>> {
      const { url, ...competitor } = parseInput(table, competitorInput, input)
      return repository.upsert({ ...competitor, url: new URL(url).href })
    },
  }),
})
