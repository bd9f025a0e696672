import type { Executor } from '@tenantry/core'
import type { FeatureUsage, NearLimit, PlanUsage } from '@tenantry/limits'
import { parseInput, type RepositoryDefinition, serviceOnly } from '@tenantry/repository'
import { plans } from '../database/plans.ts'
import type { PlanFeature } from '../types/enums.ts'
import {
  type NearLimitsInput,
  nearLimitsInput,
  type UsageByPlanInput,
  usageByPlanInput,
} from '../types/inputs.ts'

const table = plans.tables.limitCounters

export interface CustomerLimits {
  /** What the plan allows of each feature, what is used of it, and when it starts anew: requests of the UTC day, tokens of the month. */
  usage(): Promise<readonly FeatureUsage<PlanFeature>[]>
  /** For operators: customers at 80 % of a limit, unless it says otherwise, and above. Service role only. */
  nearLimits(options?: NearLimitsInput): Promise<readonly NearLimit[]>
  /**
   * For operators: requests and the tokens that they cost, by plan, in the periods that began in a UTC month, this
   * one by default. Service role only.
   */
  usageByPlan(options?: UsageByPlanInput): Promise<readonly PlanUsage[]>
}

/** What plans allow, and what is used of it. Asking for an enhancement counts, whoever does; nothing is counted here. */
export const limits: RepositoryDefinition<typeof table, CustomerLimits> = {
  table,
  tenant: 'account',
  bind: (executor: Executor) => ({
    usage: () => plans.bind(executor).usage(),
    async nearLimits(options = {}) {
      serviceOnly(executor, 'nearLimits')
      return plans.operator.nearLimits(executor, parseInput(table, nearLimitsInput, options))
    },
    async usageByPlan(options = {}) {
      serviceOnly(executor, 'usageByPlan')
      const { month } = parseInput(table, usageByPlanInput, options)
      return plans.operator.usageByPlan(executor, month === undefined ? {} : { month })
    },
  }),
}
