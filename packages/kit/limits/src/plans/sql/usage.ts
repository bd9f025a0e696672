/** What of a tenant's limits is used. */
import type { DdlObject } from '@tenantry/core'
import { type PlanSql, tenantFunction } from './function.ts'

export const usageObject = (sql: PlanSql): DdlObject =>
  tenantFunction(sql, {
    name: 'limit_usage',
    args: [],
    returns: 'jsonb',
    volatility: 'stable',
    body: `
return (
    select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'feature', declared.feature,
      'kind', declared.kind,
      'subject', nullif(counter.subject, ''),
      'plan', entitled.plan,
      'limit', entitled.cap,
      'available', entitled.consumes,
      'used', coalesce(counter.used, 0),
      'reserved', coalesce(counter.reserved, 0),
      'overage', coalesce(counter.overage, 0),
      'startsAt', case when pg_catalog.isfinite(coalesce(counter.starts, period.starts)) then coalesce(counter.starts, period.starts) end,
      'resetsAt', case when pg_catalog.isfinite(coalesce(counter.ends, period.ends)) then coalesce(counter.ends, period.ends) end
    ) order by declared.position, counter.subject), '[]')
    from tenantry.limit_features as declared
    cross join lateral tenantry.limit_entitlement(of_account, declared.feature, at_time) as entitled
    left join tenantry.limit_counters as counter on counter.account = of_account and counter.feature = declared.feature
      and counter.starts <= at_time and counter.ends > at_time
    -- Allocated features have no periods; the row that is found then is not joined.
    left join lateral tenantry.limit_period(coalesce(declared.period, 'calendar_day'),
      coalesce(entitled.anchor, timestamptz '2000-01-01 00:00:00+00'), declared.zone, at_time) as period on declared.period is not null
  );`,
  })
