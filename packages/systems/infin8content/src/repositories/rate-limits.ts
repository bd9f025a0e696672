import type { RateLimitStatus } from '@tenantry/limits'
import { defineRepository, parseInput } from '@tenantry/repository'
import { organizationRateLimits } from '../database/rate-limits.ts'
import { rateLimits as table } from '../schema/index.ts'
import { rateLimitKeyInput, type TakeInput, takeInput } from '../types/usage-inputs.ts'
import { newestFirst } from './order.ts'

/** Limits of calls in a sliding window of time: members read and use them, the service role sets them. */
export const rateLimits = defineRepository(table, {
  tenant: 'organizationId',
  readOnly: ['currentCount', 'windowStart', 'instants'],
  defaultSort: newestFirst,
  upsert: { on: ['key'], set: ['limitCount', 'windowMinutes', 'metadata'] },
  verbs: (_repository, executor) => ({
    /**
     * Takes calls (default 1) from one of the organization's limits: in any span of its minutes there are at most as
     * many as it says. Take them before a transaction begins: in it they count when it commits.
     *
     * @throws RateLimitError with `retryAfterMs` when too few are left; nothing is written then.
     * @throws NotFoundError when the organization has no limit of this key.
     */
    async take(input: TakeInput): Promise<RateLimitStatus> {
      const { key, amount } = parseInput(table, takeInput, input)
      return organizationRateLimits.take(executor, key, { amount })
    },

    /** What `take` would find. Writes nothing. @throws NotFoundError when there is no limit of this key. */
    async status(key: string): Promise<RateLimitStatus> {
      return organizationRateLimits.status(executor, parseInput(table, rateLimitKeyInput, { key }).key)
    },
  }),
})
