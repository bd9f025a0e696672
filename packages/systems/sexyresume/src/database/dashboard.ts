import { type Module, lazyModule } from '@tenantry/core'
import { grants, lockDown, view } from '@tenantry/ddl'
import { refreshedView } from '@tenantry/retention'
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

/** For operators and reports, who ask it often. */
export const dailyMetrics = refreshedView({
  name: 'daily_metrics',
  query: DAILY_METRICS,
  key: ['date'],
  indexName: 'idx_daily_metrics_key',
  schedule: '0 * * * *',
})

/** It reads every event: once a day, by daily_maintenance(), is enough. */
const { jobs: _, ...summary } = refreshedView({
  name: 'analytics_summary',
  query: ANALYTICS_SUMMARY,
  key: ['date', 'event_name'],
  indexName: 'idx_analytics_summary_key',
  schedule: '0 2 * * *',
})
export const analyticsSummary: Module = summary

const DASHBOARD = { name: 'user_dashboard_data' }

/** A customer reads `user_dashboard_data`, which shows what its reader may see. */
export const dashboard = lazyModule({
  name: 'dashboard',
  objects: () => [
    view({ ...DASHBOARD, query: USER_DASHBOARD }),
    lockDown(DASHBOARD),
    ...[ROLES.tenant, ROLES.service].map((to) =>
      grants({ table: DASHBOARD, to, privileges: { select: true } }),
    ),
  ],
})
