import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { sql } from 'drizzle-orm'
import { usageMonthly, usageTracking as table } from '../schema/index.ts'
import { type UsageInput, usageInput, type UsageMonthsInput, usageMonthsInput } from '../types/inputs.ts'
import { monthBounds } from './months.ts'
import { newestFirst } from './order.ts'

/** What one resource used in one month. */
export type UsageTotal = Omit<Row<typeof usageMonthly>, 'userId'>

/**
 * Metered calls: written once, never changed. `createdAt` is part of the key, and has microseconds in the
 * database but milliseconds in a Date, so read one by `find({ where: { id } })`.
 */
export const usage = defineRepository(table, {
  tenant: 'userId',
  key: ['id', 'createdAt'],
  schema: { create: usageInput },
  defaultSort: newestFirst,
  verbs: (repository) => ({
    /** Notes a metered call, dated by the database's clock. */
    async record(input: UsageInput): Promise<Row<typeof table>> {
      return repository.create(parseInput(table, usageInput, input))
    },

    /**
     * Calls and cents by resource and UTC month, the newest month first, over what is still tracked one by one
     * and what has been summed up into usage_monthly: rolling up changes no total.
     */
    async totals(months: UsageMonthsInput = {}): Promise<UsageTotal[]> {
      return repository.statement(
        'totals',
        ({ tenant, gate, value }) => ({
          returns: {
            resourceType: usageMonthly.resourceType,
            month: usageMonthly.month,
            count: sql<number>`sum(${usageMonthly.count})`.mapWith(Number),
            costCents: sql<number>`sum(${usageMonthly.costCents})`.mapWith(Number),
          },
          query: (columns) => sql`select ${columns}
            from (
              select ${usageMonthly.resourceType}, ${usageMonthly.month}, ${usageMonthly.count}, ${usageMonthly.costCents}
              from ${usageMonthly}
              where ${usageMonthly.userId} = ${tenant}
                and ${usageMonthly.month} between ${value('from')}::date and ${value('to')}::date
              union all
              select ${table.resourceType}, date_trunc('month', ${table.createdAt} at time zone 'UTC')::date,
                count(*), sum(${table.costCents})
              from ${table}
              where ${table.userId} = ${tenant}
                and ${table.createdAt} >= ${value('from')}::date::timestamp at time zone 'UTC'
                and ${table.createdAt} < (${value('to')}::date + interval '1 month') at time zone 'UTC'
              group by 1, 2
            ) as usage_monthly
            where ${gate}
            group by 1, 2
            order by 2 desc, 1`,
        }),
        monthBounds(parseInput(table, usageMonthsInput, months)),
      )
    },
  }),
})
