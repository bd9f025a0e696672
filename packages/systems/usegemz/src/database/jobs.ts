/** Searches as work that processes claim, within the time that each search has. */
import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { serviceJob } from '@tenantry/rls'
import { defineClaims } from '@tenantry/workflow'
import { scrapingJobs, scrapingResults } from '../schema/index.ts'
import { JOB_TIME_LIMIT_SECONDS } from '../types/enums.ts'

/** pending → processing → completed | error | timeout, and back to pending after a failure that may pass. */
export const jobClaims = defineClaims({
  table: scrapingJobs,
  tenant: 'userId',
  state: {
    column: 'status',
    ready: 'pending',
    working: 'processing',
    done: 'completed',
    failed: 'error',
    abandoned: 'timeout',
  },
  columns: { lastError: 'error' },
  stamps: {
    processing: 'startedAt',
    completed: 'completedAt',
    error: 'completedAt',
    timeout: 'completedAt',
  },
})

const LIMIT_TIME = { schema: 'tenantry', name: 'keep_time_of_scraping_jobs' }

const TIME_IS_OVER = 'the time limit of the job has passed'
const TRIAL_IS_OVER = 'nothing runs after the trial, unless it was converted'

const TIME_OUT = `update public.scraping_jobs as job
set status = case when job.timeout_at <= pg_catalog.statement_timestamp() then 'timeout' else 'error' end,
  error = case when job.timeout_at <= pg_catalog.statement_timestamp() then '${TIME_IS_OVER}' else '${TRIAL_IS_OVER}' end
from public.user_profiles as profile
where profile.user_id = job.user_id and job.status = 'processing'
  and job.available_at <= pg_catalog.statement_timestamp()
  and least(job.timeout_at, profile.runs_until) <= pg_catalog.statement_timestamp()`

/**
 * A lease outlives neither its job's time nor the person's trial, so that whoever claims the job next, or the job of this
 * module, ends it.
 * Ending it takes the same way as any claim; that is why a claim finds it ended, and not taken.
 */
export const jobTime = lazyModule({
  name: 'time limit of jobs',
  objects: () => [
    sqlFunction({
      ...LIMIT_TIME,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `
declare
  runs_until constant timestamptz := (
    select profile.runs_until from public.user_profiles as profile where profile.user_id = new.user_id
  );
begin
  new.timeout_at := coalesce(
    new.timeout_at, old.timeout_at, pg_catalog.statement_timestamp() + interval '${JOB_TIME_LIMIT_SECONDS} seconds'
  );
  if least(new.timeout_at, runs_until) > pg_catalog.statement_timestamp() then
    new.available_at := least(new.available_at, new.timeout_at, runs_until);
  elsif new.lease_token is distinct from old.lease_token then
    new.status := case when new.timeout_at <= pg_catalog.statement_timestamp() then 'timeout' else 'error' end;
    new.error := case new.status when 'timeout' then '${TIME_IS_OVER}' else '${TRIAL_IS_OVER}' end;
    new.lease_token := old.lease_token;
    new.attempts := old.attempts;
    new.available_at := old.available_at;
    new.started_at := old.started_at;
    new.completed_at := pg_catalog.now();
  else
    new.available_at := least(new.available_at, old.available_at);
  end if;
  return new;
end`,
    }),
    trigger({
      table: scrapingJobs,
      // After enforce_… and guard_…, which have found the claim to be one.
      name: 'keep_time',
      timing: 'before',
      events: ['update'],
      when: `new.status = 'processing'`,
      execute: LIMIT_TIME,
    }),
  ],
  jobs: () => [
    serviceJob({
      name: 'time out scraping jobs',
      schedule: '* * * * *',
      description:
        'Ends searches whose time, or whose person’s trial, has passed; while it does not run, they end when a worker comes to them',
      statement: TIME_OUT,
      message: (changed) => `${changed} searches whose time has passed are ended`,
    }),
  ],
})

const MATCH_JOB = { schema: 'tenantry', name: 'match_job_of_scraping_results' }

/** What is stored for a job is what its search looks for; what each shape must have is a CHECK of the table. */
export const resultsOfJob = lazyModule({
  name: 'results of a job',
  objects: () => [
    sqlFunction({
      ...MATCH_JOB,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `
begin
  if pg_catalog.jsonb_typeof(new.creators) = 'array' and exists (
    select from public.scraping_jobs as job
    cross join pg_catalog.jsonb_array_elements(new.creators) as creator
    where job.user_id = new.user_id and job.id = new.job_id
      and (
        creator ->> 'platform' is distinct from job.platform
        or (
          job.platform = 'TikTok'
          and (coalesce(creator ->> 'searchType', 'keyword') = 'similar') <> (job.target_username is not null)
        )
      )
  ) then
    raise exception using
      errcode = 'check_violation',
      message = 'creators of a job are of its platform and kind of search',
      schema = tg_table_schema, table = tg_table_name, constraint = 'scraping_results_creators_of_job';
  end if;
  return new;
end`,
    }),
    trigger({
      table: scrapingResults,
      name: 'match_job',
      timing: 'before',
      events: ['insert', { updateOf: ['creators', 'job_id'] }],
      execute: MATCH_JOB,
    }),
  ],
})
