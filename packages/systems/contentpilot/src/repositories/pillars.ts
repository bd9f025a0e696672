import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { pillars as table } from '../schema/index.ts'
import { type PillarInput, pillarChanges, pillarInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** A customer's content categories. */
export const pillars = defineRepository(table, {
  tenant: 'userId',
  schema: { create: pillarInput, update: pillarChanges },
  defaultSort: newestFirst,
  upsert: {
    on: ['slug'],
    set: [
      'name',
      'description',
      'targetAudience',
      'tone',
      'classificationPrompt',
      'generationPrompt',
      'status',
    ],
  },
  verbs: (repository) => ({
    /**
     * Makes a pillar, or changes the user's one of the same slug. The slug is made from the name unless it is
     * given: `Founder Journey` → `founder_journey`.
     */
    async define(input: PillarInput): Promise<Row<typeof table>> {
      return repository.upsert(parseInput(table, pillarInput, input))
    },
  }),
})
