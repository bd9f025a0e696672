import { DatabaseError, type Executor } from '@tenantry/core'
import type { FeatureUsage, NearLimit, PlanUsage } from '@tenantry/limits'
import { parseInput, type RepositoryDefinition, serviceOnly } from '@tenantry/repository'
import { plans } from '../database/plans.ts'
import {
  type NearLimitsInput,
  nearLimitsInput,
  type UsageByPlanInput,
  usageByPlanInput,
} from '../types/inputs.ts'

const table = plans.tables.limitCounters

export interface OutputLimits {
  /** The user's plan, how many outputs were asked for in this month and may be, and when it starts anew. */
  usage(): Promise<FeatureUsage<'outputs'>>
  /** For operators: users at 80 % of their outputs, unless it says otherwise, and above. Service role only. */
  nearLimits(options?: NearLimitsInput): Promise<readonly NearLimit[]>
  /** For operators: outputs by plan in the periods that began in a month, this one by default. Service role only. */
  usageByPlan(options?: UsageByPlanInput): Promise<readonly PlanUsage[]>
}

/** What plans allow, and what is used of it. Asking for an output counts, whoever does; nothing is counted here. */
export const limits: RepositoryDefinition<typeof table, OutputLimits> = {
  table,
  tenant: 'account',
  bind: (executor: Executor) => ({
    async usage() {
      const [usage] = await plans.bind(executor).usage()
      if (usage === undefined) throw new DatabaseError('The declaration of plans is not in the database')
      return usage
    },
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
