import { defineRepository } from '@tenantry/repository'
import { sql } from 'drizzle-orm'
import { scrapingResults as table } from '../schema/index.ts'
import type { Creator } from '../types/creators.ts'
import { resultInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** What searches have found, call by call. Workers keep it by `jobs.record`; a person reads it. */
export const results = defineRepository(table, {
  tenant: 'userId',
  schema: { create: resultInput },
  defaultSort: newestFirst,
  verbs: (repository) => ({
    /** All creators of a search in one list, the newest find first. */
    async creatorsOf(jobId: string): Promise<Creator[]> {
      const found = await repository.statement(
        'creators of',
        ({ tenant, gate, value }) => ({
          returns: { creators: table.creators },
          query: (columns) => sql`select ${columns} from ${table}
            where ${table.jobId} = ${value('jobId', table.jobId)} and ${table.userId} = ${tenant} and ${gate}
            order by ${table.createdAt} desc, ${table.id} desc`,
        }),
        { jobId },
      )
      return found.flatMap(({ creators }) => creators)
    },
  }),
})
