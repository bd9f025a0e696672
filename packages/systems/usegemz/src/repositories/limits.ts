import type { LimitVerbs, RateLimitStatus } from '@tenantry/limits'
import { parseInput, type RepositoryDefinition, serviceOnly } from '@tenantry/repository'
import { apiCalls as windows } from '../database/api-calls.ts'
import { plans } from '../database/plans.ts'
import { apiCallsInput } from '../types/inputs.ts'

const table = plans.tables.limitCounters

/** What of it is counted. */
export type UsedFeature = 'searches' | 'api_calls' | 'campaigns' | 'active_campaigns'

/** `usage` says as well whether anything may be begun at this moment (`available`). */
export interface PersonLimits extends LimitVerbs<UsedFeature> {
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
}

/** What a person may begin. Writing a campaign or a search counts, whoever does; here it is read, and calls are taken. */
export const limits: RepositoryDefinition<typeof table, PersonLimits> = {
  ...plans.repository,
  bind: (executor) => ({
    ...plans.repository.bind(executor),
    apiCalls: () => windows.status(executor, 'api_calls'),
    async takeApiCalls(calls = 1) {
      serviceOnly(executor, 'takeApiCalls')
      const amount = parseInput(table, apiCallsInput, calls)
      const left = await windows.take(executor, 'api_calls', { amount })
      // Refused for the trial alone. Then the window has taken calls that nobody makes, and nobody may.
      await plans.bind(executor).consume('api_calls', amount)
      return left
    },
  }),
}
