/** What limits keep of accounts goes with them. */
import { type DdlObject, RAISED } from '@tenantry/core'
import { quoteIdentifier, trigger } from '@tenantry/ddl'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import { ROLES } from '../../caller.ts'
import type { PlansPlan } from '../plan.ts'
import type { AccountType } from '../tables.ts'
import { serviceFunction } from './function.ts'
import { MET_ROWS } from './guard.ts'

/** `limit_erase` is for SQL of the host's as well. */
export function eraseObjects({ accountType, accounts }: PlansPlan): readonly DdlObject[] {
  return [
    serviceFunction({
      name: 'limit_erase',
      args: [
        ['of_accounts', `${accountType}[]`],
        // Their rows are deleted by the statement whose trigger this is: what that cascades to is counted after it.
        ['of_rows_go', 'boolean', 'false'],
      ],
      returns: 'void',
      body: erase(accountType === 'uuid' ? '00000000-0000-0000-0000-000000000000' : ''),
    }),
    ...(accounts === null ? [] : follow(accountType, accounts)),
  ]
}

/** By statement, as the other followers; on a table of subscriptions its name comes after that for their deletion. */
function follow(accountType: AccountType, accounts: PgColumn): readonly DdlObject[] {
  const name = 'limit_follow_gone'
  return [
    serviceFunction({
      name,
      args: [],
      returns: 'trigger',
      body: `
declare
  gone ${accountType}[];
begin
  if tg_op = 'DELETE' then
    select pg_catalog.array_agg(${quoteIdentifier(accounts.name)}) into gone from old_rows;
  else
    select pg_catalog.array_agg(account) into gone from tenantry.limit_accounts;
  end if;
  if gone is not null then
    perform tenantry.limit_erase(gone, true);
  end if;
  return null;
end`,
    }),
    ...(['delete', 'truncate'] as const).map((event) =>
      trigger({
        table: accounts.table as PgTable,
        name: `limit_follow_gone_${event}`,
        timing: 'after',
        events: [event],
        level: 'statement',
        ...(event === 'truncate' ? {} : { referencing: MET_ROWS.delete }),
        execute: { schema: 'tenantry', name, owner: ROLES.service },
        enable: 'always',
      }),
    ),
  ]
}

/** Holds are locked before accounts and these before counters, each in one order, as everybody does. */
const erase = (nobody: string): string => `
#variable_conflict use_column
declare
  present text;
begin
  perform from tenantry.limit_holds
  where account = any (of_accounts) and state in ('pending', 'committed')
  order by id for update;
  perform from tenantry.limit_accounts where account = any (of_accounts) order by account for update;
  perform from tenantry.limit_counters where account = any (of_accounts)
  order by feature, account, subject, ends for update;

  select feature into present from tenantry.limit_counters
  where account = any (of_accounts) and kind = 'allocated' and used > 0 and not of_rows_go
  order by feature limit 1;
  if found then
    -- Their counter would begin at nothing, and the plan would allow them once more.
    raise exception 'the account still has rows that count for %: delete them first', present
      using errcode = '${RAISED.invalid}';
  end if;

  delete from tenantry.limit_counters where account = any (of_accounts);
  delete from tenantry.limit_overrides where account = any (of_accounts);
  -- With those that were made since, whose counters were waited for above.
  delete from tenantry.limit_holds where account = any (of_accounts);
  -- A row that is still there was counted, whoever has it now; and gives nothing back.
  update tenantry.limit_marks set account = '${nobody}', subject = '', ends = '-infinity', amount = 0
  where account = any (of_accounts);
  -- The last: changes of the others are noted there.
  delete from tenantry.limit_accounts where account = any (of_accounts);
end`
