import { lazyModule } from '@tenantry/core'
import { sqlFunction } from '@tenantry/ddl'
import { CALLER_IS_SERVICE, ROLES } from '@tenantry/rls'
import { callJob } from './call-job.ts'

/**
 * Cohorts: of those who signed up in a week or month (UTC), who was seen in each one since, and what they paid.
 * Someone was seen who has an event; period 0 is the one of the sign-up.
 */
export const cohorts = lazyModule({
  name: 'cohorts',
  objects: () => [
    sqlFunction({
      name: 'compute_cohort_analysis',
      args: [
        { name: 'p_period', type: 'text' },
        { name: 'p_cohorts', type: 'integer', default: '12' },
      ],
      // Rows that were written.
      returns: 'integer',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      executableBy: [ROLES.service],
      body: `
declare
  unit text;
  step interval;
  this_period timestamp;
  written integer;
begin
  if not ${CALLER_IS_SERVICE} then
    raise exception 'cohorts are computed by the service role' using errcode = 'TN003';
  end if;
  unit := case p_period when 'weekly' then 'week' when 'monthly' then 'month' end;
  if unit is null then
    raise exception 'there are weekly and monthly cohorts' using
      errcode = 'check_violation', table = 'cohort_analysis', constraint = 'cohort_analysis_cohort_period_check';
  end if;
  step := ('1 ' || unit)::interval;
  this_period := date_trunc(unit, now() at time zone 'UTC');
  with members as (
    select users.id as user_id, date_trunc(unit, users.created_at at time zone 'UTC') as cohort
    from public.users
    where users.created_at >= (this_period - (p_cohorts - 1) * step) at time zone 'UTC'
  ),
  sizes as (
    select cohort, count(*) as user_count from members group by cohort
  ),
  periods as (
    select sizes.cohort, sizes.user_count, started.period, (row_number() over (partition by cohort order by period)) - 1 as number
    from sizes
    cross join lateral generate_series(sizes.cohort, this_period, step) as started (period)
  ),
  seen as (
    select distinct members.cohort, members.user_id, date_trunc(unit, event."timestamp" at time zone 'UTC') as period
    from members
    join public.analytics_subjects as subject on subject.user_id = members.user_id
    join public.analytics_events as event on event.subject_id = subject.subject_id
  ),
  retained as (
    select cohort, period, count(*) as users from seen group by cohort, period
  ),
  revenue as (
    select members.cohort, date_trunc(unit, receipt.created_at at time zone 'UTC') as period, sum(receipt.amount) as total
    from members
    join public.payment_receipts as receipt on receipt.user_id = members.user_id and receipt.status = 'succeeded'
    group by 1, 2
  )
  insert into public.cohort_analysis as known
    (cohort_period, cohort_date, period_number, user_count, retained_users, retention_rate, revenue_total, revenue_per_user)
  select
    p_period,
    periods.cohort::date,
    periods.number,
    periods.user_count,
    coalesce(retained.users, 0),
    round(100.0 * coalesce(retained.users, 0) / periods.user_count, 2),
    coalesce(revenue.total, 0),
    round(coalesce(revenue.total, 0)::numeric / periods.user_count, 2)
  from periods
  left join retained on retained.cohort = periods.cohort and retained.period = periods.period
  left join revenue on revenue.cohort = periods.cohort and revenue.period = periods.period
  on conflict (cohort_period, cohort_date, period_number) do update set
    user_count = excluded.user_count,
    retained_users = excluded.retained_users,
    retention_rate = excluded.retention_rate,
    revenue_total = excluded.revenue_total,
    revenue_per_user = excluded.revenue_per_user,
    computed_at = now();
  get diagnostics written = row_count;
  return written;
end`,
    }),
  ],
  jobs: () =>
    [['weekly', '20 2 * * 1'] as const, ['monthly', '25 2 1 * *'] as const].map(([period, schedule]) =>
      callJob({
        name: `compute ${period} cohorts`,
        schedule,
        description: `Writes the ${period} cohorts of cohort_analysis anew; while it does not run, they miss the last period`,
        call: `public.compute_cohort_analysis('${period}')`,
      }),
    ),
})
