import { type Executor, IsolationError } from '@tenantry/core'

/**
 * Refuses a verb that a customer may not call: what Clerk or Stripe says, nobody says for themselves. The
 * database refuses its statements too.
 */
export function serviceOnly(executor: Executor, verb: string): void {
  if (executor.role === 'service') return
  throw new IsolationError(`${verb} is for the service role`, {
    hint: 'Call it in system(), or on asService(), from the webhook or job that it is for',
  })
}
