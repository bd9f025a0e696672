import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { getTableColumns, sql } from 'drizzle-orm'
import { usageTracking as table } from '../schema/index.ts'
import { billingPeriodInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** What was used, by metric and month: members read it, the service role counts. */
export const usage = defineRepository(table, {
  tenant: 'organizationId',
  defaultSort: newestFirst,
  verbs: (repository) => ({
    /** All metrics of one month (`2026-11`), by name. */
    async ofPeriod(period: string): Promise<Row<typeof table>[]> {
      return repository.statement(
        'of period',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`select ${columns} from ${table}
            where ${table.organizationId} = ${tenant} and ${table.billingPeriod} = ${value('period', table.billingPeriod)}
              and ${gate}
            order by ${table.metricType}`,
        }),
        parseInput(table, billingPeriodInput, { period }),
      )
    },
  }),
})
