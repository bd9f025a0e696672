/** Units held for work whose outcome isn't known yet. A hold is locked before its counter, always. */
import { type DdlObject, RAISED } from '@tenantry/core'
import { KEY_LENGTH_MAX, TTL_MAX_MS } from '../input.ts'
import { ROOM } from './consume.ts'
import { internalFunction, OPEN, type PlanSql, serviceFunction, tenantFunction } from './function.ts'

const TIME = 'timestamp with time zone'

export function holdObjects(sql: PlanSql): readonly DdlObject[] {
  const declare =
    'held tenantry.limit_holds;\n  counter tenantry.limit_counters;\n  within numeric;\n  beyond numeric;'
  const counter = [
    ['of_account', sql.accountType],
    ['of_feature', 'text'],
    ['of_subject', 'text'],
  ] as const
  return [
    internalFunction({
      name: 'limit_note',
      args: [
        ...counter,
        ['of_amount', 'numeric'],
        ['of_key', 'text'],
        ['of_ttl_ms', 'bigint'],
        ['at_time', TIME],
      ],
      returns: 'tenantry.limit_holds',
      body: NOTE,
    }),
    internalFunction({
      name: 'limit_expire_due',
      args: [...counter, ['of_batch', 'integer'], ['at_time', TIME]],
      returns: 'integer',
      body: EXPIRE_DUE,
    }),
    tenantFunction(sql, {
      name: 'limit_reserve',
      args: [
        ['of_feature', 'text'],
        ['of_subject', 'text'],
        ['of_amount', 'numeric'],
        ['of_key', 'text'],
        ['of_ttl_ms', 'bigint'],
      ],
      returns: 'jsonb',
      declare: 'held tenantry.limit_holds;\n  noted boolean := false;',
      body: RESERVE,
    }),
    tenantFunction(sql, {
      name: 'limit_commit',
      args: [
        ['of_hold', 'uuid'],
        ['of_actual', 'numeric'],
      ],
      returns: 'jsonb',
      declare,
      body: COMMIT,
    }),
    tenantFunction(sql, {
      name: 'limit_release',
      args: [['of_hold', 'uuid']],
      returns: 'jsonb',
      declare,
      body: RELEASE,
    }),
    serviceFunction({
      name: 'limit_expire',
      args: [['of_batch', 'integer']],
      returns: 'integer',
      body: 'begin\n  return tenantry.limit_expire_due(null, null, null, of_batch, tenantry.limit_clock());\nend',
    }),
    serviceFunction({
      name: 'limit_forget',
      args: [
        ['of_days', 'integer'],
        ['of_batch', 'integer'],
      ],
      returns: 'integer',
      body: FORGET,
    }),
  ]
}

/**
 * Notes an effect under its key. Of callers with the same key one notes it and the others wait for what becomes of
 * that. Answers with state null where it is new; else what was noted before, if that was for the same.
 */
const NOTE = `
#variable_conflict use_column
declare
  noted tenantry.limit_holds;
  counter_ends timestamptz;
begin
  if (pg_catalog.length(of_key) between 1 and ${KEY_LENGTH_MAX}) is not true then
    raise exception 'a key has 1 to ${KEY_LENGTH_MAX} characters' using errcode = '${RAISED.invalid}';
  end if;
  if of_ttl_ms not between 1 and ${TTL_MAX_MS} then
    raise exception 'a hold lasts from a millisecond to a year' using errcode = '${RAISED.invalid}';
  end if;
  loop
    select * into noted from tenantry.limit_holds
    where account = of_account and key = of_key and state in ('pending', 'committed')
    for update;
    if found then
      if (noted.feature, noted.subject, noted.amount) <> (of_feature, of_subject, of_amount) or noted.ttl_ms is distinct from of_ttl_ms then
        raise exception 'the key was used for something else' using errcode = '${RAISED.idempotency}';
      end if;
      if noted.state = 'committed' or noted.expires_at > at_time then
        return noted;
      end if;
      -- It has run out, and nobody has said so yet: this call is a new attempt.
      update tenantry.limit_holds set state = 'expired', resolved_at = at_time where id = noted.id;
      update tenantry.limit_counters set reserved = reserved - noted.amount
      where account = noted.account and feature = noted.feature and subject = noted.subject and ends = noted.ends;
    end if;

    select ends into counter_ends from tenantry.limit_counters where ${OPEN};
    if not found then
      if not tenantry.limit_fits(of_account, of_feature, of_subject, of_amount, false, at_time) then
        perform tenantry.limit_open(of_account, of_feature, of_subject, at_time);
      end if;
      select ends into strict counter_ends from tenantry.limit_counters where ${OPEN};
    end if;

    insert into tenantry.limit_holds (account, key, feature, subject, ends, amount, ttl_ms, expires_at, state, actual, created_at, resolved_at)
    values (of_account, of_key, of_feature, of_subject, counter_ends, of_amount, of_ttl_ms,
      at_time + of_ttl_ms * interval '1 millisecond', case when of_ttl_ms is null then 'committed' else 'pending' end,
      case when of_ttl_ms is null then of_amount end, at_time, case when of_ttl_ms is null then at_time end)
    on conflict (account, key) where state in ('pending', 'committed') do nothing
    returning * into noted;
    if found then
      noted.state := null;
      return noted;
    end if;
  end loop;
end`

