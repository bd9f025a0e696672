import { LimitError } from '@tenantry/core'

export interface RateLimitRefusal {
  /** The limit's name, or its row's key. */
  readonly limit: string
  readonly subject: string
  /** Calls that the window or bucket holds. */
  readonly quota: number
  /** Calls that are left now: fewer than were asked for. */
  readonly remaining: number
  readonly requested: number
  /** After this time the call succeeds if nobody else called meanwhile; null: never, it asks for more than the quota. */
  readonly retryAfterMs: number | null
}

/** There were too many calls. Nothing was counted or written. */
export class RateLimitError extends LimitError {
  readonly reason = 'rate'
  readonly httpStatus = 429
  readonly limit: string
  readonly subject: string
  readonly quota: number
  readonly remaining: number
  readonly requested: number
  readonly retryAfterMs: number | null

  constructor({ limit, subject, quota, remaining, requested, retryAfterMs }: RateLimitRefusal) {
    super(
      `The rate limit "${limit}" is reached: ${remaining} of ${quota} calls are left, ${requested} asked for`,
      {
        hint:
          retryAfterMs === null
            ? 'It never holds that many: ask for fewer at a time'
            : `Try again in ${retryAfterMs} ms`,
      },
    )
    this.limit = limit
    this.subject = subject
    this.quota = quota
    this.remaining = remaining
    this.requested = requested
    this.retryAfterMs = retryAfterMs
  }

  override toJSON(): Record<string, unknown> {
    const { reason, httpStatus, limit, quota, remaining, requested, retryAfterMs } = this
    return { ...super.toJSON(), reason, httpStatus, limit, quota, remaining, requested, retryAfterMs }
  }
}
