import { type Executor, IsolationError } from '@tenantry/core'

/**
 * Refuses a verb that a tenant may not call: what Clerk or Stripe says, nobody says for themselves. The
 * database must refuse its statements too. Throws IsolationError.
 */
export function serviceOnly(executor: Executor, verb: string): void {
  if (executor.role === 'service') return
  throw new IsolationError(`${verb} is for the service role`, {
    hint: 'Call it in system(), or on asService(), from the webhook or job that it is for',
  })
}
