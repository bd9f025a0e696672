import { defineRepository } from '@tenantry/repository'
import { achievementDefinitions as table } from '../schema/index.ts'
import { achievementChanges, achievementInput } from '../types/inputs.ts'

/** What can be achieved: read by all, written by the service role. */
export const achievementDefinitions = defineRepository(table, {
  tenant: null,
  schema: { create: achievementInput, update: achievementChanges },
  defaultSort: [{ title: 'asc' }],
})
