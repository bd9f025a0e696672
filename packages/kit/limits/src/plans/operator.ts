/** What an operator asks of all accounts. Runs as the service role. */
import { type CompiledQuery, type Executor, IsolationError } from '@tenantry/core'
import { sql } from 'drizzle-orm'

/** An open counter that is nearly used up, or used up. */
export interface NearLimit {
  readonly account: string
  readonly feature: string
  readonly subject: string | null
  readonly plan: string | null
  readonly limit: number
  readonly used: number
  readonly reserved: number
  /** Of the limit, used and reserved; above 100 after a downgrade. Null where the limit is 0. */
  readonly percentage: number | null
}

/** What the accounts of a plan used in the periods that began in a month. */
export interface PlanUsage {
  readonly plan: string | null
  readonly feature: string
  readonly kind: 'metered' | 'costed'
  readonly accounts: number
  /** Of a costed feature: the cost. */
  readonly used: number
  readonly overage: number
}

export interface LimitsOperator {
  /** Accounts at `percent` (default 80) of a limit and above, the fullest first; at most `limit` (default 100). */
  nearLimits(
    executor: Executor,
    options?: { readonly percent?: number; readonly limit?: number },
  ): Promise<readonly NearLimit[]>
  /** `month` as `2026-11`, in UTC. Default: the current one. Plans are those at the end of each period. */
  usageByPlan(executor: Executor, options?: { readonly month?: string }): Promise<readonly PlanUsage[]>
}

const query = (text: string, ...names: readonly string[]): CompiledQuery => ({
  text,
  params: names.map((name) => sql.placeholder(name)),
  gated: false,
})

const NEAR_LIMITS = query(
  `select account::text, feature, nullif(subject, ''), plan, cap::float8, used::float8, reserved::float8,
  (100 * (used + reserved) / nullif(cap, 0))::float8 as percentage
from tenantry.limit_counters
where ends > tenantry.limit_clock() and starts <= tenantry.limit_clock()
  and cap is not null and used + reserved > 0 and used + reserved >= cap * $1::numeric / 100
order by percentage desc nulls first, account, feature, subject
limit $2::integer`,
  'percent',
  'limit',
)

const USAGE_BY_PLAN = query(
  `select plan, feature, kind, count(distinct account)::float8, sum(used)::float8, sum(overage)::float8
from tenantry.limit_counters,
  lateral (select coalesce(to_timestamp($1::text, 'YYYY-MM')::timestamp, date_trunc('month', tenantry.limit_clock() at time zone 'UTC')) as starts) as month
where kind <> 'allocated'
  and limit_counters.starts >= month.starts at time zone 'UTC'
  and limit_counters.starts < (month.starts + interval '1 month') at time zone 'UTC'
group by plan, feature, kind
order by plan nulls last, feature`,
  'month',
)

export const operator: LimitsOperator = {
  async nearLimits(executor, { percent = 80, limit = 100 } = {}) {
    const { rows } = await asService(executor).run(NEAR_LIMITS, { percent, limit })
    return rows.map(([account, feature, subject, plan, cap, used, reserved, percentage]) => ({
      account: String(account),
      feature: String(feature),
      subject: subject === null ? null : String(subject),
      plan: plan === null ? null : String(plan),
      limit: Number(cap),
      used: Number(used),
      reserved: Number(reserved),
      percentage: percentage === null ? null : Number(percentage),
    }))
  },
  async usageByPlan(executor, { month = null as string | null } = {}) {
    const { rows } = await asService(executor).run(USAGE_BY_PLAN, { month })
    return rows.map(([plan, feature, kind, accounts, used, overage]) => ({
      plan: plan === null ? null : String(plan),
      feature: String(feature),
      kind: kind as PlanUsage['kind'],
      accounts: Number(accounts),
      used: Number(used),
      overage: Number(overage),
    }))
  },
}

function asService(executor: Executor): Executor {
  if (executor.role === 'service') return executor
  throw new IsolationError('The usage of all accounts is for the service role')
}
