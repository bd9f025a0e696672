import { LimitError } from '@tenantry/core'

/** There are too few credits. Nothing was spent or written. */
export class InsufficientCreditsError extends LimitError {
  readonly reason = 'credits'
  readonly httpStatus = 402
  /** What may be spent now. */
  readonly balance: number
  readonly requested: number

  constructor(balance: number, requested: number) {
    super(`There are ${balance} credits, and ${requested} are asked for`, {
      hint: 'Nothing was spent; the same call may be made again, with its key, when there are more',
    })
    this.balance = balance
    this.requested = requested
  }

  override toJSON(): Record<string, unknown> {
    const { reason, httpStatus, balance, requested } = this
    return { ...super.toJSON(), reason, httpStatus, balance, requested }
  }
}
