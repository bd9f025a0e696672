import { type CompiledQuery, ConfigurationError, type Executor } from '@tenantry/core'
import type { FeatureUsage, NearLimit, PlanUsage } from '@tenantry/limits'
import { parseInput, type RepositoryDefinition, serviceOnly } from '@tenantry/repository'
import { sql } from 'drizzle-orm'
import { plans } from '../database/plans.ts'
import type { PlanFeature, PlanType } from '../types/enums.ts'
import {
  type OverrideInput,
  overrideInput,
  planFeatureInput,
  type UsageMonthsInput,
  usageMonthsInput,
} from '../types/inputs.ts'
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

export interface CustomerLimits {
  /**
   * All features of the plan with used, reserved, limit, percentage and when they start anew; regenerations once for
   * each topic that had any in this month.
   */
  usage(): Promise<readonly FeatureUsage<PlanFeature>[]>
  /** Another cap than the plan's for one customer; null is unlimited. In force at once. Service role only. */
  override(input: OverrideInput): Promise<void>
  /** The plan's own cap again. Repeating it changes nothing. Service role only. */
  dropOverride(feature: PlanFeature): Promise<void>
  /** Customers at `percent` (default 80) of a limit and above, the fullest first. Service role only. */
  nearLimits(options?: { readonly percent?: number; readonly limit?: number }): Promise<readonly NearLimit[]>
  /** What plans used in the periods that began in a UTC month, such as `2026-11`; default: this one. Service role only. */
  usageByPlan(options?: { readonly month?: string }): Promise<readonly PlanUsage[]>
  /**
   * Metered calls and their cents by plan, resource and UTC month, the newest first, over what is tracked one by one
   * and what has been summed up. Service role only.
   */
  costByPlan(months?: UsageMonthsInput): Promise<readonly PlanCost[]>
}

/** What plans allow, and what is used of it. The verbs of other repositories count; nothing is counted here. */
export const limits: RepositoryDefinition<typeof table, CustomerLimits> = {
  table,
  tenant: 'account',
  bind: (executor: Executor) => ({
    usage: () => plans.bind(executor).usage(),
    async override(input) {
      serviceOnly(executor, 'override')
      const { feature, cap, expiresAt = null, reason = null } = parseInput(overrides, overrideInput, input)
      await executor.run(OVERRIDE, { account: accountOf(executor), feature, cap, expiresAt, reason })
    },
    async dropOverride(feature) {
      serviceOnly(executor, 'dropOverride')
      const of = parseInput(overrides, planFeatureInput, feature)
      await executor.run(DROP_OVERRIDE, { account: accountOf(executor), feature: of })
    },
    nearLimits: (options) => plans.operator.nearLimits(executor, options),
    usageByPlan: (options) => plans.operator.usageByPlan(executor, options),
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

function accountOf({ tenant }: Executor): string {
  if (tenant !== null) return tenant
  throw new ConfigurationError('An exception is for one customer', {
    hint: 'Bind the customer first: asService().tenant(id)',
  })
}

const overrides = plans.tables.limitOverrides

const query = (text: string, ...names: readonly string[]): CompiledQuery => ({
  text,
  params: names.map((name) => sql.placeholder(name)),
  gated: false,
})

const OVERRIDE = query(
  `insert into tenantry.limit_overrides (account, feature, cap, expires_at, reason)
values ($1::uuid, $2, $3::numeric, $4::timestamptz, $5)
on conflict (account, feature) do update
set cap = excluded.cap, expires_at = excluded.expires_at, reason = excluded.reason`,
  'account',
  'feature',
  'cap',
  'expiresAt',
  'reason',
)

const DROP_OVERRIDE = query(
  'delete from tenantry.limit_overrides where account = $1::uuid and feature = $2',
  'account',
  'feature',
)

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
