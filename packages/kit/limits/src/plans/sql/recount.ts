/** Sets counters of rows to what there is: for tables that have rows when their guard comes, and for repair. */
import { type DdlObject } from '@tenantry/core'
import { quoteLiteral } from '@tenantry/ddl'
import type { GuardPlan } from '../guard-plan.ts'
import type { AccountType } from '../tables.ts'
import { countedRows } from '../upkeep.ts'
import { serviceFunction } from './function.ts'

export function recountObject(guard: GuardPlan, accountType: AccountType): DdlObject | null {
  const counts = guard.counts.filter(({ kind }) => kind === 'allocated')
  if (counts.length === 0) return null
  return serviceFunction({
    name: `limit_recount_${guard.target.name}`,
    args: [],
    returns: 'integer',
    body: `
#variable_conflict use_column
declare
  at_time constant timestamptz := tenantry.limit_clock();
  lacking record;
  differing integer := 0;
  met integer;
  accounts ${accountType}[];
begin
  -- Nobody writes meanwhile; the lock is that of CREATE TRIGGER, which a migration has taken already.
  lock table only ${guard.target.sql} in share row exclusive mode;
${counts
  .map((count) => {
    const feature = quoteLiteral(count.feature)
    return `  for lacking in
    select counted.account, counted.subject from (${countedRows(guard, count)}) as counted
    where counted.used > 0 and not exists (
      select from tenantry.limit_counters as counter
      where counter.account = counted.account and counter.feature = ${feature} and counter.subject = counted.subject
    )
    order by counted.account, counted.subject
  loop
    perform tenantry.limit_open(lacking.account, ${feature}, lacking.subject, at_time);
  end loop;
  perform from tenantry.limit_counters where feature = ${feature} order by feature, account, subject for update;
  update tenantry.limit_counters as counter set used = actual.used
  from (
    select known.account, known.subject, coalesce(counted.used, 0) as used
    from tenantry.limit_counters as known
    left join (${countedRows(guard, count)}) as counted on counted.account = known.account and counted.subject = known.subject
    where known.feature = ${feature}
  ) as actual
  where counter.feature = ${feature} and counter.account = actual.account and counter.subject = actual.subject
    and counter.used <> actual.used;
  get diagnostics met = row_count;
  differing := differing + met;
`
  })
  .join('')}  return differing;
end`,
  })
}
