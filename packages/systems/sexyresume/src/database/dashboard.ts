import type { Connection, Job, Module } from '@tenantry/core'
import { grants, lockDown, materializedView, sqlFunction, view } from '@tenantry/ddl'
import { ROLES } from '@tenantry/rls'

/** One row per user that the reader may see, each asked by index. */
const USER_DASHBOARD = `
select
  users.id,
  users.email,
  users.full_name,
  users.created_at,
  users.updated_at,
  (select count(*) from public.resumes where resumes.user_id = users.id and resumes.deleted_at is null) as resume_count,
  (select count(*) from public.exports where exports.user_id = users.id) as export_count,
  coalesce(
    (select export_unlocked from public.user_entitlements where user_entitlements.user_id = users.id),
    false
  ) as export_unlocked,
  coalesce((select balance from public.credit_balances where credit_balances.user_id = users.id), 0) as credit_balance
from public.users`

/** By UTC day of the sign-up. Someone is activated who has an export. */
const DAILY_METRICS = `
select
  date_trunc('day', users.created_at at time zone 'UTC')::date as date,
  count(*) as signups,
  count(*) filter (where users.created_at >= date_trunc('day', now(), 'UTC') - interval '7 days') as weekly_signups,
  count(*) filter (where exists (select from public.exports where exports.user_id = users.id)) as activated_users
from public.users
group by 1`

/** By UTC day and event: how often, in how many sessions, by how many people. */
const ANALYTICS_SUMMARY = `
select
  date_trunc('day', "timestamp" at time zone 'UTC')::date as date,
  event_name,
  count(*) as events,
  count(distinct session_id) as sessions,
  count(distinct subject_id) as subjects
from public.analytics_events
group by 1, 2`

const DASHBOARD = { name: 'user_dashboard_data' }
const SUMMARIES = [
  { name: 'daily_metrics', query: DAILY_METRICS, columns: ['date'] },
  { name: 'analytics_summary', query: ANALYTICS_SUMMARY, columns: ['date', 'event_name'] },
] as const

/** A refresh that finds another one running leaves it to that one. */
const refresh = (name: string): string => `
  if pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('tenantry:refresh ${name}', 0)) then
    if (select relispopulated from pg_catalog.pg_class where oid = 'public.${name}'::pg_catalog.regclass) then
      refresh materialized view concurrently public.${name};
    else
      refresh materialized view public.${name};
    end if;
  end if;`

/** Whoever runs it, an owner or a login of the jobs, need only be able to become the service role. */
export function serviceJob(
  options: Pick<Job, 'name' | 'schedule' | 'description'> & { readonly call: string },
): Job {
  const { call, ...job } = options
  const text = `do $$ begin set local role ${ROLES.service}; perform ${call}; end $$`
  return {
    ...job,
    sql: text,
    async run(connection: Connection) {
      await connection.query({ text, params: [] })
      return { changed: 1, message: `${job.name}: done` }
    },
  }
}

/**
 * The materialized views are for operators and reports: they have no row security, so no tenant role can read
 * one. A customer reads `user_dashboard_data`, which shows what its reader may see.
 */
export const dashboard: Module = {
  name: 'dashboard',
  objects: [
    view({ ...DASHBOARD, query: USER_DASHBOARD }),
    lockDown(DASHBOARD),
    ...[ROLES.tenant, ROLES.service].map((to) =>
      grants({ table: DASHBOARD, to, privileges: { select: true } }),
    ),
    ...SUMMARIES.flatMap(({ name, query, columns }) => [
      materializedView({
        name,
        query,
        owner: ROLES.definer,
        indexes: [{ name: `idx_${name}_key`, columns, unique: true }],
      }),
      lockDown({ name }, { owner: ROLES.definer }),
      grants({ table: { name }, to: ROLES.service, privileges: { select: true }, owner: ROLES.definer }),
      sqlFunction({
        name: `refresh_${name}`,
        returns: 'void',
        language: 'plpgsql',
        volatility: 'volatile',
        security: 'definer',
        owner: ROLES.definer,
        // Callers are the roles that may execute it.
        body: `\nbegin${refresh(name)}\nend`,
        executableBy: [ROLES.service],
      }),
    ]),
  ],
  jobs: [
    serviceJob({
      name: 'refresh daily metrics',
      schedule: '0 * * * *',
      description:
        'Refreshes daily_metrics without blocking its readers; while it does not run, reports grow old',
      call: 'public.refresh_daily_metrics()',
    }),
  ],
}
