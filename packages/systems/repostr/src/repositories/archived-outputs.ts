import { defineRepository } from '@tenantry/repository'
import { outputsArchive as table } from '../schema/index.ts'
import { newestFirst } from './order.ts'

/** Completed outputs that are old: a user reads and removes them, and the job `retention outputs` brings them. */
export const archivedOutputs = defineRepository(table, { tenant: 'userId', defaultSort: newestFirst })
