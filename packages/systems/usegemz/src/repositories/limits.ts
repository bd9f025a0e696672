import type { Executor } from '@tenantry/core'
import type { FeatureUsage, PlanUsage, RateLimitStatus } from '@tenantry/limits'
import { parseInput, type RepositoryDefinition, serviceOnly } from '@tenantry/repository'
import { apiCalls as windows } from '../database/api-calls.ts'
import { plans } from '../database/plans.ts'
import { apiCallsInput, type UsageByPlanInput, usageByPlanInput } from '../types/inputs.ts'

const table = plans.tables.limitCounters

/** What of it is counted. */
export type UsedFeature = 'searches' | 'api_calls' | 'campaigns' | 'active_campaigns'

export interface PersonLimits {
  /** What is counted of the person, and whether anything may be begun at this moment (`available`). */
  usage(): Promise<readonly FeatureUsage<UsedFeature>[]>
  /** How many calls of the platforms' APIs are left in the hour that ends now. */
  apiCalls(): Promise<RateLimitStatus>
  /**
   * Takes calls (1 unless it says otherwise) of the platforms' APIs, before they are made: all of them or none, as many
   * in any hour as the settings `api.max_api_calls_testing` and `api.max_api_calls_production` say at that moment,
   * by the setting `api.mode`. Outside a transaction, since others wait for it. Service role only, bound to the person.
   *
   * @throws RateLimitError with `retryAfterMs`; nothing is counted then.
   * @throws PlanLimitError when the trial has ended and was not converted.
   */
  takeApiCalls(calls?: number): Promise<RateLimitStatus>
  /** For operators: what people used in the periods that began in a month, this one by default. Service role only. */
  usageByPlan(options?: UsageByPlanInput): Promise<readonly PlanUsage[]>
}

/** What a person may begin. Writing a campaign or a search counts, whoever does; here it is read, and calls are taken. */
export const limits: RepositoryDefinition<typeof table, PersonLimits> = {
  table,
  tenant: 'account',
  bind: (executor: Executor) => ({
    usage: () => plans.bind(executor).usage(),
    apiCalls: () => windows.status(executor, 'api_calls'),
    async takeApiCalls(calls = 1) {
      serviceOnly(executor, 'takeApiCalls')
      const amount = parseInput(table, apiCallsInput, calls)
      const left = await windows.take(executor, 'api_calls', { amount })
      // Refused for the trial alone. Then the window has taken calls that nobody makes, and nobody may.
      await plans.bind(executor).consume('api_calls', amount)
      return left
    },
    async usageByPlan(options = {}) {
      serviceOnly(executor, 'usageByPlan')
      const { month } = parseInput(table, usageByPlanInput, options)
      return plans.operator.usageByPlan(executor, month === undefined ? {} : { month })
    },
  }),
}
