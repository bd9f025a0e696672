/** The refusal of a plan's limit, as the functions of @tenantry/limits say it in JSON. */
import { LimitError, type TenantryErrorOptions } from './errors.ts'

/** Why a plan refused: its cap is reached, units held by unfinished work are in the way, or the account's standing. */
export type PlanLimitReason = 'limit' | 'holds' | 'standing'

/** What a plan's limit says of a refused call. Amounts are in the feature's own unit. */
export interface PlanLimit {
  readonly feature: string
  /** The account's plan; null where it has none. */
  readonly plan: string | null
  /** The cap that was in force; null means unlimited (the standing refused, then). */
  readonly limit: number | null
  readonly used: number
  /** Held by work that isn't finished. */
  readonly reserved: number
  readonly requested: number
  /** When the next period begins; null where the limit has no periods. */
  readonly resetsAt: Date | null
  readonly reason: PlanLimitReason
  /** The smallest plan whose cap would admit the call now; null where none would. */
  readonly smallestPlan: string | null
}

/** The plan's limit of one feature refused the call. Nothing was counted or written. */
export class PlanLimitError extends LimitError implements PlanLimit {
  readonly feature: string
  readonly plan: string | null
  readonly limit: number | null
  readonly used: number
  readonly reserved: number
  readonly requested: number
  readonly resetsAt: Date | null
  readonly reason: PlanLimitReason
  readonly smallestPlan: string | null
  /** `holds`: unfinished work may give units back at any moment. */
  override readonly retryable: boolean
  /** For an answer over HTTP: 402 where paying helps, 429 where waiting does. */
  readonly httpStatus: 402 | 429

  constructor(limit: PlanLimit, options: TenantryErrorOptions = {}) {
    super(planLimitMessage(limit), { ...options, hint: planLimitHint(limit) })
    const waits = limit.reason === 'holds' || (limit.reason === 'limit' && limit.resetsAt !== null)
    this.feature = limit.feature
    this.plan = limit.plan
    this.limit = limit.limit
    this.used = limit.used
    this.reserved = limit.reserved
    this.requested = limit.requested
    this.resetsAt = limit.resetsAt
    this.reason = limit.reason
    this.smallestPlan = limit.smallestPlan
    this.retryable = limit.reason === 'holds'
    this.httpStatus = waits && (limit.smallestPlan === null || limit.reason === 'holds') ? 429 : 402
  }

  override toJSON(): Record<string, unknown> {
    const { feature, plan, limit, used, reserved, requested, resetsAt, reason, smallestPlan, httpStatus } =
      this
    return {
      ...super.toJSON(),
      feature,
      plan,
      limit,
      used,
      reserved,
      requested,
      resetsAt,
      reason,
      smallestPlan,
      httpStatus,
    }
  }
}

function planLimitMessage({ feature, plan, limit, used, reserved, requested, reason }: PlanLimit): string {
  if (reason === 'standing') {
    return plan === null
      ? `There is no plan for ${feature}`
      : `The plan ${plan} can't use ${feature} at present`
  }
  const held = reserved === 0 ? '' : `, ${reserved} held`
  return `The plan ${plan} allows ${limit} of ${feature}: ${used} used${held}, ${requested} requested`
}

function planLimitHint({ reason, resetsAt, smallestPlan }: PlanLimit): string | undefined {
  if (reason === 'standing') return 'The subscription has to be in good standing, and its plan a declared one'
  if (reason === 'holds') return 'Work that is under way holds the rest; try again when it has finished'
  const next = resetsAt === null ? null : `it starts anew at ${resetsAt.toISOString()}`
  if (smallestPlan === null) return next === null ? undefined : `For this plan ${next}`
  return `The plan ${smallestPlan} would admit it${next === null ? '' : `; ${next}`}`
}

/** Reads what the database says of a refusal; null where it is of something else. */
export function planLimitOf(said: unknown): PlanLimit | null {
  if (typeof said !== 'object' || said === null) return null
  const value = (name: string): unknown => Reflect.get(said, name) ?? null
  const numberOf = (name: string): number | null => (value(name) === null ? null : Number(value(name)))
  const textOf = (name: string): string | null => (value(name) === null ? null : String(value(name)))
  const [feature, reason, resetsAt] = [textOf('feature'), textOf('reason'), textOf('resetsAt')]
  if (feature === null || (reason !== 'limit' && reason !== 'holds' && reason !== 'standing')) return null
  return {
    feature,
    plan: textOf('plan'),
    limit: numberOf('limit'),
    used: numberOf('used') ?? 0,
    reserved: numberOf('reserved') ?? 0,
    requested: numberOf('requested') ?? 0,
    resetsAt: resetsAt === null ? null : new Date(resetsAt),
    reason,
    smallestPlan: textOf('smallestPlan'),
  }
}
