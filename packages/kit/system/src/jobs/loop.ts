import { ConfigurationError, type Job } from '@tenantry/core'
import { Cron } from 'croner'
import type { JobSource } from './source.ts'

export type LoopEvent =
  | { readonly type: 'started'; readonly job: string }
  | { readonly type: 'finished'; readonly job: string; readonly message: string; readonly ms: number }
  /** It is tried again at its next time. */
  | { readonly type: 'failed'; readonly job: string; readonly error: unknown; readonly ms: number }
  /** Its time came while it was still running. */
  | { readonly type: 'skipped'; readonly job: string }

export interface LoopOptions {
  readonly signal: AbortSignal
  /** Must not throw. */
  readonly onEvent?: (event: LoopEvent) => void
}

/**
 * Runs a system's jobs at their times, in UTC, until the signal is aborted: for a process of your own, where there is
 * no scheduler. A job doesn't overlap with itself; a time that comes while it runs is skipped. Several processes run
 * every job each: jobs of the library then leave the work to one of them.
 *
 * @returns once the jobs that were running have ended; they are told by the same signal.
 * @throws ConfigurationError for a schedule that isn't a five-field cron expression.
 */
export async function runJobLoop(
  source: JobSource,
  { signal, onEvent = () => {} }: LoopOptions,
): Promise<void> {
  const running = new Map<string, Promise<void>>()

  async function perform(job: Job): Promise<void> {
    const started = performance.now()
    onEvent({ type: 'started', job: job.name })
    try {
      const message = await source.runJob(job.name, { signal })
      onEvent({ type: 'finished', job: job.name, message, ms: performance.now() - started })
    } catch (error) {
      onEvent({ type: 'failed', job: job.name, error, ms: performance.now() - started })
    }
  }

  function due(job: Job): void {
    if (running.has(job.name)) {
      onEvent({ type: 'skipped', job: job.name })
      return
    }
    running.set(
      job.name,
      perform(job).finally(() => running.delete(job.name)),
    )
  }

  const timers = source.definition.jobs.map((job) => ({ job, cron: cronOf(job) }))
  if (signal.aborted) return
  const stopped = new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  )
  for (const { job, cron } of timers) cron.schedule(() => due(job))
  await stopped
  for (const { cron } of timers) cron.stop()
  await Promise.all(running.values())
}

/** Not started yet. Five fields, as pg_cron and the others read them: no seconds, no nicknames. */
function cronOf({ name, schedule }: Job): Cron {
  try {
    if (schedule.trim().split(/\s+/).length !== 5) throw new Error('it must have five fields')
    return new Cron(schedule, { timezone: 'UTC', mode: '5-part', paused: false })
  } catch (cause) {
    throw new ConfigurationError(`The schedule "${schedule}" of the job ${name} can't be read`, {
      cause,
      hint: 'Write five fields: minute, hour, day of month, month, day of week',
    })
  }
}
