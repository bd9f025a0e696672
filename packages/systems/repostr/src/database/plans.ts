/** How many outputs a user may ask for, and since when a subscription is past due. */
import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { definePlans, guard } from '@tenantry/limits'
import { contextExpressions } from '@tenantry/rls'
import { outputs, subscriptions } from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'
import { GRACE_DAYS, OUTPUTS_PER_MONTH } from '../types/enums.ts'

const features = {
  /** By months of the subscription; without one, by calendar months in UTC. */
  outputs: { kind: 'metered', per: 'billing_month' },
} as const

/**
 * An output counts once, from the moment that it is asked for, however often it is tried; when it is given up, its
 * unit goes back to the month in which it counted. The rows themselves say so, and not a hold beside them: a hold runs
 * out, and an output may wait for a worker as long as it takes. Removing an output gives nothing back, since
 * its text may have been read.
 */
export const plans = definePlans({
  features,
  plans: {
    free: { outputs: OUTPUTS_PER_MONTH.free },
    pro: { outputs: OUTPUTS_PER_MONTH.pro },
    business: { outputs: OUTPUTS_PER_MONTH.business },
  },
  subscription: {
    table: subscriptions,
    account: 'userId',
    plan: 'plan',
    status: 'status',
    anchor: 'billingAnchor',
    paidUntil: 'endsAt',
  },
  standing: {
    trialing: 'consumes',
    active: 'consumes',
    past_due: { until: 'pastDueSince', graceDays: GRACE_DAYS },
    paused: 'reads',
    // Until `ends_at`, after which it is the free plan that is in force.
    canceled: 'consumes',
  },
  defaultPlan: 'free',
  tenant: { expression: contextExpressions(tenancy).tenant, type: 'text' },
  guards: [
    guard<typeof outputs, typeof features>({
      table: outputs,
      account: 'userId',
      counts: [{ feature: 'outputs', once: { givesBack: `row.status = 'failed'` } }],
    }),
  ],
})

const DATE_PAST_DUE = { schema: 'tenantry', name: 'date_past_due' }

/** So that a webhook which comes twice, or late, doesn't begin the days of grace anew. */
export const pastDue = lazyModule({
  name: 'past due since',
  objects: () => [
    sqlFunction({
      ...DATE_PAST_DUE,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `
begin
  if new.status <> 'past_due' then
    new.past_due_since := null;
  elsif tg_op = 'UPDATE' and old.status = 'past_due' then
    new.past_due_since := old.past_due_since;
  else
    new.past_due_since := least(new.past_due_since, pg_catalog.statement_timestamp());
  end if;
  return new;
end`,
    }),
    trigger({
      table: subscriptions,
      name: 'date_past_due',
      timing: 'before',
      events: ['insert', 'update'],
      execute: DATE_PAST_DUE,
    }),
  ],
})
