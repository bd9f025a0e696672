import { type JobSource, scheduledNames } from './source.ts'

/** A task of graphile-worker 0.16, as far as it is used. */
export type GraphileTask = (
  payload: unknown,
  helpers: { readonly abortSignal?: AbortSignal | undefined },
) => Promise<void>

export interface GraphileJobs {
  readonly taskList: Readonly<Record<string, GraphileTask>>
  /** Lines of a crontab, in UTC, as graphile-worker reads them. */
  readonly crontab: string
}

/**
 * A system's jobs for graphile-worker: `run({ …, ...graphileJobs(system) })`, in any number of processes. Each job has
 * a queue of its own, so that it doesn't run twice at a time, and a key, so that a slow one piles up nothing.
 */
export function graphileJobs(source: JobSource): GraphileJobs {
  const names = [...scheduledNames(source.definition)]
  return {
    taskList: Object.fromEntries(
      names.map(([name, job]): readonly [string, GraphileTask] => [
        name,
        async (_payload, { abortSignal }) => {
          await source.runJob(job.name, abortSignal === undefined ? {} : { signal: abortSignal })
        },
      ]),
    ),
    // One attempt: the next time comes by itself.
    crontab: names
      .map(([name, { schedule }]) => `${schedule} ${name} ?queue=${name}&jobKey=${name}&max=1`)
      .join('\n'),
  }
}
