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
