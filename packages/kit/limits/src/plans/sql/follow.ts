/** What makes open counters follow: plans, exceptions and subscriptions that change, and the declaration itself. */
import { type DdlObject, RAISED } from '@tenantry/core'
import { quoteIdentifier, relation, type RelationName, trigger } from '@tenantry/ddl'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { PlansPlan } from '../plan.ts'
import { ROLES } from '../../caller.ts'
import { serviceFunction } from './function.ts'
import { MET_ROWS } from './guard.ts'

export function followObjects(plan: PlansPlan): readonly DdlObject[] {
  const { accounts } = plan
  const { table, account } = plan.subscription
  const column = quoteIdentifier(account.name)
  return [
    ...followed(plan, relation(table), 'limit_follow_subscriptions', column, {
      // A subscription that goes with its account comes after that: it would note it again.
      gone:
        accounts === null
          ? ''
          : ` where exists (select from ${relation(accounts.table as PgTable).sql} as present where present.${quoteIdentifier(accounts.name)} = source.${column})`,
    }),
    ...followed(plan, { schema: 'tenantry', name: 'limit_overrides' }, 'limit_follow_overrides', 'account', {
      refuse: REFUSE_OVERRIDES,
    }),
    serviceFunction({ name: 'limit_follow_caps', args: [], returns: 'trigger', body: followCaps(plan) }),
    ...(['before', 'after'] as const).map((timing) =>
      trigger({
        table: { schema: 'tenantry', name: 'limit_caps' },
        name: `limit_follow_${timing}`,
        timing,
        events: ['insert', 'update', 'delete', 'truncate'],
        level: 'statement',
        execute: { schema: 'tenantry', name: 'limit_follow_caps', owner: ROLES.service },
        enable: 'always',
      }),
    ),
    serviceFunction({
      name: 'limit_declare',
      args: [['declared', 'jsonb']],
      returns: 'integer',
      body: declareBody(plan),
    }),
  ]
}

/** An exception that no counter could follow: whoever writes it is told so at once. */
const REFUSE_OVERRIDES = `if tg_op in ('INSERT', 'UPDATE') then
    select source.feature, declared.feature is not null into refused, known
    from new_rows as source
    left join tenantry.limit_features as declared on declared.feature = source.feature
    where declared.feature is null or (declared.kind <> 'costed' and source.cap <> pg_catalog.trunc(source.cap))
    order by source.feature limit 1;
    if known then
      raise exception 'the feature % is counted in whole units', refused using errcode = '${RAISED.invalid}';
    elsif not known then
      raise exception 'there is no feature "%"', refused using errcode = '${RAISED.invalid}';
    end if;
  end if;
  `

/** By statement: the accounts whose rows it met, all at once and in order. */
function followed(
  { accountType }: PlansPlan,
  table: RelationName,
  name: string,
  account: string,
  { refuse = '', gone = '' },
): readonly DdlObject[] {
  const met = (rows: string): string =>
    `select pg_catalog.array_agg(source.${account}) into changed from ${rows} as source`
  const body = `
#variable_conflict use_column
declare
  changed ${accountType}[];${refuse === '' ? '' : '\n  refused text;\n  known boolean;'}
begin
  ${refuse}if tg_op = 'INSERT' then
    ${met('new_rows')};
  elsif tg_op = 'UPDATE' then
    ${met(`(select ${account} from new_rows union select ${account} from old_rows)`)};
  elsif tg_op = 'DELETE' then
    ${met('old_rows')}${gone};
  else
    select pg_catalog.array_agg(account) into changed from tenantry.limit_accounts;
  end if;
  if changed is not null then
    perform tenantry.limit_follow(changed, tenantry.limit_clock());
  end if;
  return null;
end`
  return [
    serviceFunction({ name, args: [], returns: 'trigger', body }),
    ...(['insert', 'update', 'delete', 'truncate'] as const).map((event) =>
      trigger({
        table,
        name: `limit_follow_${event}`,
        timing: 'after',
        events: [event],
        level: 'statement',
        ...(event === 'truncate' ? {} : { referencing: MET_ROWS[event] }),
        execute: { schema: 'tenantry', name, owner: ROLES.service },
        enable: 'always',
      }),
    ),
  ]
}

/**
 * New counters are made holding the feature's row, so none is made by old caps once these rows are ours. A snapshot of
 * a higher level would hide counters made since, whose caps would stay behind.
 */
