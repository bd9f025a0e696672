import type { CompiledQuery } from '@tenantry/core'
import type { LimitVerbs } from '@tenantry/limits'
import { parseInput, type RepositoryDefinition, serviceOnly } from '@tenantry/repository'
import { sql } from 'drizzle-orm'
import { plans } from '../database/plans.ts'
import type { PlanFeature, PlanType } from '../types/enums.ts'
import { type UsageMonthsInput, usageMonthsInput } from '../types/inputs.ts'
import { monthBounds } from './months.ts'

const table = plans.tables.limitCounters

/** What the customers of a plan cost in a month. */
export interface PlanCost {
  /** As it is now; null for customers without a subscription. */
  readonly planType: PlanType | null
  readonly resourceType: string
  /** First day of the month, UTC, as `YYYY-MM-DD`. */
  readonly month: string
  readonly customers: number
  readonly count: number
  readonly costCents: number
}

/** `usage` lists regenerations once for each topic that had any in this month. */
export interface CustomerLimits extends LimitVerbs<PlanFeature> {
  /**
   * Metered calls and their cents by plan, resource and UTC month, the newest first, over what is tracked one by one
   * and what has been summed up. Service role only.
   */
  costByPlan(months?: UsageMonthsInput): Promise<readonly PlanCost[]>
}

/** What plans allow, and what is used of it. The verbs of other repositories count; nothing is counted here. */
export const limits: RepositoryDefinition<typeof table, CustomerLimits> = {
  ...plans.repository,
  bind: (executor) => ({
    ...plans.repository.bind(executor),
    async costByPlan(months = {}) {
      serviceOnly(executor, 'costByPlan')
      const { rows } = await executor.run(
        COST_BY_PLAN,
        monthBounds(parseInput(table, usageMonthsInput, months)),
      )
      return rows.map(([planType, resourceType, month, customers, count, costCents]) => ({
        planType: planType as PlanType | null,
        resourceType: String(resourceType),
        month: String(month),
        customers: Number(customers),
        count: Number(count),
        costCents: Number(costCents),
      }))
    },
  }),
}

const query = (text: string, ...names: readonly string[]): CompiledQuery => ({
  text,
  params: names.map((name) => sql.placeholder(name)),
  gated: false,
})

const COST_BY_PLAN = query(
  `select subscriptions.plan_type, used.resource_type, used.month::text, count(distinct used.user_id), sum(used.count), sum(used.cost_cents)
from (
  select user_id, resource_type, month, count, cost_cents
  from public.usage_monthly
  where month between $1::date and $2::date
  union all
  select user_id, resource_type, date_trunc('month', created_at at time zone 'UTC')::date, count(*), sum(cost_cents)
  from public.usage_tracking
  where created_at >= $1::date::timestamp at time zone 'UTC'
    and created_at < ($2::date + interval '1 month') at time zone 'UTC'
  group by 1, 2, 3
) as used
left join public.subscriptions on subscriptions.user_id = used.user_id
group by 1, 2, 3
order by 3 desc, 1 nulls last, 2`,
  'from',
  'to',
)
