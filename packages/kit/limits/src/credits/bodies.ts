/**
 * How credits move. Whoever posts first takes the account's row, and reads the rest after that: callers of one tenant
 * take turns, at every isolation level. Before that each looks once without it, so that a replay and a denial write
 * nothing and wait for nobody.
 */
import { RAISED } from '@tenantry/core'
import { quoteLiteral } from '@tenantry/ddl'
import { type CreditsPlan, type EntryColumn, POSTING_SETTING } from './plan.ts'

const account = ({ balances }: CreditsPlan): string =>
  `${balances.target.sql} as account where account.${balances.sql.tenant} = p_tenant`

const entry = ({ entries }: CreditsPlan): string =>
  `${entries.target.sql} as entry where entry.${entries.sql.tenant} = p_tenant`

const lots = ({ lots: { target } }: CreditsPlan): string => `${target.sql} as lot where lot.tenant = p_tenant`

/** What may be spent at `v_now`: credits that are due to expire are no longer there, whether or not they went. */
const available = (plan: CreditsPlan): string => `coalesce((
        select account.${plan.balances.sql.balance} - coalesce((
          select sum(lot.remaining) from ${lots(plan)} and lot.expires_at <= v_now
        ), 0)
        from ${account(plan)}
      ), 0)`

const takeAccount = (
  plan: CreditsPlan,
): string => `insert into ${plan.balances.target.sql} (${plan.balances.sql.tenant})
      values (p_tenant) on conflict do nothing;
      perform from ${account(plan)} for update;`

function write(
  { name, entries }: CreditsPlan,
  values: Readonly<Partial<Record<EntryColumn, string>>>,
  returning = '',
): string {
  const given = Object.entries(values) as [EntryColumn, string][]
  return `perform pg_catalog.set_config('${POSTING_SETTING}', '${name}', true);
  insert into ${entries.target.sql} as entry (${given.map(([column]) => entries.sql[column]).join(', ')})
  values (${given.map(([, value]) => value).join(', ')})${returning === '' ? '' : `\n  ${returning}`};`
}

const posted = ({ entries }: CreditsPlan): string =>
  `returning entry.${entries.sql.version}, entry.${entries.sql.balanceAfter} into entry_version, account_balance`

export function postBody(plan: CreditsPlan): string {
  const {
    entries,
    kinds,
    lots: { target },
  } = plan
  const { kind, amount, source, expiresAt, version, balanceAfter, idempotencyKey } = entries.sql
  return `
#variable_conflict use_column
declare
  v_kind constant text := case p_kind when 'earned' then ${quoteLiteral(kinds.earned)} when 'spent' then ${quoteLiteral(kinds.spent)} end;
  v_amount constant bigint := case p_kind when 'spent' then -p_amount else p_amount end;
  v_now timestamptz;
  v_lots jsonb;
  v_known record;
begin
  if v_kind is null or p_amount is null or p_amount < 1 or p_amount > 1000000000000
    or p_source is null or p_source = '' or p_key = ''
  then
    raise exception 'credits are earned or spent in whole numbers from 1 to 10^12, from somewhere' using errcode = '${RAISED.invalid}';
  end if;
  for v_look in 1..2 loop
    if v_look = 2 then
      ${takeAccount(plan)}
    end if;
    v_now := pg_catalog.clock_timestamp();
    if p_key is not null then
      select entry.${kind} as kind, entry.${amount} as amount, entry.${source} as source, entry.${expiresAt} as expires_at,
        entry.${version} as version, entry.${balanceAfter} as balance_after
      into v_known
      from ${entry(plan)} and entry.${idempotencyKey} = p_key;
      if found then
        outcome := case
          when (v_known.kind, v_known.amount, v_known.source, v_known.expires_at)
            is not distinct from (v_kind, v_amount, p_source, p_expires_at) then 'replayed'
          else 'conflict' end;
        entry_version := v_known.version;
        account_balance := v_known.balance_after;
        return next;
        return;
      end if;
    end if;
    if p_kind = 'spent' then
      account_balance := ${available(plan)};
      if account_balance < p_amount then
        outcome := 'insufficient';
        return next;
        return;
      end if;
    elsif p_expires_at <= v_now then
      raise exception 'credits would have expired before they came' using errcode = '${RAISED.invalid}';
    end if;
  end loop;
  perform tenantry.settle_${plan.name}(p_tenant, v_now);
  if p_kind = 'spent' then
    v_lots := tenantry.consume_${plan.name}_lots(p_tenant, p_amount, null);
  end if;
  ${write(
    plan,
    {
      tenant: 'p_tenant',
      kind: 'v_kind',
      amount: 'v_amount',
      source: 'p_source',
      description: 'p_description',
      idempotencyKey: 'p_key',
      expiresAt: 'p_expires_at',
      lots: 'v_lots',
    },
    posted(plan),
  )}
  if p_expires_at is not null then
    insert into ${target.sql} (tenant, version, remaining, expires_at)
    values (p_tenant, entry_version, p_amount, p_expires_at);
  end if;
  outcome := 'done';
  return next;
end`
}