const followCaps = ({ accountType }: PlansPlan): string => `
declare
  everyone ${accountType}[];
begin
  if tg_when = 'BEFORE' then
    if pg_catalog.current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
      raise exception 'plans are changed at the isolation level READ COMMITTED' using errcode = '${RAISED.invalid}';
    end if;
    perform from tenantry.limit_features order by feature for update;
    update tenantry.limit_features set revision = revision + 1;
  elsif pg_catalog.current_setting('tenantry.limit_declaring', true) is distinct from 'on' then
    select pg_catalog.array_agg(account) into everyone from tenantry.limit_accounts;
    perform tenantry.limit_follow(everyone, tenantry.limit_clock());
  end if;
  return null;
end`

/**
 * Makes the rows of features, plans and caps those of the declaration, and all open counters follow. Answers how many
 * rows differed. A plan that a subscription still names stays in force: the call is refused.
 */
const declareBody = ({ accountType, subscription }: PlansPlan): string => {
  const source = `select source.${quoteIdentifier(subscription.plan.name)}::text as plan from ${relation(subscription.table).sql} as source`
  return `
#variable_conflict use_column
declare
  everyone ${accountType}[];
  differing integer := 0;
  met integer;
  gone text;
begin
  perform from tenantry.limit_features order by feature for update;

  select plan into gone
  from tenantry.limit_plans as known
  where not declared -> 'plans' ? known.plan and exists (select from (${source}) as named where named.plan = known.plan)
  order by rank limit 1;
  if found then
    raise exception 'the plan % is still the plan of subscriptions', gone
      using errcode = '${RAISED.invalid}', hint = 'Move them to another plan first';
  end if;

  select known.feature into gone
  from tenantry.limit_features as known
  where (known.kind, known.by_subject) <>
      (declared -> 'features' -> known.feature ->> 'kind', (declared -> 'features' -> known.feature ->> 'bySubject')::boolean)
    and exists (select from tenantry.limit_counters as counter where counter.feature = known.feature)
  order by known.position limit 1;
  if found then
    raise exception 'the feature % has counters of another kind', gone
      using errcode = '${RAISED.invalid}', hint = 'Give what it has become another name';
  end if;

  insert into tenantry.limit_features as known (feature, kind, period, zone, by_subject, position)
  select each.key, each.value ->> 'kind', each.value ->> 'period', each.value ->> 'zone',
    (each.value ->> 'bySubject')::boolean, (each.value ->> 'position')::integer
  from pg_catalog.jsonb_each(declared -> 'features') as each
  on conflict (feature) do update
  set kind = excluded.kind, period = excluded.period, zone = excluded.zone, by_subject = excluded.by_subject,
    position = excluded.position
  where (known.kind, known.period, known.zone, known.by_subject, known.position)
    is distinct from (excluded.kind, excluded.period, excluded.zone, excluded.by_subject, excluded.position);
  get diagnostics met = row_count;
  differing := differing + met;
  delete from tenantry.limit_features where not declared -> 'features' ? feature;
  get diagnostics met = row_count;
  differing := differing + met;
  -- What was used stays as a history; nobody uses more of it.
  update tenantry.limit_counters set valid_until = '-infinity'
  where not declared -> 'features' ? feature and valid_until > '-infinity' and ends > tenantry.limit_clock();

  insert into tenantry.limit_plans as known (plan, rank)
  select each.key, (each.value ->> 'rank')::integer from pg_catalog.jsonb_each(declared -> 'plans') as each
  on conflict (plan) do update set rank = excluded.rank where known.rank <> excluded.rank;
  get diagnostics met = row_count;
  differing := differing + met;
  delete from tenantry.limit_plans where not declared -> 'plans' ? plan;
  get diagnostics met = row_count;
  differing := differing + met;

  perform pg_catalog.set_config('tenantry.limit_declaring', 'on', true);
  insert into tenantry.limit_caps as known (plan, feature, cap)
  select each.key, cap.key, (cap.value #>> '{}')::numeric
  from pg_catalog.jsonb_each(declared -> 'plans') as each
  cross join lateral pg_catalog.jsonb_each(each.value -> 'caps') as cap
  on conflict (plan, feature) do update set cap = excluded.cap where known.cap is distinct from excluded.cap;
  get diagnostics met = row_count;
  differing := differing + met;
  delete from tenantry.limit_caps where not (declared -> 'plans' -> plan -> 'caps') ? feature or not declared -> 'plans' ? plan;
  get diagnostics met = row_count;
  differing := differing + met;
  perform pg_catalog.set_config('tenantry.limit_declaring', '', true);

  -- Also where no row differs: what a status means may have changed with the functions.
  select pg_catalog.array_agg(account) into everyone from tenantry.limit_accounts;
  perform tenantry.limit_follow(everyone, tenantry.limit_clock());
  return differing;
end`
}
