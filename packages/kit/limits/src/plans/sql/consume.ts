/** Counting: one UPDATE of the row that holds the cap. */
import { type DdlObject, RAISED } from '@tenantry/core'
import { internalFunction, OPEN, type PlanSql, tenantFunction } from './function.ts'

const TIME = 'timestamp with time zone'

export function consumeObjects(sql: PlanSql): readonly DdlObject[] {
  const counter = [
    ['of_account', sql.accountType],
    ['of_feature', 'text'],
    ['of_subject', 'text'],
  ] as const
  return [
    internalFunction({
      name: 'limit_fits',
      args: [...counter, ['of_amount', 'numeric'], ['of_guarded', 'boolean'], ['at_time', TIME]],
      returns: 'boolean',
      body: FITS,
    }),
    internalFunction({
      name: 'limit_take',
      args: [
        ...counter,
        ['of_amount', 'numeric'],
        ['of_reserved', 'boolean'],
        ['of_guarded', 'boolean'],
        ['at_time', TIME],
      ],
      returns: 'tenantry.limit_counters',
      body: TAKE,
    }),
    tenantFunction(sql, {
      name: 'limit_consume',
      args: [
        ['of_feature', 'text'],
        ['of_subject', 'text'],
        ['of_amount', 'numeric'],
        ['of_key', 'text'],
        // Whether a refusal is an answer. An error costs several times as much, and ends the caller's transaction.
        ['of_answer', 'boolean', 'false'],
      ],
      returns: 'jsonb',
      declare: `held tenantry.limit_holds;
  counter tenantry.limit_counters;
  answer jsonb;`,
      body: CONSUME,
    }),
    tenantFunction(sql, {
      name: 'limit_consume_each',
      args: [
        ['of_feature', 'text'],
        ['of_subject', 'text'],
        ['of_amounts', 'numeric[]'],
      ],
      returns: 'jsonb',
      declare: `counter tenantry.limit_counters;
  least_amount numeric;
  amount numeric;
  answers jsonb[] := '{}';`,
      body: CONSUME_EACH,
    }),
  ]
}

/** Whether the feature of a counter can be counted in `of_amount`. */
const COUNTABLE = `of_amount = case kind when 'costed' then pg_catalog.round(of_amount, 6) else pg_catalog.trunc(of_amount) end`

/** Of a counter that is up to date: whether it admits `of_amount` now. */
export const ROOM = `valid_until > at_time and consumes
      and (cap is null or used + reserved + of_amount <= cap)
      and ${COUNTABLE}`

/** Rounds of a call that others overtake in each: so many that chance explains none, and yet a call has an end. */
const ROUNDS = 20

/** Runs a body until it returns, or leaves the loop; `NO_ROUND_LEFT` says that it never did. */
export const inRounds = (body: string): string => `for round_of_call in 1..${ROUNDS} loop
    ${body.trim()}
  end loop;`

export const NO_ROUND_LEFT = `raise exception 'others changed the counter or key of % in each of ${ROUNDS} attempts', of_feature
    using errcode = 'serialization_failure', hint = 'Nothing was counted: run the transaction again';`

/** What is said of a refusal, as `planLimitOf` of core reads it: an expression over a counter. */
const refusal = (amount: string): string => `pg_catalog.jsonb_build_object(
      'feature', of_feature,
      'plan', counter.plan,
      'limit', counter.cap,
      'used', counter.used,
      'reserved', counter.reserved,
      'requested', ${amount},
      'resetsAt', case when pg_catalog.isfinite(counter.ends) then counter.ends end,
      'reason', case
        when not counter.consumes then 'standing'
        when counter.used + ${amount} <= counter.cap then 'holds'
        else 'limit'
      end,
      -- An exception stands in for the cap of every plan: none helps.
      'smallestPlan', case when counter.consumes and not exists (
        select from tenantry.limit_overrides as own
        where own.account = of_account and own.feature = of_feature
          and (own.expires_at is null or own.expires_at > at_time)
      ) then (
        select limit_caps.plan
        from tenantry.limit_caps
        join tenantry.limit_plans on limit_plans.plan = limit_caps.plan
        where limit_caps.feature = of_feature
          and (limit_caps.cap is null or limit_caps.cap >= counter.used + counter.reserved + ${amount})
        order by limit_plans.rank
        limit 1
      ) end
    )`