/** What a call answers: an expression over a hold. */
const holdState = (held: string, replayed: boolean): string => `pg_catalog.jsonb_build_object(
      'id', ${held}.id,
      'feature', ${held}.feature,
      'subject', ${held}.subject,
      'amount', ${held}.amount,
      'state', ${held}.state,
      'actual', ${held}.actual,
      'expiresAt', ${held}.expires_at,
      'replayed', ${replayed}
    )`

const HELD_COUNTER = `account = held.account and feature = held.feature and subject = held.subject and ends = held.ends`

const RESERVE = `
if of_ttl_ms is null or of_key is null then
    raise exception 'a hold needs a key and a time to live' using errcode = '${RAISED.invalid}';
  end if;
  if of_ttl_ms between 1 and ${TTL_MAX_MS} and pg_catalog.length(of_key) between 1 and ${KEY_LENGTH_MAX} then
    -- What \`limit_note\` and \`limit_take\` come to where the key is new and there is room: most calls end with it.
    insert into tenantry.limit_holds (account, key, feature, subject, ends, amount, ttl_ms, expires_at, state, created_at)
    select of_account, of_key, of_feature, of_subject, counter.ends, of_amount, of_ttl_ms,
      at_time + of_ttl_ms * interval '1 millisecond', 'pending', at_time
    from tenantry.limit_counters as counter
    where ${OPEN}
      and ${ROOM} and kind <> 'allocated' and of_amount > 0 and of_amount < 1e15
    on conflict (account, key) where state in ('pending', 'committed') do nothing
    returning * into held;
    noted := found;
  end if;
  if noted then
    update tenantry.limit_counters as counter set reserved = counter.reserved + of_amount
    where ${HELD_COUNTER} and ${ROOM};
    if not found then
      perform tenantry.limit_take(of_account, of_feature, of_subject, of_amount, true, false, at_time);
    end if;
    return ${holdState('held', false)};
  end if;

  held := tenantry.limit_note(of_account, of_feature, of_subject, of_amount, of_key, of_ttl_ms, at_time);
  if held.state is not null then
    return ${holdState('held', true)};
  end if;
  held.state := 'pending';
  perform tenantry.limit_take(of_account, of_feature, of_subject, of_amount, true, false, at_time);
  return ${holdState('held', false)};`

/** The hold, locked; null where the account has none of that id. */
const LOCK_HOLD = `
select * into held from tenantry.limit_holds where id = of_hold and account = of_account for update;
  if not found then
    return null;
  end if;`

/**
 * What was held is used; what the work took beyond that is used as far as there is room, and overage for the rest.
 * After the hold has run out all of it is overage: its units may have been given to others.
 */
