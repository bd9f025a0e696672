import { ConfigurationError, IdempotencyError } from '@tenantry/core'
import type { FeatureUsage, LimitVerbs, PlanUsage } from '@tenantry/limits'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { getTableColumns, sql } from 'drizzle-orm'
import { plans } from '../database/plans.ts'
import { usageTracking as table } from '../schema/index.ts'
import type { UsageMetric } from '../types/enums.ts'
import { billingPeriodInput } from '../types/inputs.ts'
import type { CostFeature } from '../types/plans.ts'
import type { ReserveUsageInput, UsedInput } from '../types/usage-inputs.ts'
import { newestFirst } from './order.ts'
import { abandonUsage, commitUsage, releaseUsage, reserveUsage, type UsageHold } from './usage-holds.ts'

/**
 * What is used and what it costs, by metric and month. Counted by the database, by guards on articles and keywords
 * and by holds around work in other services; the rows here follow. Members read them.
 */
export const usage = defineRepository(table, {
  tenant: 'organizationId',
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    ...operatorVerbs(plans.repository.bind(executor)),

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

    /** Of each metric and its cost: used, held, limit and when it starts anew; also of what was never used. */
    async current(): Promise<readonly FeatureUsage<UsageMetric | CostFeature>[]> {
      return plans.bind(executor).usage()
    },

    /**
     * Holds a count and an estimated cost of a metric, both or none, until they are committed or released, or
     * `ttlMs` has passed. Articles and keywords are counted by their rows: hold their cost, or room for them.
     * The same key with the same values answers the same hold.
     *
     * @throws PlanLimitError if either doesn't fit, IdempotencyError if the key was used for something else.
     */
    async reserve(input: ReserveUsageInput): Promise<UsageHold> {
      return reserveUsage(executor, input)
    },

    /**
     * Says what the work took (default: what was held). What exceeds the limit then is kept as overage, and so is all
     * of it when the hold has run out: what was delivered is never lost. The same again changes nothing.
     *
     * @throws StaleTransitionError if the hold was released, IdempotencyError if it was committed with other values.
     */
    async commit(hold: UsageHold, used?: UsedInput): Promise<void> {
      return commitUsage(executor, hold, used)
    },

    /** Gives back what is held. @throws StaleTransitionError if it was committed. */
    async release(hold: UsageHold): Promise<void> {
      return releaseUsage(executor, hold)
    },

    /**
     * Runs work of which the cost is known afterwards, with nothing open in the database meanwhile: reserves, runs,
     * commits what `took` says of the result (default: what was held); releases if the work throws.
     *
     * @throws IdempotencyError if work was finished under this key before. Else what `reserve` or `run` throws.
     */
    async withHold<R>(
      input: ReserveUsageInput,
      run: () => Promise<R>,
      took: (result: R) => UsedInput = () => ({}),
    ): Promise<R> {
      if (executor.database === undefined) {
        throw new ConfigurationError('Work under a hold would keep the transaction open', {
          hint: 'Call withHold() outside transaction()',
        })
      }
      const hold = await reserveUsage(executor, input)
      if ([hold.count, hold.cost].some((each) => each !== null && each.state !== 'pending')) {
        throw new IdempotencyError('The work of this key was finished before', {
          hint: 'Take a new key for each piece of work',
        })
      }
      const result = await run().catch(async (error: unknown) => {
        await abandonUsage(executor, hold)
        throw error
      })
      await commitUsage(executor, hold, took(result))
      return result
    },

    /** What the organizations of each plan used and cost in a month (`2026-11`). Service role only. */
    async byPlan(period: string): Promise<readonly PlanUsage[]> {
      serviceOnly(executor, 'byPlan')
      const { period: month } = parseInput(table, billingPeriodInput, { period })
      return plans.operator.usageByPlan(executor, { month })
    },
  }),
})

/** Of the limits, what is an operator's: who is near one, exceptions for an organization, and that it is gone. */
function operatorVerbs({
  nearLimits,
  override,
  dropOverride,
  forget,
}: LimitVerbs<UsageMetric | CostFeature>): Pick<
  LimitVerbs<UsageMetric | CostFeature>,
  'nearLimits' | 'override' | 'dropOverride' | 'forget'
> {
  return { nearLimits, override, dropOverride, forget }
}
