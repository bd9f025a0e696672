import { defineRepository } from '@tenantry/repository'
import { templateRoleMappings as table } from '../schema/index.ts'
import { templateMappingInput } from '../types/inputs.ts'

/** Which template suits which role: read by all, written by the service role. */
export const templateMappings = defineRepository(table, {
  tenant: null,
  schema: { create: templateMappingInput },
  defaultSort: [{ matchScore: 'desc' }],
})
