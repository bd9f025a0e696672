export type { CallerTenant } from './caller.ts'
export { PERIOD_KINDS, type PeriodKind, periodObjects } from './periods/objects.ts'
export { RateLimitError, type RateLimitRefusal } from './rate-limits/error.ts'
export {
  type LimitExpression,
  type RateLimit,
  type RateLimitRowsOptions,
  type RateLimitsOptions,
  type SlidingWindow,
  type TokenBucket,
  WINDOW_LIMIT_MAX,
} from './rate-limits/options.ts'
export {
  defineRateLimitRows,
  defineRateLimits,
  type RateLimits,
  type RateLimitStatus,
  type TakeOptions,
} from './rate-limits/rate-limits.ts'
export { definePlans, type Guard, guard, type Plans, type PlansParts } from './plans/define-plans.ts'
export type { CountOptions, GuardOptions } from './plans/guard-plan.ts'
export type { LimitsOperator, NearLimit, PlanUsage } from './plans/operator.ts'
export type {
  NearLimitsOptions,
  OfAccount,
  Override,
  OverrideOf,
  UsageByPlanOptions,
} from './plans/operator-input.ts'
export type {
  AllocatedFeature,
  Caps,
  Feature,
  FeaturePeriod,
  Features,
  PeriodicFeature,
  PlansOptions,
  Standing,
  StatusOf,
  SubscriptionSource,
} from './plans/options.ts'
export { type AccountType, planTables, type PlanTables } from './plans/tables.ts'
export type {
  Consumable,
  Consumed,
  ConsumeOptions,
  FeatureUsage,
  Hold,
  HoldOptions,
  HoldState,
  Limits,
  SubjectOption,
} from './plans/types.ts'
export type { LimitVerbs } from './plans/verbs.ts'
export {
  type Credits,
  defineCredits,
  type EarnInput,
  type Posted,
  type SpendInput,
} from './credits/credits.ts'
export { InsufficientCreditsError } from './credits/error.ts'
export type { CreditEntry, CreditKind, History, HistoryOptions } from './credits/history.ts'
export type { BalancesOf, CreditKinds, CreditsOptions, EntriesOf } from './credits/options.ts'
