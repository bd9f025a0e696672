import { defineRepository } from '@tenantry/repository'
import { searchJobs as jobsTable, searchResults as resultsTable } from '../schema/index.ts'
import { newestFirst } from './order.ts'

/**
 * Searches of an earlier version, to be read.
 *
 * @deprecated `jobs` is what runs.
 */
export const searchJobs = defineRepository(jobsTable, { tenant: 'userId', defaultSort: newestFirst })

/**
 * Creators found by an earlier version, to be read.
 *
 * @deprecated `results` is what is written.
 */
export const searchResults = defineRepository(resultsTable, { tenant: 'userId', defaultSort: newestFirst })