/**
 * Asked when the one UPDATE met no row. Writes nothing, unless holds have run out that were in the way. True: there is
 * room now. False: the counter isn't there, or its cap has to be looked up again. Otherwise it says why not.
 */
const FITS = `
#variable_conflict use_column
declare
  declared tenantry.limit_features;
  counter tenantry.limit_counters;
  opened boolean;
  entitled record;
  refusal jsonb;
begin
  select * into counter from tenantry.limit_counters where ${OPEN};
  opened := found and counter.valid_until > at_time;
  -- An open counter knows what its feature is, unless the call doesn't fit it.
  if not opened or (counter.kind = 'allocated' and not of_guarded)
    or (counter.kind <> 'costed' and of_amount <> pg_catalog.trunc(of_amount))
  then
    select * into declared from tenantry.limit_features where feature = of_feature;
    if not found then
      raise exception 'there is no feature "%"', of_feature using errcode = '${RAISED.invalid}';
    end if;
    if declared.kind = 'allocated' and not of_guarded then
      raise exception 'the feature % is the number of rows of a table: it is not consumed by hand', of_feature
        using errcode = '${RAISED.invalid}';
    end if;
    if declared.kind <> 'costed' and of_amount <> pg_catalog.trunc(of_amount) then
      raise exception 'the feature % is counted in whole units', of_feature using errcode = '${RAISED.invalid}';
    end if;
    if declared.by_subject <> (of_subject <> '') then
      raise exception 'the feature % is % counted by subject', of_feature, case when declared.by_subject then 'only' else 'not' end
        using errcode = '${RAISED.invalid}';
    end if;
  end if;
  if not opened then
    select plan, cap, consumes, anchor into entitled from tenantry.limit_entitlement(of_account, of_feature, at_time);
    counter.plan := entitled.plan;
    counter.cap := entitled.cap;
    counter.consumes := entitled.consumes;
    counter.used := coalesce(counter.used, 0);
    counter.reserved := coalesce(counter.reserved, 0);
  end if;
  if counter.consumes and (counter.cap is null or counter.used + counter.reserved + of_amount <= counter.cap) then
    return opened;
  end if;
  if counter.consumes and counter.reserved > 0 and tenantry.limit_expire_due(of_account, of_feature, of_subject, 1000, at_time) > 0 then
    return opened;
  end if;
  if counter.ends is null and declared.period is not null then
    select ends into counter.ends
    from tenantry.limit_period(declared.period, coalesce(entitled.anchor, timestamptz '2000-01-01 00:00:00+00'), declared.zone, at_time);
  end if;
  refusal := ${refusal('of_amount')};
  raise exception 'the plan refuses % of %', of_amount, of_feature
    using errcode = '${RAISED.limit}', detail = refusal::text;
end`

/**
 * A caller that waited for the row tests the cap that stands in it then: that is why the cap is kept there. All of
 * the amount or nothing.
 */
const TAKE = `
#variable_conflict use_column
declare
  taken tenantry.limit_counters;
begin
  -- NaN is greater than every number, and no cap refuses it where there is none.
  if (of_amount > 0 and of_amount < 1e15 and of_amount = pg_catalog.round(of_amount, 6)) is not true then
    raise exception 'an amount is a number above 0 with at most six decimals' using errcode = '${RAISED.invalid}';
  end if;
  ${inRounds(`
    update tenantry.limit_counters as counter
    set used = counter.used + case when of_reserved then 0 else of_amount end,
      reserved = counter.reserved + case when of_reserved then of_amount else 0 end
    where ${OPEN}
      and ${ROOM} and (of_guarded or kind <> 'allocated')
    returning counter.* into taken;
    if found then
      return taken;
    end if;
    if not tenantry.limit_fits(of_account, of_feature, of_subject, of_amount, of_guarded, at_time) then
      perform tenantry.limit_open(of_account, of_feature, of_subject, at_time);
    end if;`)}
  ${NO_ROUND_LEFT}
end`

