import { ConfigurationError, type Job } from '@tenantry/core'

/** What a scheduler needs of a system; `contentpilot(db)` is one. */
export interface JobSource {
  readonly definition: { readonly name: string; readonly jobs: readonly Job[] }
  runJob(name: string, options?: { readonly signal?: AbortSignal }): Promise<string>
}

/**
 * A job's name as schedulers take them: `contentpilot-refresh-dashboard`. Stable as long as system and job are called
 * the same.
 *
 * @throws ConfigurationError for two jobs that would get the same.
 */
export function scheduledNames({ name, jobs }: JobSource['definition']): ReadonlyMap<string, Job> {
  const named = new Map<string, Job>()
  for (const job of jobs) {
    const scheduled = `${name}-${job.name}`.toLowerCase().replace(/[^a-z0-9_]+/g, '-')
    const other = named.get(scheduled)
    if (other !== undefined) {
      throw new ConfigurationError(
        `The jobs "${other.name}" and "${job.name}" can't be told apart as ${scheduled}`,
      )
    }
    named.set(scheduled, job)
  }
  return named
}
