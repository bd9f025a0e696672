import { quoteLiteral } from '@tenantry/ddl'
import { type JobSource, scheduledNames } from './source.ts'

export interface PgCronOptions {
  /** The system's database, where pg_cron lives in another one (`cron.database_name`). */
  readonly database?: string
}

export interface PgCronPlan {
  /**
   * Complete statements, for the database that has pg_cron, as the owner of the tables: the role that runs them is the
   * role that the jobs run as. They may be repeated; what is no longer declared is taken off the schedule.
   */
  readonly statements: readonly string[]
  /** Names of jobs that aren't SQL alone: hand them to another scheduler. */
  readonly left: readonly string[]
}

/** The schedule of a system's SQL-only jobs for pg_cron, whose time zone (`cron.timezone`) must be GMT, its default. */
export function pgCronPlan(source: Pick<JobSource, 'definition'>, options: PgCronOptions = {}): PgCronPlan {
  const named = [...scheduledNames(source.definition)]
  const able = named.flatMap(([name, { schedule, sql }]) =>
    sql === undefined ? [] : [{ name, schedule, sql }],
  )
  const own = quoteLiteral(`${source.definition.name}-`)
  const kept = able.map(({ name }) => quoteLiteral(name)).join(', ')
  return {
    statements: [
      `select cron.unschedule(jobid) from cron.job where pg_catalog.starts_with(jobname, ${own}) and jobname <> all (array[${kept}]::text[])`,
      ...able.map(({ name, schedule, sql }) => {
        const args = [name, schedule, sql].map(quoteLiteral).join(', ')
        return options.database === undefined
          ? `select cron.schedule(${args})`
          : `select cron.schedule_in_database(${args}, ${quoteLiteral(options.database)})`
      }),
    ],
    left: named.filter(([, { sql }]) => sql === undefined).map(([, { name }]) => name),
  }
}
