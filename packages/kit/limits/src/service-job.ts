import type { Job } from '@tenantry/core'
import { dollarQuote } from '@tenantry/ddl'
import { ROLES } from './caller.ts'

/** A job of one statement over all tenants, run as the service role in one transaction. */
export function serviceJob(
  job: Pick<Job, 'name' | 'schedule' | 'description'>,
  statement: string,
  message: (changed: number) => string,
): Job {
  return {
    ...job,
    sql: `do ${dollarQuote(`begin set local role ${ROLES.service}; ${statement}; end`, 'service')}`,
    async run(connection) {
      await connection.script(`begin; set local role ${ROLES.service}`)
      try {
        const { count } = await connection.query({ text: statement, params: [] })
        await connection.script('commit')
        return { changed: count, message: message(count) }
      } catch (error) {
        await connection.script('rollback')
        throw error
      }
    },
  }
}
