import { type JobSource, scheduledNames } from './source.ts'

/** A job as pg-boss hands it to a worker. */
export interface PgBossJob {
  readonly id: string
}

/** What is used of pg-boss 10; a started instance fits. */
export interface PgBossLike {
  createQueue(
    name: string,
    options: { name: string; policy: 'stately'; retryLimit: number; expireInHours: number },
  ): Promise<void>
  schedule(name: string, cron: string, data: object, options: { tz: string }): Promise<void>
  work(
    name: string,
    options: { pollingIntervalSeconds: number },
    handler: (jobs: readonly PgBossJob[]) => Promise<unknown>,
  ): Promise<string>
  offWork(name: string): Promise<void>
}

/** Jobs are due to the minute: looking more often finds nothing. */
const POLLING_INTERVAL_SECONDS = 10
/** The next time comes by itself, sooner than a retry would make a difference. */
const RETRY_LIMIT = 0
/** pg-boss's limit for a job; a run ends by its own budget long before. */
const EXPIRE_IN_HOURS = 23

/**
 * Schedules a system's jobs on pg-boss and works on them in this process, in any number of processes. A queue holds
 * one waiting and one running job, so that no job runs twice at a time and a slow one piles up nothing.
 *
 * @returns what stops working on them; jobs that run are aborted, and waited for.
 */
export async function workOnPgBoss(boss: PgBossLike, source: JobSource): Promise<() => Promise<void>> {
  const stopping = new AbortController()
  const running = new Set<Promise<unknown>>()
  const names = scheduledNames(source.definition)
  for (const [name, job] of names) {
    await boss.createQueue(name, {
      name,
      policy: 'stately',
      retryLimit: RETRY_LIMIT,
      expireInHours: EXPIRE_IN_HOURS,
    })
    await boss.schedule(name, job.schedule, {}, { tz: 'UTC' })
    await boss.work(name, { pollingIntervalSeconds: POLLING_INTERVAL_SECONDS }, async () => {
      const run = source.runJob(job.name, { signal: stopping.signal })
      running.add(run)
      try {
        return { message: await run }
      } finally {
        running.delete(run)
      }
    })
  }
  return async () => {
    stopping.abort()
    for (const name of names.keys()) await boss.offWork(name)
    await Promise.allSettled(running)
  }
}