/** What a call answers: an expression over a counter, since one more function would cost as much as all the rest. */
const state = (counter: string, replayed: boolean): string => `pg_catalog.jsonb_build_object(
      'used', ${counter}.used,
      'reserved', ${counter}.reserved,
      'limit', ${counter}.cap,
      'plan', ${counter}.plan,
      'resetsAt', case when pg_catalog.isfinite(${counter}.ends) then ${counter}.ends end,
      'replayed', ${replayed}
    )`

/**
 * The first UPDATE is that of `limit_take`, in place: most calls end with it, and most of the others with what refuses
 * them, where nothing has to be looked up again and no hold is in the way. With a key the effect is noted first: its
 * unique index makes callers with the same key take turns.
 */
const CONSUME = `
if of_key is null then
    update tenantry.limit_counters as counter set used = counter.used + of_amount
    where ${OPEN}
      and ${ROOM} and kind <> 'allocated' and of_amount > 0 and of_amount < 1e15
    returning ${state('counter', false)} into answer;
    if found then
      return answer;
    end if;
    if of_answer then
      select ${refusal('of_amount')} into answer
      from tenantry.limit_counters as counter
      where ${OPEN}
        and valid_until > at_time and kind <> 'allocated' and of_amount > 0 and of_amount < 1e15 and ${COUNTABLE}
        and case when consumes then reserved = 0 and used + of_amount > cap else true end;
      if found then
        return answer;
      end if;
    end if;
    if of_amount > 0 and not tenantry.limit_fits(of_account, of_feature, of_subject, of_amount, false, at_time) then
      perform tenantry.limit_open(of_account, of_feature, of_subject, at_time);
    end if;
  else
    held := tenantry.limit_note(of_account, of_feature, of_subject, of_amount, of_key, null, at_time);
  end if;
  if held.state is null then
    counter := tenantry.limit_take(of_account, of_feature, of_subject, of_amount, false, false, at_time);
    return ${state('counter', false)};
  end if;
  select * into counter from tenantry.limit_counters
  where account = held.account and feature = held.feature and subject = held.subject and ends = held.ends;
  return ${state('counter', true)};`

/**
 * Admits as many amounts as there is room for, in their order, by one UPDATE. Answers for each, in the same order. Where
 * not even the least fits it refuses that one, and writes nothing.
 */
const CONSUME_EACH = `
select min(n) into least_amount from pg_catalog.unnest(of_amounts) as n
  having pg_catalog.bool_and(coalesce(n > 0 and n < 1e15 and n = pg_catalog.round(n, 6), false));
  if not found then
    raise exception 'an amount is a number above 0 with at most six decimals' using errcode = '${RAISED.invalid}';
  end if;
  ${inRounds(`
    select * into counter from tenantry.limit_counters
    where ${OPEN}
      and valid_until > at_time and consumes and kind <> 'allocated'
      and (cap is null or used + reserved + least_amount <= cap)
    for update;
    exit when found;
    if not tenantry.limit_fits(of_account, of_feature, of_subject, least_amount, false, at_time) then
      perform tenantry.limit_open(of_account, of_feature, of_subject, at_time);
    end if;`)}
  if counter.account is null then
    ${NO_ROUND_LEFT}
  end if;
  foreach amount in array of_amounts loop
    if counter.kind <> 'costed' and amount <> pg_catalog.trunc(amount) then
      raise exception 'the feature % is counted in whole units', of_feature using errcode = '${RAISED.invalid}';
    end if;
    if counter.cap is null or counter.used + counter.reserved + amount <= counter.cap then
      counter.used := counter.used + amount;
      answers := answers || ${state('counter', false)};
    else
      answers := answers || ${refusal('amount')};
    end if;
  end loop;
  update tenantry.limit_counters set used = counter.used
  where account = counter.account and feature = counter.feature and subject = counter.subject and ends = counter.ends;
  return pg_catalog.to_jsonb(answers);`