/** An entry is reversed once: the second call answers what the first did. */
export function reverseBody(plan: CreditsPlan): string {
  const {
    entries,
    kinds,
    lots: { target },
  } = plan
  const { kind, amount, source, version, balanceAfter, reverses } = entries.sql
  return `
#variable_conflict use_column
declare
  v_entry record;
  v_now timestamptz;
  v_lots jsonb;
begin
  select entry.${kind} as kind, entry.${amount} as amount, entry.${source} as source, entry.${entries.sql.lots} as lots
  into v_entry
  from ${entry(plan)} and entry.${version} = p_version;
  if not found or v_entry.kind not in (${quoteLiteral(kinds.earned)}, ${quoteLiteral(kinds.spent)}) then
    outcome := case when v_entry.kind is null then 'missing' else 'final' end;
    return next;
    return;
  end if;
  for v_look in 1..2 loop
    if v_look = 2 then
      ${takeAccount(plan)}
    end if;
    v_now := pg_catalog.clock_timestamp();
    select entry.${version}, entry.${balanceAfter} into entry_version, account_balance
    from ${entry(plan)} and entry.${reverses} = p_version;
    if found then
      outcome := 'replayed';
      return next;
      return;
    end if;
    account_balance := ${available(plan)};
    if account_balance < v_entry.amount then
      outcome := 'insufficient';
      return next;
      return;
    end if;
  end loop;
  perform tenantry.settle_${plan.name}(p_tenant, v_now);
  if v_entry.amount > 0 then
    v_lots := tenantry.consume_${plan.name}_lots(p_tenant, v_entry.amount, p_version);
  end if;
  ${write(
    plan,
    {
      tenant: 'p_tenant',
      kind: quoteLiteral(kinds.reversed),
      amount: '-v_entry.amount',
      source: 'v_entry.source',
      description: 'p_description',
      reverses: 'p_version',
      lots: 'v_lots',
    },
    posted(plan),
  )}
  if v_entry.amount < 0 and v_entry.lots is not null then
    -- They come back as what they were; what is due meanwhile goes at once.
    insert into ${target.sql} as lot (tenant, version, remaining, expires_at)
    select p_tenant, taken.version, taken.amount, entry.${entries.sql.expiresAt}
    from pg_catalog.jsonb_to_recordset(v_entry.lots) as taken (version bigint, amount bigint)
    join ${entries.target.sql} as entry
      on entry.${entries.sql.tenant} = p_tenant and entry.${version} = taken.version
    on conflict (tenant, version) do update set remaining = lot.remaining + excluded.remaining;
    perform tenantry.settle_${plan.name}(p_tenant, v_now);
    select account.${plan.balances.sql.balance} into account_balance from ${account(plan)};
  end if;
  outcome := 'done';
  return next;
end`
}

/** The soonest to expire first, `p_first` before all; what is left comes from those that never do. */
export function consumeBody(plan: CreditsPlan): string {
  const { target } = plan.lots
  return `
#variable_conflict use_column
declare
  v_lot record;
  v_taken bigint;
  v_left bigint := p_amount;
  v_lots jsonb;
begin
  for v_lot in
    select lot.version, lot.remaining from ${lots(plan)}
    order by lot.version is distinct from p_first, lot.expires_at, lot.version
  loop
    exit when v_left = 0;
    v_taken := least(v_left, v_lot.remaining);
    if v_taken = v_lot.remaining then
      delete from ${target.sql} as lot where lot.tenant = p_tenant and lot.version = v_lot.version;
    else
      update ${target.sql} as lot set remaining = lot.remaining - v_taken
      where lot.tenant = p_tenant and lot.version = v_lot.version;
    end if;
    v_left := v_left - v_taken;
    v_lots := coalesce(v_lots, '[]') || pg_catalog.jsonb_build_object('version', v_lot.version, 'amount', v_taken);
  end loop;
  return v_lots;
end`
}

/** An entry for each lot that is due. */
export function settleBody(plan: CreditsPlan): string {
  const { target } = plan.lots
  return `
#variable_conflict use_column
declare
  v_lot record;
begin
  for v_lot in
    select lot.version, lot.remaining from ${lots(plan)} and lot.expires_at <= p_now
    order by lot.expires_at, lot.version
  loop
    ${write(plan, {
      tenant: 'p_tenant',
      kind: quoteLiteral(plan.kinds.expired),
      amount: '-v_lot.remaining',
      source: "'expiry'",
      lots: "pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('version', v_lot.version, 'amount', v_lot.remaining))",
    })}
    delete from ${target.sql} as lot where lot.tenant = p_tenant and lot.version = v_lot.version;
  end loop;
end`
}

/** Accounts that somebody is posting to are passed over: their own call settles them. Answers how many it settled. */
export function expireBody(plan: CreditsPlan): string {
  const {
    balances,
    lots: { target },
  } = plan
  return `
#variable_conflict use_column
declare
  v_now constant timestamptz := pg_catalog.clock_timestamp();
  v_account record;
  v_settled integer := 0;
begin
  for v_account in
    select account.${balances.sql.tenant} as tenant
    from ${balances.target.sql} as account
    where account.${balances.sql.tenant} in (
      select lot.tenant from ${target.sql} as lot where lot.expires_at <= v_now order by lot.expires_at limit p_accounts
    )
    for update skip locked
  loop
    perform tenantry.settle_${plan.name}(v_account.tenant, v_now);
    v_settled := v_settled + 1;
  end loop;
  return v_settled;
end`
}
