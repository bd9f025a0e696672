import { lazyModule } from '@tenantry/core'
import { sqlFunction } from '@tenantry/ddl'
import { CALLER_IS_SERVICE, ROLES } from '@tenantry/rls'
import { callJob } from './call-job.ts'

const FOR_THE_SERVICE = `
  if not ${CALLER_IS_SERVICE} then
    raise exception 'this is for the service role' using errcode = 'TN003';
  end if;`

const upkeep = { language: 'plpgsql', volatility: 'volatile', executableBy: [ROLES.service] } as const
const definer = { ...upkeep, security: 'definer', owner: ROLES.service } as const

/** What is done day by day. Each function says how many rows it changed. */
export const maintenance = lazyModule({
  name: 'maintenance',
  objects: () => [
    sqlFunction({
      ...definer,
      name: 'cleanup_expired_exports',
      returns: 'integer',
      body: `
begin${FOR_THE_SERVICE}
  return coalesce((tenantry.purge_data('{exports}') ->> 'exports')::integer, 0);
end`,
    }),
    sqlFunction({
      ...definer,
      name: 'update_job_role_popularity',
      returns: 'integer',
      // Feedback of 90 days, weighted by how much it says, as a share of what the most popular role has.
      body: `
declare
  changed integer;
begin${FOR_THE_SERVICE}
  with interest as (
    select job_role_id, sum(case user_feedback when 'interested' then 1 when 'applied' then 2 when 'hired' then 3 else 0 end) as points
    from public.role_recommendations
    where updated_at > now() - interval '90 days'
    group by job_role_id
  ),
  popularity as (
    select role.id, coalesce(round(interest.points::numeric / nullif(max(interest.points) over (), 0), 2), 0) as score
    from public.job_roles as role
    left join interest on interest.job_role_id = role.id
  )
  update public.job_roles as role
  set popularity_score = popularity.score
  from popularity
  where popularity.id = role.id and role.popularity_score is distinct from popularity.score;
  get diagnostics changed = row_count;
  return changed;
end`,
    }),
    sqlFunction({
      ...definer,
      name: 'detect_metric_anomalies',
      returns: 'integer',
      config: { timezone: "'UTC'" },
      // Yesterday against the 28 days before. Counts vary by the root of their mean at least, so a quiet month
      // doesn't make an ordinary day stand out. A product younger than a week has no usual day.
      body: `
declare
  yesterday constant date := now()::date - 1;
  found_days integer;
begin${FOR_THE_SERVICE}
  with days as (
    select generated::date as day from generate_series(yesterday - 28, yesterday, interval '1 day') as generated
  ),
  counted as (
    select 'signups' as metric, created_at::date as day, count(*) as value
    from public.users where created_at >= yesterday - 28 group by 2
    union all
    select 'exports', completed_at::date, count(*)
    from public.exports where completed_at >= yesterday - 28 group by 2
    union all
    select 'enhancements', completed_at::date, count(*)
    from public.enhancement_requests where completed_at >= yesterday - 28 group by 2
    union all
    select 'payments', created_at::date, count(*)
    from public.payment_receipts where status = 'succeeded' and created_at >= yesterday - 28 group by 2
  ),
  series as (
    select metric.name as metric, days.day, coalesce(counted.value, 0) as value
    from (values ('signups'), ('exports'), ('enhancements'), ('payments')) as metric (name)
    cross join days
    left join counted on counted.metric = metric.name and counted.day = days.day
    where days.day >= (select min(created_at)::date from public.users)
  ),
  usual as (
    select metric, avg(value) as mean, greatest(stddev_samp(value), sqrt(avg(value)), 1) as deviation
    from series where day < yesterday group by metric having count(*) >= 7
  )
  insert into public.metric_anomalies (metric, day, value, expected, deviations)
  select series.metric, series.day, series.value, usual.mean, (series.value - usual.mean) / usual.deviation
  from series
  join usual on usual.metric = series.metric
  where series.day = yesterday and abs(series.value - usual.mean) >= 3 * usual.deviation
  on conflict (metric, day) do nothing;
  get diagnostics found_days = row_count;
  return found_days;
end`,
    }),
    sqlFunction({
      ...definer,
      name: 'execute_data_purge',
      returns: 'jsonb',
      // By the rules of retention. Events and audit logs are archived before they go: their jobs do that.
      body: `
declare
  tables jsonb;
begin${FOR_THE_SERVICE}
  tables := tenantry.purge_data('{exports, cover_letters, resumes, payment_receipts}');
  return pg_catalog.jsonb_build_object(
    'deleted_records', (select coalesce(sum(changed.value::bigint), 0) from pg_catalog.jsonb_each_text(tables) as changed),
    'tables', tables
  );
end`,
    }),
    sqlFunction({
      ...upkeep,
      name: 'log_slow_query',
      args: [{ name: 'threshold_ms', type: 'integer', default: '1000' }],
      returns: 'integer',
      // Not a definer function: pg_stat_statements shows its caller what that one may see, so run it as a role
      // with pg_read_all_stats. Its texts hold no values. Without the extension there is nothing to log.
      body: `
declare
  extension_schema text;
  logged integer;
begin
  select pg_catalog.quote_ident(namespace.nspname) into extension_schema
  from pg_catalog.pg_extension as extension
  join pg_catalog.pg_namespace as namespace on namespace.oid = extension.extnamespace
  where extension.extname = 'pg_stat_statements';
  if not found then return 0; end if;
  execute pg_catalog.format($statement$
    insert into public.query_performance_log (query_name, execution_time_ms, rows_affected)
    select statement.query, pg_catalog.round(statement.mean_exec_time), least(statement.rows / statement.calls, 2147483647)
    from %s.pg_stat_statements as statement
    where statement.dbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
      and statement.calls > 0
      and statement.mean_exec_time >= $1
      and not exists (
        select from public.query_performance_log as known
        where known.query_name = statement.query and known.created_at > pg_catalog.now() - interval '1 day'
      )
  $statement$, extension_schema) using threshold_ms;
  get diagnostics logged = row_count;
  return logged;
end`,
    }),
    sqlFunction({
      ...definer,
      name: 'daily_maintenance',
      returns: 'void',
      body: `
begin${FOR_THE_SERVICE}
  perform public.cleanup_expired_exports();
  perform public.refresh_daily_metrics();
  perform public.refresh_analytics_summary();
  perform public.detect_metric_anomalies();
  perform public.process_pending_achievements();
  perform tenantry.purge_data('{user_sessions}');
  perform public.update_job_role_popularity();
end`,
    }),
  ],
  jobs: () => [
    callJob({
      name: 'daily maintenance',
      schedule: '0 2 * * *',
      description:
        'Removes expired exports and sessions, refreshes summaries, finds anomalies, gives achievements; without it files and sessions pile up',
      call: 'public.daily_maintenance()',
    }),
  ],
})
