import { type Executor, IsolationError } from '@tenantry/core'

/**
 * Refuses a verb that spans tenants to everyone but the service role and the system's readers, whom the database
 * is asked about. Its statements show a reader what policies let readers see.
 *
 * @throws IsolationError for a tenant who is no reader.
 */
export async function readersOnly(executor: Executor, verb: string): Promise<void> {
  if (executor.role === 'service') return
  const { rows } = await executor.run({
    text: 'select tenantry.current_user_reads_all()',
    params: [],
    gated: false,
  })
  if (rows[0]?.[0] === true) return
  throw new IsolationError(
    `${verb} is for readers of the system, such as administrators, and the service role`,
  )
}
