/** What an account may use: its plan, its cap, and until when that holds. */
import { type DdlObject, RAISED } from '@tenantry/core'
import { quoteIdentifier, quoteLiteral, relation, sqlFunction } from '@tenantry/ddl'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { PlansPlan } from '../plan.ts'
import { ROLES } from '../../caller.ts'
import { internalFunction, OPEN } from './function.ts'

export function entitlementObjects(plan: PlansPlan): readonly DdlObject[] {
  const { accountType } = plan
  return [
    sqlFunction({
      schema: 'tenantry',
      name: 'limit_clock',
      args: [],
      returns: 'timestamp with time zone',
      language: 'sql',
      volatility: 'stable',
      parallel: 'safe',
      // The one clock of all limits. Of the statement, since a transaction may be hours old.
      body: 'select pg_catalog.statement_timestamp()',
      executableBy: [ROLES.tenant, ROLES.service],
    }),
    internalFunction({
      name: 'limit_entitlement',
      args: [
        ['of_account', accountType],
        ['of_feature', 'text'],
        ['at_time', 'timestamp with time zone'],
      ],
      returns:
        'table (plan text, cap numeric, consumes boolean, valid_until timestamp with time zone, anchor timestamp with time zone)',
      volatility: 'stable',
      body: entitlementBody(plan),
    }),
    internalFunction({
      name: 'limit_open',
      args: [
        ['of_account', accountType],
        ['of_feature', 'text'],
        ['of_subject', 'text'],
        ['at_time', 'timestamp with time zone'],
      ],
      returns: 'void',
      body: OPEN_COUNTER,
    }),
    internalFunction({
      name: 'limit_follow',
      args: [
        ['of_accounts', `${accountType}[]`],
        ['at_time', 'timestamp with time zone'],
      ],
      returns: 'void',
      body: FOLLOW,
    }),
  ]
}

function entitlementBody({ subscription, standing, defaultPlan }: PlansPlan): string {
  const column = (of: PgColumn): string => `source.${quoteIdentifier(of.name)}`
  // What has no zone is in UTC, and days of grace have 24 hours: whose session asks must not matter.
  const time = (of: PgColumn): string =>
    of.getSQLType().includes('with time zone') ? column(of) : `(${column(of)} at time zone 'UTC')`
  const list = (statuses: readonly string[]): string =>
    `array[${statuses.map(quoteLiteral).join(', ')}]::text[]`
  const { account, plan, status, anchor, paidUntil } = subscription
  const times = standing.filter(({ until }) => until !== null)
  const fallback = defaultPlan === null ? 'null' : quoteLiteral(defaultPlan)
  const ends = times
    .map(
      ({ status: is, until, graceDays }) =>
        `when ${quoteLiteral(is)} then ${time(until as PgColumn)} + interval '${graceDays * 24} hours'`,
    )
    .join('\n      ')
  const consuming = standing.filter(({ mode }) => mode === 'consumes').map(({ status: is }) => is)
  return `
#variable_conflict use_column
declare
  found_plan text;
  found_status text;
  ends_at timestamptz;
  paid_until timestamptz;
  declared boolean;
  exception_cap numeric;
  exception_ends timestamptz;
begin
  valid_until := 'infinity';
  consumes := true;
  select ${column(plan)}::text, ${status === null ? 'null' : `${column(status)}::text`},
    ${anchor === null ? 'null' : time(anchor)}, ${paidUntil === null ? 'null' : time(paidUntil)},
    ${ends === '' ? 'null' : `case ${column(status as PgColumn)}::text\n      ${ends}\n    end`}
  into found_plan, found_status, anchor, paid_until, ends_at
  from ${relation(subscription.table).sql} as source
  where ${column(account)} = of_account;
  if not found or paid_until <= at_time then
    plan := ${fallback};
  else
    plan := found_plan;
    valid_until := least(valid_until, paid_until);
    ${
      status === null
        ? '-- Whoever has a subscription may use it.'
        : `if found_status = any (${list(times.map(({ status: is }) => is))}) then
      consumes := coalesce(ends_at > at_time, true);
      valid_until := least(valid_until, case when consumes then ends_at end);
    else
      consumes := coalesce(found_status = any (${list(consuming)}), false);
    end if;`
    }
  end if;
  select limit_caps.cap into cap from tenantry.limit_caps
  where limit_caps.plan = limit_entitlement.plan and limit_caps.feature = of_feature;
  declared := found;
  select limit_overrides.cap, limit_overrides.expires_at into exception_cap, exception_ends
  from tenantry.limit_overrides
  where limit_overrides.account = of_account and limit_overrides.feature = of_feature
    and (limit_overrides.expires_at is null or limit_overrides.expires_at > at_time);
  if found then
    cap := exception_cap;
    valid_until := least(valid_until, exception_ends);
  elsif not declared then
    -- No plan, or one that isn't declared (any more).
    cap := 0;
    consumes := false;
  end if;
  return next;
end`
}

