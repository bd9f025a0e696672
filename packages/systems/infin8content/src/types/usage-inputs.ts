/** What callers give about plans, usage and rate limits. */
import { filledText, id, instant } from '@tenantry/repository/fields'
import { z } from 'zod'
import { ORGANIZATION_PLANS, SUBSCRIPTION_STATUSES, USAGE_METRICS } from './enums.ts'

/** A ceiling far above any plan's, below which six decimals are exact. */
const costUsd = z.number().min(0).max(1_000_000)
const estimatedCostUsd = costUsd.min(0.000001, 'must be above 0: what costs nothing needs no hold')
const count = z.int().min(0).max(1_000_000)

/** How long work holds what it may use, where nobody says: longer than any of the product's calls takes. */
export const HOLD_MS = 3_600_000

export const reserveUsageInput = z
  .strictObject({
    metric: z.enum(USAGE_METRICS),
    count: count.default(0),
    /** The most that it is expected to cost. */
    costUsd: costUsd.default(0),
    /** Names the work among the organization's. */
    key: filledText(190),
    ttlMs: z
      .int()
      .min(1)
      .max(30 * 86_400_000)
      .default(HOLD_MS),
  })
  .refine((value) => value.count > 0 || value.costUsd > 0, {
    path: ['count'],
    message: 'must be above 0 where there is no cost: else there is nothing to hold',
  })

/** What work took. Left out: what was held. */
export const usedInput = z.strictObject({ count, costUsd }).partial()

/** What an organization pays for, as the billing service tells. */
export const subscriptionInput = z
  .strictObject({
    plan: z.enum(ORGANIZATION_PLANS),
    status: z.enum(SUBSCRIPTION_STATUSES).default('active'),
    /** From then on the free plan is in force: a trial's end, or what was paid up to. Null: it goes on. */
    endsAt: instant.nullable().default(null),
  })
  .refine(({ status, endsAt }) => endsAt !== null || (status !== 'trialing' && status !== 'canceled'), {
    path: ['endsAt'],
    message: 'must be given for a trial, and for a subscription that was canceled',
  })

/** Calls of a rate limit, all or none. */
export const takeInput = z.strictObject({
  key: filledText(255),
  amount: z.int().min(1).max(1000).default(1),
})

export const rateLimitKeyInput = z.strictObject({ key: filledText(255) })

/** Work that finds keywords, before it begins. */
export const expandInput = z.strictObject({
  id,
  /** Keywords that are kept at most; room for them is held meanwhile. */
  max: z.int().min(1).max(1000).default(50),
  /** The most that finding them is expected to cost, in US dollars. */
  estimatedCostUsd,
})

export const writeSectionInput = z.strictObject({
  /** The most that writing the section is expected to cost, in US dollars. */
  estimatedCostUsd,
})

export type ReserveUsageInput = z.input<typeof reserveUsageInput>
export type UsedInput = z.input<typeof usedInput>
export type SubscriptionInput = z.input<typeof subscriptionInput>
export type TakeInput = z.input<typeof takeInput>
export type ExpandInput = z.input<typeof expandInput>
export type WriteSectionInput = z.input<typeof writeSectionInput>
