import type { Job } from '@tenantry/core'
import { ROLES } from '@tenantry/rls'

export interface CallJobOptions extends Pick<Job, 'name' | 'schedule' | 'description'> {
  /** A function of the database, such as `public.daily_maintenance()`. */
  readonly call: string
}

/** A job that calls a function. Whoever runs it, an owner or a login of the jobs, need only be able to become the service role. */
export function callJob({ call, ...job }: CallJobOptions): Job {
  const text = `do $$ begin set local role ${ROLES.service}; perform ${call}; end $$`
  return {
    ...job,
    sql: text,
    async run(connection) {
      await connection.query({ text, params: [] })
      return { changed: 1, message: `${job.name}: done` }
    },
  }
}
