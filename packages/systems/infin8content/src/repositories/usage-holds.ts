/** A count and a cost that are held together for work whose outcome isn't known yet. */
import { type Executor, ValidationError, withRetry } from '@tenantry/core'
import type { Hold } from '@tenantry/limits'
import { parseInput } from '@tenantry/repository'
import { plans } from '../database/plans.ts'
import { usageTracking as table } from '../schema/index.ts'
import type { UsageMetric } from '../types/enums.ts'
import {
  type ReserveUsageInput,
  reserveUsageInput,
  type UsedInput,
  usedInput,
} from '../types/usage-inputs.ts'
import { COST_FEATURES } from '../types/plans.ts'

/** What `reserve` holds; null where nothing of it was asked for. */
export interface UsageHold {
  readonly metric: UsageMetric
  readonly count: Hold | null
  readonly cost: Hold | null
}

/** Both or none, in one transaction. The cost first: everybody who takes both takes them in the order of their names. */
export async function reserveUsage(executor: Executor, input: ReserveUsageInput): Promise<UsageHold> {
  const { metric, count, costUsd, key, ttlMs } = parseInput(table, reserveUsageInput, input)
  return executor.transaction(async (within) => {
    const limits = plans.bind(within)
    const cost =
      costUsd === 0 ? null : await limits.hold(COST_FEATURES[metric], costUsd, { key: `cost:${key}`, ttlMs })
    return {
      metric,
      count: count === 0 ? null : await limits.hold(metric, count, { key: `count:${key}`, ttlMs }),
      cost,
    }
  })
}

/**
 * One after the other, since each is an effect of its own that can be asked for again, and no lock is kept meanwhile:
 * a row of `usage_tracking` follows both counters.
 */
export async function commitUsage(executor: Executor, hold: UsageHold, used: UsedInput = {}): Promise<void> {
  const { count, costUsd } = parseInput(table, usedInput, used)
  if (hold.cost === null && (costUsd ?? 0) > 0) throw unheld('costUsd', 'cost')
  if (hold.count === null && (count ?? 0) > 0) throw unheld('count', 'count')
  await committed(executor, hold.cost, costUsd)
  await committed(executor, hold.count, count)
}

export async function releaseUsage(executor: Executor, hold: UsageHold): Promise<void> {
  const limits = plans.bind(executor)
  if (hold.cost !== null) await limits.release(hold.cost)
  if (hold.count !== null) await limits.release(hold.count)
}

/** Gives back what work that failed held; what went wrong with the work is what the caller is to hear of. */
export async function abandonUsage(executor: Executor, hold: UsageHold): Promise<void> {
  // What can't be released now runs out by itself.
  await releaseUsage(executor, hold).catch(() => {})
}

/** It answers the same however often it is asked, so a lost connection is no reason to lose what was used. */
async function committed(executor: Executor, hold: Hold | null, actual: number | undefined): Promise<void> {
  if (hold === null) return
  const limits = plans.bind(executor)
  await withRetry(() => limits.commit(hold, actual), { when: ({ retryable }) => retryable })
}

function unheld(path: string, what: string): ValidationError {
  return new ValidationError(`No ${what} was reserved, so none can be committed`, [
    { path, message: 'must not be given: nothing of it was reserved' },
  ])
}
