/** The functions by which credits move, and the triggers that let them move in no other way. */
import { type DdlObject, RAISED } from '@tenantry/core'
import { appendOnly, type FunctionArgument, quoteLiteral, schema, sqlFunction, trigger } from '@tenantry/ddl'
import { refuseOthers, ROLES } from '../caller.ts'
import { consumeBody, expireBody, postBody, reverseBody, settleBody } from './bodies.ts'
import { type CreditsPlan, POSTING_SETTING } from './plan.ts'

const OUTCOME = 'table (outcome text, entry_version bigint, account_balance bigint)'

/** Functions of the service role run with its rights: only it may call them, whoever wrote the call. */
export function creditObjects(plan: CreditsPlan): readonly DdlObject[] {
  const { name, balances, entries, tenant } = plan
  const inLibrary = (called: string) => ({ schema: 'tenantry', name: called })
  const common = {
    language: 'plpgsql',
    volatility: 'volatile',
    config: { search_path: 'pg_catalog, pg_temp' },
  } as const
  const ofService = (called: string, args: readonly FunctionArgument[], returns: string, body: string) =>
    sqlFunction({ ...inLibrary(called), ...common, args, returns, body, executableBy: [ROLES.service] })
  const p_tenant = { name: 'p_tenant', type: tenant.type }
  const arg = (called: string, type: string): FunctionArgument => ({ name: called, type })
  const spending = [
    p_tenant,
    arg('p_amount', 'bigint'),
    arg('p_source', 'text'),
    arg('p_description', 'text'),
    arg('p_key', 'text'),
  ]
  return [
    schema({ name: 'tenantry' }),
    sqlFunction({
      ...inLibrary(`write_${name}_entry`),
      ...common,
      returns: 'trigger',
      body: entryBody(plan),
    }),
    trigger({
      table: entries.table,
      name: `write_${name}_entry`,
      timing: 'before',
      events: ['insert'],
      execute: inLibrary(`write_${name}_entry`),
      enable: 'always',
    }),
    sqlFunction({
      ...inLibrary(`guard_${name}_balance`),
      ...common,
      returns: 'trigger',
      body: balanceBody(plan),
    }),
    trigger({
      table: balances.table,
      name: `guard_${name}_balance`,
      timing: 'before',
      events: ['insert', 'update'],
      execute: inLibrary(`guard_${name}_balance`),
      enable: 'always',
    }),
    ...(plan.own ? [] : appendOnly([entries.target])),
    ofService(
      `consume_${name}_lots`,
      [p_tenant, arg('p_amount', 'bigint'), arg('p_first', 'bigint')],
      'jsonb',
      consumeBody(plan),
    ),
    ofService(
      `settle_${name}`,
      [p_tenant, arg('p_now', 'timestamp with time zone')],
      'void',
      settleBody(plan),
    ),
    ofService(
      `post_${name}`,
      [
        p_tenant,
        arg('p_kind', 'text'),
        ...spending.slice(1),
        arg('p_expires_at', 'timestamp with time zone'),
      ],
      OUTCOME,
      postBody(plan),
    ),
    ofService(
      `reverse_${name}`,
      [p_tenant, arg('p_version', 'bigint'), arg('p_description', 'text')],
      OUTCOME,
      reverseBody(plan),
    ),
    ofService(`expire_${name}`, [arg('p_accounts', 'integer')], 'integer', expireBody(plan)),
    sqlFunction({
      ...inLibrary(`spend_${name}`),
      args: spending,
      returns: OUTCOME,
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      executableBy: [ROLES.tenant, ROLES.service],
      body: `
begin
  ${refuseOthers(tenant, `credits of ${entries.target.label}`)}
  return query select *
  from tenantry.post_${name}(p_tenant, 'spent', p_amount, p_source, p_description, p_key, null);
end`,
    }),
  ]
}

const refused = (message: string): string => `raise exception using
      errcode = '${RAISED.isolation}', message = ${quoteLiteral(message)},
      schema = tg_table_schema, table = tg_table_name;`

/** An entry brings its balance with it, so the one can't be without the other. */
function entryBody({ name, balances, entries }: CreditsPlan): string {
  return `
begin
  if pg_catalog.current_setting('${POSTING_SETTING}', true) is distinct from '${name}' then
    ${refused(`entries of ${entries.target.label} are written by the functions of credits`)}
  end if;
  perform pg_catalog.set_config('${POSTING_SETTING}', '', true);
  update ${balances.target.sql} as account
  set ${balances.sql.balance} = account.${balances.sql.balance} + new.${entries.sql.amount},
      ${balances.sql.version} = account.${balances.sql.version} + 1
  where account.${balances.sql.tenant} = new.${entries.sql.tenant}
  returning account.${balances.sql.balance}, account.${balances.sql.version}
    into strict new.${entries.sql.balanceAfter}, new.${entries.sql.version};
  return new;
end`
}

/** Below the trigger of an entry it is the second on the way. An account that is made anew goes on where its entries end. */
function balanceBody({ balances, entries }: CreditsPlan): string {
  const { balance, version, tenant } = balances.sql
  return `
declare
  last record;
begin
  if tg_op = 'INSERT' then
    if (new.${balance}, new.${version}) is distinct from (0, 0) then
      ${refused(`an account of ${balances.target.label} begins with nothing, and its entries make its balance`)}
    end if;
    select entry.${entries.sql.balanceAfter} as balance, entry.${entries.sql.version} as version into last
    from ${entries.target.sql} as entry
    where entry.${entries.sql.tenant} = new.${tenant}
    order by entry.${entries.sql.version} desc
    limit 1;
    if found then
      new.${balance} := last.balance;
      new.${version} := last.version;
    end if;
    return new;
  end if;
  if pg_catalog.pg_trigger_depth() < 2
    and (new.${balance}, new.${version}, new.${tenant}) is distinct from (old.${balance}, old.${version}, old.${tenant})
  then
    ${refused(`a balance of ${balances.target.label} changes with an entry, never by itself`)}
  end if;
  if new.${balance} < 0 then
    raise exception using errcode = '${RAISED.limit}', message = 'a balance is never below zero',
      schema = tg_table_schema, table = tg_table_name;
  end if;
  return new;
end`
}
