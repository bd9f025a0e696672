/** Nothing runs after the trial, unless it was converted. */
import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { definePlans, guard } from '@tenantry/limits'
import { contextExpressions } from '@tenantry/rls'
import { campaigns, scrapingJobs, userProfiles } from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'
import { GRACE_DAYS } from '../types/enums.ts'

const SET_RUNS_UNTIL = { schema: 'tenantry', name: 'set_runs_until' }

/**
 * What is paid for runs, past due for some days more; else the trial decides. By the moment at which something changes,
 * so that a webhook which comes twice prolongs nothing.
 */
export const runsUntil = lazyModule({
  name: 'until when searches run',
  objects: () => [
    sqlFunction({
      ...SET_RUNS_UNTIL,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `
declare
  ended timestamptz := pg_catalog.statement_timestamp();
begin
  if tg_op = 'UPDATE' then
    if (new.trial_status, new.subscription_status) is not distinct from (old.trial_status, old.subscription_status)
      or (new.subscription_status = 'past_due' and old.subscription_status = 'past_due') then
      new.runs_until := old.runs_until;
      return new;
    end if;
    -- What had ended before, did so then.
    ended := least(ended, old.runs_until);
  end if;
  new.runs_until := case
    when new.subscription_status = 'active' then null
    when new.subscription_status = 'past_due'
      then pg_catalog.statement_timestamp() + interval '${GRACE_DAYS * 24} hours'
    when new.trial_status in ('active', 'expired') then new.trial_end_date
    when new.trial_status = 'converted' and new.subscription_status <> 'canceled' then null
    else ended
  end;
  return new;
end`,
    }),
    trigger({
      table: userProfiles,
      // After enforce_… and keep_trial_dates, which say what the trial is.
      name: 'set_runs_until',
      timing: 'before',
      events: ['insert', 'update'],
      execute: SET_RUNS_UNTIL,
    }),
  ],
})

const features = {
  /** Searches that were begun in a calendar month. */
  searches: { kind: 'metered', per: 'calendar_month' },
  /** Calls of the platforms' APIs in a calendar month, as workers took them. */
  api_calls: { kind: 'metered', per: 'calendar_month' },
  /** Campaigns that aren't archived. */
  campaigns: { kind: 'allocated' },
  active_campaigns: { kind: 'allocated' },
} as const

const EVERYTHING = { searches: null, api_calls: null, campaigns: null, active_campaigns: null } as const

const whileItRuns = { until: 'runsUntil' } as const

/** No number is limited by a plan, but everything by whether it runs: what is refused, is refused for its standing. */
export const plans = definePlans({
  features,
  plans: { trial: EVERYTHING, full: EVERYTHING },
  subscription: { table: userProfiles, account: 'userId', plan: 'plan', status: 'trialStatus' },
  standing: {
    pending: whileItRuns,
    active: whileItRuns,
    expired: whileItRuns,
    cancelled: whileItRuns,
    converted: whileItRuns,
  },
  tenant: { expression: contextExpressions(tenancy).tenant, type: 'text' },
  accounts: userProfiles.userId,
  guards: [
    guard<typeof scrapingJobs, typeof features>({
      table: scrapingJobs,
      account: 'userId',
      counts: [{ feature: 'searches' }],
    }),
    guard<typeof campaigns, typeof features>({
      table: campaigns,
      account: 'userId',
      counts: [
        { feature: 'campaigns', where: `row.status <> 'archived'` },
        { feature: 'active_campaigns', where: `row.status = 'active'` },
      ],
    }),
  ],
})
