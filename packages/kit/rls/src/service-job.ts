import type { Connection, Job } from '@tenantry/core'
import { dollarQuote } from '@tenantry/ddl'
import { ROLES } from './names.ts'

export interface ServiceJobOptions extends Pick<Job, 'name' | 'schedule' | 'description'> {
  /** One INSERT, UPDATE or DELETE, over all tenants. */
  readonly statement: string
  /** A sentence for a log: `(changed) => …`. */
  readonly message: (changed: number) => string
}

/**
 * A job of one statement that runs as the service role, in one transaction. The login that runs it need only be
 * able to become that role.
 */
export function serviceJob({ statement, message, ...job }: ServiceJobOptions): Job {
  return {
    ...job,
    sql: `do ${dollarQuote(`begin set local role ${ROLES.service}; ${statement}; end`, 'service')}`,
    async run(connection) {
      const changed = await changedBy(connection, statement)
      return { changed, message: message(changed) }
    },
  }
}

async function changedBy(connection: Connection, text: string): Promise<number> {
  await connection.script(`begin; set local role ${ROLES.service}`)
  try {
    const { count } = await connection.query({ text, params: [] })
    await connection.script('commit')
    return count
  } catch (error) {
    await connection.script('rollback')
    throw error
  }
}
