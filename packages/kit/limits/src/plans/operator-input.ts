/** What an operator gives, checked before anything is sent. The database checks exceptions again. */
import { filledText, id, instant, text } from '@tenantry/repository/fields'
import { z } from 'zod'
import type { PlansPlan } from './plan.ts'
import { type AccountType, CAP_MAX } from './tables.ts'

export interface NearLimitsOptions {
  /** Of the limit, used and reserved: 1 to 1,000. Default: 80. */
  readonly percent?: number | undefined
  /** At most so many, up to 1,000. Default: 100. */
  readonly limit?: number | undefined
}

export interface UsageByPlanOptions {
  /** In which the periods began, in UTC, such as `2026-11`. Default: the current one. */
  readonly month?: string | undefined
}

export interface OfAccount {
  /** Default: the tenant to which the executor is bound, where tenants are the accounts. */
  readonly account?: string | undefined
}

export interface OverrideOf<Name extends string = string> extends OfAccount {
  readonly feature: Name
}

export interface Override<Name extends string = string> extends OverrideOf<Name> {
  /** Instead of the plan's: from 0, whole unless the feature is costed. Null: unlimited. */
  readonly cap: number | null
  /** From when on the plan's cap is in force again: a Date, or ISO 8601 with a zone. Null or left out: never. */
  readonly expiresAt?: Date | string | null | undefined
  /** For whoever looks at it later; at most 1,000 characters. */
  readonly reason?: string | null | undefined
}

/** Made when an operator first asks: most processes never do. */
export function operatorInputs({ accountType, features }: PlansPlan) {
  const ofAccount = z.strictObject({ account: accountInput(accountType).optional() })
  const ofFeature = ofAccount.extend({ feature: z.enum(features.map((feature) => feature.name)) })
  const whole = new Set(features.flatMap((feature) => (feature.kind === 'costed' ? [] : [feature.name])))
  const override = ofFeature
    .extend({
      cap: z.number().min(0).max(CAP_MAX).nullable(),
      expiresAt: instant.nullable().optional(),
      reason: text(1000).nullable().optional(),
    })
    .refine(({ feature, cap }) => cap === null || Number.isInteger(cap) || !whole.has(feature), {
      path: ['cap'],
      message: 'must be a whole number: the feature is counted in units',
    })
  return {
    nearLimits: z.strictObject({
      percent: z.number().min(1).max(1000).default(80),
      limit: z.int().min(1).max(1000).default(100),
    }),
    usageByPlan: z.strictObject({
      month: z
        .string()
        .regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, 'must be a month such as 2026-11')
        .optional(),
    }),
    override,
    dropOverride: ofFeature,
    forget: ofAccount,
  }
}

const accountInput = (type: AccountType) => (type === 'uuid' ? id : filledText(1000))
