/** Limits as a repository of a system: what a tenant asks of its own, and an operator of all. */
import type { Executor } from '@tenantry/core'
import type { RepositoryDefinition } from '@tenantry/repository'
import type { LimitsOperator, NearLimit, PlanUsage } from './operator.ts'
import type { NearLimitsOptions, Override, UsageByPlanOptions } from './operator-input.ts'
import type { PlansPlan } from './plan.ts'
import type { PlanTables } from './tables.ts'
import type { FeatureUsage } from './types.ts'

/** All but `usage` are the service role's: to a tenant they are an IsolationError. */
export interface LimitVerbs<Name extends string> {
  /** What the plan allows of each feature, what is used of it, and when it starts anew. */
  usage(): Promise<readonly FeatureUsage<Name>[]>
  /** Accounts at `percent` (default 80) of a limit and above, the fullest first. */
  nearLimits(options?: NearLimitsOptions): Promise<readonly NearLimit[]>
  /** What the accounts of each plan used in the periods that began in a UTC month; default: this one. */
  usageByPlan(options?: UsageByPlanOptions): Promise<readonly PlanUsage[]>
  /** Another cap than the plan's for the tenant; null is unlimited. In force at once. */
  override(override: Omit<Override<Name>, 'account'>): Promise<void>
  /** The plan's own cap again. Repeating it changes nothing. */
  dropOverride(feature: Name): Promise<void>
  /**
   * Removes what limits keep of the tenant, once it is deleted.
   *
   * @throws ValidationError while it has rows that count for an allocated feature.
   */
  forget(): Promise<void>
}

export function limitsRepository<Name extends string>(
  { accountIsTenant }: PlansPlan,
  { limitCounters: table }: Pick<PlanTables, 'limitCounters'>,
  operator: LimitsOperator<Name>,
  usage: (executor: Executor) => Promise<readonly FeatureUsage<Name>[]>,
): RepositoryDefinition<PlanTables['limitCounters'], LimitVerbs<Name>> {
  return {
    table,
    tenant: accountIsTenant ? 'account' : null,
    bind: (executor) => ({
      usage: () => usage(executor),
      nearLimits: (options) => operator.nearLimits(executor, options),
      usageByPlan: (options) => operator.usageByPlan(executor, options),
      override: (override) => operator.override(executor, override),
      dropOverride: (feature) => operator.dropOverride(executor, { feature }),
      forget: () => operator.forget(executor),
    }),
  }
}
