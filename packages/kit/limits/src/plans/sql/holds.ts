/** Units held for work whose outcome isn't known yet. A hold is locked before its counter, always. */
import { type DdlObject, RAISED } from '@tenantry/core'
import { KEY_LENGTH_MAX, TTL_MAX_MS } from '../input.ts'
import { inRounds, NO_ROUND_LEFT, ROOM } from './consume.ts'
import { internalFunction, OPEN, type PlanSql, serviceFunction, tenantFunction } from './function.ts'
import { COMMIT, EXPIRE_DUE, FORGET, HELD_COUNTER, holdState, RELEASE } from './resolve.ts'

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
  ${inRounds(`
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
      select ends into counter_ends from tenantry.limit_counters where ${OPEN};
      -- An operator may have removed it.
      continue when not found;
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
    end if;`)}
  ${NO_ROUND_LEFT}
end`

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
