import { RAISED, lazyModule } from '@tenantry/core'
import { type FunctionArgument, sqlFunction } from '@tenantry/ddl'
import { defineCredits } from '@tenantry/limits'
import { CALLER_IS_SERVICE, contextExpressions, ROLES } from '@tenantry/rls'
import { creditBalances, creditTransactions } from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'
import { CALLER_IS_THE_USER } from './caller.ts'

/** A balance that never falls below zero, and the entries that it is the sum of; what it pays, it pays once. */
export const credits = defineCredits({
  tenant: { expression: contextExpressions(tenancy).tenant, type: 'uuid' },
  kinds: { reversed: 'refunded' },
  tables: {
    balances: {
      table: creditBalances,
      columns: { tenant: 'userId', balance: 'balance', version: 'version' },
    },
    entries: {
      table: creditTransactions,
      columns: {
        tenant: 'userId',
        version: 'version',
        kind: 'transactionType',
        amount: 'amount',
        balanceAfter: 'balanceAfter',
        source: 'source',
        description: 'description',
        idempotencyKey: 'idempotencyKey',
        reverses: 'reverses',
        expiresAt: 'expiresAt',
        lots: 'lots',
        createdAt: 'createdAt',
      },
    },
  },
})

const ARGS: readonly FunctionArgument[] = [
  { name: 'p_user_id', type: 'uuid' },
  { name: 'p_amount', type: 'integer' },
  { name: 'p_source', type: 'text' },
  { name: 'p_description', type: 'text' },
  { name: 'p_idempotency_key', type: 'text', default: 'null' },
]

/** Posts an entry; `outcome` says what became of it. */
const post = (kind: 'earned' | 'spent'): string => `
  if p_amount is null or p_amount <= 0 then
    raise exception 'credits are counted from one up' using errcode = 'check_violation', constraint = 'credits_positive';
  end if;
  select posted.outcome into outcome
  from tenantry.post_credits(p_user_id, '${kind}', p_amount, p_source, p_description, p_idempotency_key, null) as posted;
  if outcome = 'conflict' then
    raise exception 'the idempotency key stands for another entry' using
      errcode = '${RAISED.idempotency}', schema = 'public', table = 'credit_transactions';
  end if;`

/** The documented functions. */
export const creditFunctions = lazyModule({
  name: 'documented credits',
  objects: () => [
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
declare
  outcome text;
begin
  if not ${CALLER_IS_SERVICE} then
    raise exception 'credits are awarded by the service role' using errcode = '${RAISED.isolation}';
  end if;${post('earned')}
end`,
    }),
    sqlFunction({
      name: 'spend_credits',
      args: ARGS,
      // Whether there were enough.
      returns: 'boolean',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      executableBy: [ROLES.tenant, ROLES.service],
      body: `
declare
  outcome text;
begin${CALLER_IS_THE_USER}${post('spent')}
  return outcome <> 'insufficient';
end`,
    }),
  ],
})
