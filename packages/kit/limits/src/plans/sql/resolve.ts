/** The bodies of what becomes of holds. A hold is locked before its counter, always. */
import { RAISED } from '@tenantry/core'

/** What a call answers: an expression over a hold. */
export const holdState = (held: string, replayed: boolean): string => `pg_catalog.jsonb_build_object(
      'id', ${held}.id,
      'feature', ${held}.feature,
      'subject', ${held}.subject,
      'amount', ${held}.amount,
      'state', ${held}.state,
      'actual', ${held}.actual,
      'expiresAt', ${held}.expires_at,
      'replayed', ${replayed}
    )`

export const HELD_COUNTER = `account = held.account and feature = held.feature and subject = held.subject and ends = held.ends`

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
export const COMMIT = `
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

export const RELEASE = `
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
export const EXPIRE_DUE = `
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
export const FORGET = `
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
