import { defineRepository } from '@tenantry/repository'
import { workflowTransitions as table } from '../schema/index.ts'
import { newestFirst } from './order.ts'

/** What became of each workflow, step by step: written by the machine, read by members, changed by nobody. */
export const transitions = defineRepository(table, { tenant: 'organizationId', defaultSort: newestFirst })
