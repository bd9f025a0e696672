import type { Module } from '@tenantry/core'
import { type FunctionArgument, sqlFunction } from '@tenantry/ddl'
import { CALLER_IS_SERVICE, ROLES } from '@tenantry/rls'
import { CALLER_IS_THE_USER } from './caller.ts'

const ARGS: readonly FunctionArgument[] = [
  { name: 'p_user_id', type: 'uuid' },
  { name: 'p_amount', type: 'integer' },
  { name: 'p_source', type: 'text' },
  { name: 'p_description', type: 'text' },
  { name: 'p_idempotency_key', type: 'text', default: 'null' },
]

const CREDITS_POSITIVE = `
  if p_amount is null or p_amount <= 0 then
    raise exception 'credits are counted from one up' using errcode = 'check_violation', constraint = 'credits_positive';
  end if;`

/**
 * Credits: a balance that never falls below zero, and the entries that it is the sum of. Callers take turns at
 * the balance's row, so each sees what the one before left, at every isolation level.
 */
export const credits: Module = {
  name: 'credits',
  objects: [
    sqlFunction({
      schema: 'tenantry',
      name: 'post_credits',
      args: [
        { name: 'p_user_id', type: 'uuid' },
        { name: 'p_type', type: 'text' },
        { name: 'p_amount', type: 'integer' },
        { name: 'p_source', type: 'text' },
        { name: 'p_description', type: 'text' },
        { name: 'p_idempotency_key', type: 'text' },
      ],
      // The new balance; null when there are too few credits.
      returns: 'integer',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      // Called by the functions below, which check their callers; by the service role otherwise.
      executableBy: [ROLES.service],
      body: `
declare
  before integer;
  known record;
begin
  insert into public.credit_balances (user_id) values (p_user_id) on conflict do nothing;
  select balance into before from public.credit_balances where user_id = p_user_id for update;
  if p_idempotency_key is not null then
    -- Only now: whoever held the row may have written the entry.
    select transaction_type, amount, source, balance_after into known
    from public.credit_transactions
    where user_id = p_user_id and idempotency_key = p_idempotency_key;
    if found then
      if (known.transaction_type, known.amount, known.source) is distinct from (p_type, p_amount, p_source) then
        raise exception 'the idempotency key stands for another entry' using
          errcode = 'unique_violation',
          schema = 'public', table = 'credit_transactions', constraint = 'credit_transactions_idempotency_key';
      end if;
      return known.balance_after;
    end if;
  end if;
  if before + p_amount < 0 then
    return null;
  end if;
  update public.credit_balances set balance = before + p_amount where user_id = p_user_id;
  insert into public.credit_transactions
    (user_id, transaction_type, amount, source, description, balance_after, idempotency_key)
  values (p_user_id, p_type, p_amount, p_source, p_description, before + p_amount, p_idempotency_key);
  return before + p_amount;
end`,
    }),
    sqlFunction({
      name: 'award_credits',
      args: ARGS,
      returns: 'void',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      executableBy: [ROLES.service],
      body: `
begin
  if not ${CALLER_IS_SERVICE} then
    raise exception 'credits are awarded by the service role' using errcode = 'TN003';
  end if;${CREDITS_POSITIVE}
  perform tenantry.post_credits(p_user_id, 'earned', p_amount, p_source, p_description, p_idempotency_key);
end`,
    }),
    sqlFunction({
      name: 'spend_credits',
      args: ARGS,
      returns: 'boolean',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      executableBy: [ROLES.tenant, ROLES.service],
      body: `
begin${CALLER_IS_THE_USER}${CREDITS_POSITIVE}
  return tenantry.post_credits(p_user_id, 'spent', -p_amount, p_source, p_description, p_idempotency_key) is not null;
end`,
    }),
  ],
}
