/** Sets counters and marks of rows to what there is: for tables that have rows when their guard comes, and for repair. */
import { type DdlObject } from '@tenantry/core'
import { quoteLiteral } from '@tenantry/ddl'
import type { CountPlan, GuardPlan } from '../guard-plan.ts'
import type { AccountType } from '../tables.ts'
import { countedRows } from '../upkeep.ts'
import { serviceFunction } from './function.ts'

export function recountObject(guard: GuardPlan, accountType: AccountType): DdlObject | null {
  const counts = guard.counts.filter(({ kind }) => kind === 'allocated')
  const once = guard.counts.filter((count) => count.once !== null)
  if (counts.length === 0 && once.length === 0) return null
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
  .join('')}${once.map((count) => `  ${markPresent(guard, count)};\n`).join('')}  return differing;
end`,
  })
}

/** Rows that were there before their guard count as counted, for nothing: the next update of one takes no unit. */
function markPresent({ target }: GuardPlan, count: CountPlan): string {
  const givesBack = count.once?.givesBack
  return `insert into tenantry.limit_marks (feature, row_key, account, subject, ends, amount)
  select ${quoteLiteral(count.feature)}, ${count.rowKey}, ${count.account}, ${count.subject}, timestamptz '-infinity', 0
  from ${target.sql} as row
  where (${count.where})${givesBack === undefined ? '' : ` and (${givesBack}) is not true`} and ${count.account} is not null
  on conflict (feature, row_key) do nothing`
}
