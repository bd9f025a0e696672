/**
 * The documented `usage_tracking`, kept from the counters of limits. It isn't the counter itself, since a counter has
 * what the table doesn't (units that are held, the standing, until when the cap is valid), and it isn't a view, since it is
 * documented as a table with keys of its own in which a host may keep further metrics. So it follows: a change of a
 * counter and that of its row are one statement.
 */
import { type Check, lazyModule } from '@tenantry/core'
import { quoteLiteral, sqlFunction, trigger } from '@tenantry/ddl'
import { ROLES } from '@tenantry/rls'
import { USAGE_METRICS } from '../types/enums.ts'
import { COST_FEATURES } from '../types/plans.ts'
import { plans } from './plans.ts'

const FOLLOW = { schema: 'tenantry', name: 'follow_usage' }

const list = (values: readonly string[]): string => values.map(quoteLiteral).join(', ')

/** The metric whose cost a feature holds. */
const metricOf = (feature: string): string =>
  `case ${feature} ${USAGE_METRICS.map((metric) => `when ${quoteLiteral(COST_FEATURES[metric])} then ${quoteLiteral(metric)}`).join(' ')} end`

const period = (starts: string): string => `pg_catalog.to_char(${starts} at time zone 'UTC', 'YYYY-MM')`

/** As the documented column can hold it; null, unlimited, stays null, which `least` alone would pass over. */
const whole = (amount: string): string =>
  `case when ${amount} is not null then least(${amount}, 2147483647)::integer end`

export const usage = lazyModule({
  name: 'usage',
  objects: () => [
    sqlFunction({
      ...FOLLOW,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      // While an organization is being deleted, its counters may have no row.
      body: `
begin
  if new.feature in (${list(USAGE_METRICS)}) then
    insert into public.usage_tracking as known (organization_id, metric_type, billing_period, usage_count, limit_count)
    select organization.id, new.feature, ${period('new.starts')}, ${whole('new.used + new.overage')}, ${whole('new.cap')}
    from public.organizations as organization
    where organization.id = new.account
    on conflict (organization_id, metric_type, billing_period) do update
      set usage_count = excluded.usage_count, limit_count = excluded.limit_count;
  else
    insert into public.usage_tracking as known (organization_id, metric_type, billing_period, cost_amount)
    select organization.id, ${metricOf('new.feature')}, ${period('new.starts')}, new.used + new.overage
    from public.organizations as organization
    where organization.id = new.account
    on conflict (organization_id, metric_type, billing_period) do update set cost_amount = excluded.cost_amount;
  end if;
  return null;
end`,
    }),
    trigger({
      table: plans.tables.limitCounters,
      name: 'follow_usage',
      timing: 'after',
      events: ['update'],
      // Units that are held were not used; and a cap of costs has no column.
      when: `(new.used + new.overage, case when new.kind = 'metered' then new.cap end)
  is distinct from (old.used + old.overage, case when old.kind = 'metered' then old.cap end)`,
      execute: { ...FOLLOW, owner: ROLES.service },
    }),
  ],
  checks: () => [followsCounters()],
})

function followsCounters(): Check {
  return {
    name: 'usage-follows-counters',
    guarantee: 'usage_tracking says of the product’s metrics what the counters of limits say',
    async run(connection) {
      await connection.script(`set local role ${ROLES.service}`)
      try {
        const { rows } = await connection.query({ text: DIFFERING, params: [] })
        const differing = Number(rows[0]?.[0])
        if (differing === 0) return []
        return [
          {
            code: 'usage-differs',
            object: 'public.usage_tracking',
            message: `${differing} rows say something else than the counters of limits`,
            remedy: 'Find out who wrote to usage_tracking by hand, or switched off the trigger follow_usage',
          },
        ]
      } finally {
        await connection.script('reset role')
      }
    },
  }
}

const DIFFERING = `
select pg_catalog.count(*)
from tenantry.limit_counters as counter
join public.organizations as organization on organization.id = counter.account
left join public.usage_tracking as known on known.organization_id = counter.account
  and known.metric_type = coalesce(${metricOf('counter.feature')}, counter.feature)
  and known.billing_period = ${period('counter.starts')}
where case when counter.kind = 'metered' then coalesce(known.usage_count, 0) <> ${whole('counter.used + counter.overage')}
  else coalesce(known.cost_amount, 0) <> counter.used + counter.overage end`