/**
 * Makes the counter of the open period, or brings its cap up to date. Holding the feature's row and the account's,
 * so that no change of the declaration or of the account's plan can pass by unseen: it would wait, or find the
 * account's row changed (and fail at the higher isolation levels).
 */
const OPEN_COUNTER = `
#variable_conflict use_column
declare
  declared record;
  entitled record;
  period record;
begin
  select kind, period, zone, by_subject into declared from tenantry.limit_features where feature = of_feature for share;
  if not found then
    raise exception 'there is no feature "%"', of_feature using errcode = '${RAISED.invalid}';
  end if;
  if declared.by_subject <> (of_subject <> '') then
    raise exception 'the feature % is % counted by subject', of_feature, case when declared.by_subject then 'only' else 'not' end
      using errcode = '${RAISED.invalid}';
  end if;
  insert into tenantry.limit_accounts as known (account, refreshed_at) values (of_account, at_time)
  on conflict (account) do update set refreshed_at = excluded.refreshed_at;

  select * into entitled from tenantry.limit_entitlement(of_account, of_feature, at_time);
  update tenantry.limit_counters
  set plan = entitled.plan, cap = entitled.cap, consumes = entitled.consumes, valid_until = entitled.valid_until
  where ${OPEN};
  if found then
    return;
  end if;

  if declared.period is null then
    select timestamptz '-infinity' as starts, timestamptz 'infinity' as ends into period;
  else
    select starts, ends into period
    from tenantry.limit_period(declared.period, coalesce(entitled.anchor, timestamptz '2000-01-01 00:00:00+00'), declared.zone, at_time);
    -- Where the anchor was moved, the new periods begin after the old ones: none overlap, nothing starts anew early.
    select greatest(period.starts, max(ends) filter (where ends <= at_time)), least(period.ends, min(starts) filter (where starts > at_time))
    into period.starts, period.ends
    from tenantry.limit_counters
    where account = of_account and feature = of_feature and subject = of_subject;
  end if;
  insert into tenantry.limit_counters (account, feature, subject, starts, ends, kind, plan, cap, consumes, valid_until)
  values (of_account, of_feature, of_subject, period.starts, period.ends, declared.kind,
    entitled.plan, entitled.cap, entitled.consumes, entitled.valid_until);
end`

/**
 * Brings the open counters of accounts up to date, after something on which their caps depend has changed. Accounts
 * are locked before counters, and both in one order, as everybody does.
 */
const FOLLOW = `
#variable_conflict use_column
begin
  insert into tenantry.limit_accounts as known (account, refreshed_at)
  select distinct account, at_time from pg_catalog.unnest(of_accounts) as account where account is not null order by account
  on conflict (account) do update set refreshed_at = excluded.refreshed_at;

  perform from tenantry.limit_counters
  where account = any (of_accounts) and ends > at_time
  order by feature, account, subject, ends
  for update;

  update tenantry.limit_counters as counter
  set plan = entitled.plan, cap = entitled.cap, consumes = entitled.consumes, valid_until = entitled.valid_until
  from (select distinct account from pg_catalog.unnest(of_accounts) as account) as changed
  cross join tenantry.limit_features as declared
  cross join lateral tenantry.limit_entitlement(changed.account, declared.feature, at_time) as entitled
  where counter.account = changed.account and counter.feature = declared.feature and counter.ends > at_time;
end`