const COMMIT = `
if (of_actual >= 0 and of_actual < 1e15 and of_actual = pg_catalog.round(of_actual, 6)) is not true then
    raise exception 'an amount is a number from 0 with at most six decimals' using errcode = '${RAISED.invalid}';
  end if;
  -- In time, and no more than was held: most calls end with it.
  update tenantry.limit_holds set state = 'committed', actual = of_actual, resolved_at = at_time
  -- In one CASE, so that no index but the key's can serve it: the one of pending holds looks better to the planner.
  where id = of_hold and account = of_account
    and case state when 'pending' then expires_at > at_time and of_actual <= amount end
  returning * into held;
  if found then
    update tenantry.limit_counters as counter set used = counter.used + of_actual, reserved = counter.reserved - held.amount
    where ${HELD_COUNTER} and (kind = 'costed' or of_actual = pg_catalog.trunc(of_actual));
    if not found then
      raise exception 'the feature % is counted in whole units', held.feature using errcode = '${RAISED.invalid}';
    end if;
    return ${holdState('held', false)};
  end if;

  ${LOCK_HOLD.trim()}
  if held.state in ('committed', 'late') then
    if held.actual <> of_actual or held.ttl_ms is null then
      raise exception 'the hold was committed with another amount' using errcode = '${RAISED.idempotency}';
    end if;
    return ${holdState('held', true)};
  end if;
  if held.state = 'released' then
    raise exception 'the hold was released' using errcode = '${RAISED.staleTransition}';
  end if;

  select * into counter from tenantry.limit_counters where ${HELD_COUNTER} for update;
  if counter.kind <> 'costed' and of_actual <> pg_catalog.trunc(of_actual) then
    raise exception 'the feature % is counted in whole units', held.feature using errcode = '${RAISED.invalid}';
  end if;
  if held.state = 'pending' then
    counter.reserved := counter.reserved - held.amount;
  end if;
  if held.state = 'pending' and held.expires_at > at_time then
    within := least(of_actual, held.amount);
    beyond := of_actual - within;
    if counter.cap is not null then
      beyond := least(beyond, greatest(0, counter.cap - counter.used - counter.reserved - within));
    end if;
    within := within + beyond;
    held.state := 'committed';
  else
    within := 0;
    held.state := 'late';
  end if;
  held.actual := of_actual;
  update tenantry.limit_counters
  set used = used + within, reserved = counter.reserved, overage = overage + of_actual - within
  where ${HELD_COUNTER};
  update tenantry.limit_holds set state = held.state, actual = held.actual, resolved_at = at_time where id = held.id;
  return ${holdState('held', false)};`

const RELEASE = `
${LOCK_HOLD.trim()}
  if held.state in ('committed', 'late') then
    raise exception 'the hold was committed' using errcode = '${RAISED.staleTransition}';
  end if;
  if held.state <> 'pending' then
    return ${holdState('held', true)};
  end if;
  held.state := 'released';
  update tenantry.limit_holds set state = held.state, resolved_at = at_time where id = held.id;
  update tenantry.limit_counters set reserved = reserved - held.amount where ${HELD_COUNTER};
  return ${holdState('held', false)};`

/** Of one counter, or of all where \`of_account\` is null. Holds that somebody is just resolving are left to them. */
const EXPIRE_DUE = `
#variable_conflict use_column
declare
  due uuid[];
  gone record;
begin
  if of_account is null then
    select pg_catalog.array_agg(id) into due from (
      select id from tenantry.limit_holds
      where state = 'pending' and expires_at <= at_time
      order by expires_at limit of_batch for update skip locked
    ) as due_holds;
  else
    select pg_catalog.array_agg(id) into due from (
      select id from tenantry.limit_holds
      where account = of_account and feature = of_feature and subject = of_subject
        and state = 'pending' and expires_at <= at_time
      limit of_batch for update skip locked
    ) as due_holds;
  end if;
  if due is null then
    return 0;
  end if;
  update tenantry.limit_holds set state = 'expired', resolved_at = at_time where id = any (due);
  for gone in
    select account, feature, subject, ends, sum(amount) as amount
    from tenantry.limit_holds where id = any (due)
    group by account, feature, subject, ends
    order by feature, account, subject, ends
  loop
    update tenantry.limit_counters set reserved = reserved - gone.amount
    where account = gone.account and feature = gone.feature and subject = gone.subject and ends = gone.ends;
  end loop;
  return pg_catalog.cardinality(due);
end`

/** Keys are forgotten some time after their effect. The counters keep what was used. */
const FORGET = `
declare
  forgotten integer;
begin
  delete from tenantry.limit_holds where id in (
    select id from tenantry.limit_holds
    where resolved_at < tenantry.limit_clock() - pg_catalog.make_interval(days => of_days)
      and created_at < tenantry.limit_clock() - pg_catalog.make_interval(days => of_days)
    limit of_batch for update skip locked
  );
  get diagnostics forgotten = row_count;
  return forgotten;
end`
