import { defineRepository, parseInput, serviceOnly } from '@tenantry/repository'
import { sql } from 'drizzle-orm'
import { outputsArchive as table } from '../schema/index.ts'
import { type ArchiveInput, archiveInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** Completed outputs that are old: a user reads and removes them, archiving brings them. */
export const archivedOutputs = defineRepository(table, {
  tenant: 'userId',
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Moves the user's outputs that are completed and older than 90 days, unless it says otherwise, by the
     * database's clock, and answers how many. Each is in one of the two tables at any moment. The job
     * `archive outputs` does it for all users. Service role only.
     */
    async moveCompleted(options: ArchiveInput = {}): Promise<number> {
      serviceOnly(executor, 'moveCompleted')
      const { olderThanDays } = parseInput(table, archiveInput, options)
      let total = 0
      for (let moved = 1; moved > 0; total += moved) {
        const [row] = await repository.statement(
          'move completed',
          ({ tenant, value }) => ({
            returns: {
              moved: sql<number>`public.archive_outputs(${value('days')}, ${tenant})`.mapWith(Number),
            },
            query: (columns) => sql`select ${columns}`,
          }),
          { days: olderThanDays },
        )
        moved = row?.moved ?? 0
      }
      return total
    },
  }),
})
