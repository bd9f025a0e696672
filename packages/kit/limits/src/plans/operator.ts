/** What an operator asks and says of accounts. Runs as the service role. */
import { type CompiledQuery, ConfigurationError, type Executor } from '@tenantry/core'
import { parseInput, serviceOnly } from '@tenantry/repository'
import { sql } from 'drizzle-orm'
import {
  type NearLimitsOptions,
  type OfAccount,
  operatorInputs,
  type Override,
  type OverrideOf,
  type UsageByPlanOptions,
} from './operator-input.ts'
import type { PlansPlan } from './plan.ts'
import type { PlanTables } from './tables.ts'

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

/**
 * Every call needs the service role's executor, and checks its input before anything is sent.
 *
 * @throws IsolationError for a tenant's executor, ValidationError that names what is wrong with the input.
 */
export interface LimitsOperator<Name extends string = string> {
  /** Accounts at `percent` of a limit and above, the fullest first. */
  nearLimits(executor: Executor, options?: NearLimitsOptions): Promise<readonly NearLimit[]>
  /** What was used and what it cost. Plans are those at the end of each period. */
  usageByPlan(executor: Executor, options?: UsageByPlanOptions): Promise<readonly PlanUsage[]>
  /**
   * An exception for one account: another cap than its plan's, in force at once and whatever plan it comes to have.
   * It takes the place of an earlier one for the feature.
   *
   * @throws ValidationError for a feature that isn't declared, a cap that is negative or not finite, or a fractional
   *   one of what is counted in whole units: nothing is written.
   */
  override(executor: Executor, override: Override<Name>): Promise<void>
  /** The plan's own cap again, at once. Repeating it changes nothing. */
  dropOverride(executor: Executor, of: OverrideOf<Name>): Promise<void>
  /**
   * Removes what is kept of an account that is deleted: counters with their history, holds, keys and exceptions.
   * Repeating it changes nothing. The state of rate limits goes by itself, a day after its last use; credits stay.
   *
   * @throws ValidationError while the account has rows that count for an allocated feature: nothing is removed.
   */
  forget(executor: Executor, of?: OfAccount): Promise<void>
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

const overrideQuery = (type: string): CompiledQuery =>
  query(
    `insert into tenantry.limit_overrides (account, feature, cap, expires_at, reason)
values ($1::${type}, $2, $3::numeric, $4::timestamptz, $5)
on conflict (account, feature) do update
set cap = excluded.cap, expires_at = excluded.expires_at, reason = excluded.reason`,
    'account',
    'feature',
    'cap',
    'expiresAt',
    'reason',
  )

const dropOverrideQuery = (type: string): CompiledQuery =>
  query(
    `delete from tenantry.limit_overrides where account = $1::${type} and feature = $2`,
    'account',
    'feature',
  )

const forgetQuery = (type: string): CompiledQuery =>
  query(`select tenantry.limit_erase(array[$1::${type}])`, 'account')

export function operatorOf<Name extends string>(
  plan: PlansPlan,
  { limitCounters, limitOverrides }: Pick<PlanTables, 'limitCounters' | 'limitOverrides'>,
): LimitsOperator<Name> {
  const { accountType } = plan
  let made: ReturnType<typeof operatorInputs> | undefined
  const inputs = () => (made ??= operatorInputs(plan))
  const statement = {
    override: overrideQuery(accountType),
    dropOverride: dropOverrideQuery(accountType),
    forget: forgetQuery(accountType),
  }
  const accountOf = ({ tenant }: Executor, account: string | undefined): string => {
    const own = account ?? (plan.accountIsTenant ? tenant : null)
    if (own !== null) return own
    throw new ConfigurationError('It is not said which account is meant', {
      hint: plan.accountIsTenant
        ? 'Give its id as `account`, or bind the service role to the tenant'
        : 'Give its id as `account`: a tenant is no account here',
    })
  }
  return {
    async nearLimits(executor, options = {}) {
      serviceOnly(executor, 'nearLimits')
      const { rows } = await executor.run(
        NEAR_LIMITS,
        parseInput(limitCounters, inputs().nearLimits, options),
      )
      return rows.map(([account, feature, subject, ofPlan, cap, used, reserved, percentage]) => ({
        account: String(account),
        feature: String(feature),
        subject: subject === null ? null : String(subject),
        plan: ofPlan === null ? null : String(ofPlan),
        limit: Number(cap),
        used: Number(used),
        reserved: Number(reserved),
        percentage: percentage === null ? null : Number(percentage),
      }))
    },
    async usageByPlan(executor, options = {}) {
      serviceOnly(executor, 'usageByPlan')
      const { month = null } = parseInput(limitCounters, inputs().usageByPlan, options)
      const { rows } = await executor.run(USAGE_BY_PLAN, { month })
      return rows.map(([ofPlan, feature, kind, accounts, used, overage]) => ({
        plan: ofPlan === null ? null : String(ofPlan),
        feature: String(feature),
        kind: kind as PlanUsage['kind'],
        accounts: Number(accounts),
        used: Number(used),
        overage: Number(overage),
      }))
    },
    async override(executor, given) {
      serviceOnly(executor, 'override')
      const {
        account,
        feature,
        cap,
        expiresAt = null,
        reason = null,
      } = parseInput(limitOverrides, inputs().override, given)
      await executor.run(statement.override, {
        account: accountOf(executor, account),
        feature,
        cap,
        expiresAt,
        reason,
      })
    },
    async dropOverride(executor, given) {
      serviceOnly(executor, 'dropOverride')
      const { account, feature } = parseInput(limitOverrides, inputs().dropOverride, given)
      await executor.run(statement.dropOverride, { account: accountOf(executor, account), feature })
    },
    async forget(executor, given = {}) {
      serviceOnly(executor, 'forget')
      const { account } = parseInput(limitCounters, inputs().forget, given)
      await executor.run(statement.forget, { account: accountOf(executor, account) })
    },
  }
}
