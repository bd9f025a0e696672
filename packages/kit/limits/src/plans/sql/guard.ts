/** Guards: triggers on the host's tables, by which rows count wherever they come from. */
import { type DdlObject, RAISED } from '@tenantry/core'
import { quoteIdentifier, quoteLiteral, trigger, type TriggerEvent } from '@tenantry/ddl'
import type { GuardPlan } from '../guard-plan.ts'
import type { AccountType } from '../tables.ts'
import { ROLES } from '../../caller.ts'
import { internalFunction, serviceFunction } from './function.ts'

type RowEvent = keyof typeof MET_ROWS

/** The rows that a statement met, as functions of its triggers see them. */
export const MET_ROWS = {
  insert: { newTable: 'new_rows' },
  update: { newTable: 'new_rows', oldTable: 'old_rows' },
  delete: { oldTable: 'old_rows' },
} as const

export const applyObject = (accountType: AccountType): DdlObject =>
  internalFunction({
    name: 'limit_apply',
    args: [
      ['of_features', 'text[]'],
      ['of_accounts', `${accountType}[]`],
      ['of_subjects', 'text[]'],
      ['of_amounts', 'numeric[]'],
      ['of_ends', 'timestamp with time zone[]'],
      ['at_time', 'timestamp with time zone'],
    ],
    returns: 'void',
    body: APPLY,
  })

/** What counts once is known by its key: under another one it would count again, and its old one would be free. */
export const keepKeyObject = (): DdlObject =>
  serviceFunction({
    name: 'limit_keep_key',
    args: [],
    returns: 'trigger',
    body: `
begin
  raise exception 'a row that counts once keeps its primary key' using errcode = '${RAISED.invalid}';
end`,
  })

/**
 * Counters are made first, then all are taken in one order: batches over several accounts or features never wait for
 * each other in a circle. Whoever makes some has locked all their features and accounts before, in order, as a change
 * of plans does. The first that has no room refuses the whole statement.
 */
const APPLY = `
#variable_conflict use_column
declare
  change record;
  lacking boolean := false;
begin
  if exists (select from unnest(of_accounts, of_amounts) as each (account, amount) where account is null and amount > 0) then
    raise exception 'a row has no account that it counts for' using errcode = '${RAISED.invalid}';
  end if;
  for change in
    select feature, account, subject, amount
    from unnest(of_features, of_accounts, of_subjects, of_amounts) as each (feature, account, subject, amount)
    where amount > 0
    order by feature, account, subject
  loop
    perform from tenantry.limit_counters
    where account = change.account and feature = change.feature and subject = change.subject
      and starts <= at_time and ends > at_time and valid_until > at_time;
    if not found and not tenantry.limit_fits(change.account, change.feature, change.subject, change.amount, true, at_time) then
      lacking := true;
    end if;
  end loop;
  if lacking then
    perform from tenantry.limit_features where feature = any (of_features) order by feature for share;
    insert into tenantry.limit_accounts as known (account, refreshed_at)
    select distinct account, at_time from unnest(of_accounts, of_amounts) as each (account, amount) where amount > 0 order by account
    on conflict (account) do update set refreshed_at = excluded.refreshed_at;
    for change in
      select feature, account, subject
      from unnest(of_features, of_accounts, of_subjects, of_amounts) as each (feature, account, subject, amount)
      where amount > 0 and not exists (
        select from tenantry.limit_counters as counter
        where counter.account = each.account and counter.feature = each.feature and counter.subject = each.subject
          and counter.starts <= at_time and counter.ends > at_time and counter.valid_until > at_time
      )
      order by feature, account, subject
    loop
      perform tenantry.limit_open(change.account, change.feature, change.subject, at_time);
    end loop;
  end if;
  for change in
    select feature, account, subject, amount, ends
    from unnest(of_features, of_accounts, of_subjects, of_amounts, of_ends) as each (feature, account, subject, amount, ends)
    where account is not null
    order by feature, account, subject, ends
  loop
    if change.amount > 0 then
      perform tenantry.limit_take(change.account, change.feature, change.subject, change.amount, false, true, at_time);
    elsif change.ends is null then
      update tenantry.limit_counters set used = greatest(0, used + change.amount)
      where account = change.account and feature = change.feature and subject = change.subject
        and starts <= at_time and ends > at_time;
    else
      update tenantry.limit_counters set used = greatest(0, used + change.amount)
      where account = change.account and feature = change.feature and subject = change.subject and ends = change.ends;
    end if;
  end loop;
end`

/** The triggers of one table, for all that is counted in it, and the one function that they run. */
export function guardObjects(guard: GuardPlan, accountType: AccountType): readonly DdlObject[] {
  const { target } = guard
  const execute = { schema: 'tenantry', name: `limit_guard_${target.name}`, owner: ROLES.service }
  const branches = (['insert', 'update', 'delete', 'truncate'] as const).flatMap((event) => {
    const statements = event === 'truncate' ? truncated(guard) : counted(guard, event)
    return statements.length === 0 ? [] : [{ event, statements }]
  })
  return [
    serviceFunction({
      name: execute.name,
      args: [],
      returns: 'trigger',
      body: bodyOf(branches, accountType),
    }),
    ...branches.map(({ event }) =>
      trigger({
        table: target,
        name: `limit_guard_${event}`,
        timing: 'after',
        events: [event],
        level: 'statement',
        ...(event === 'truncate' ? {} : { referencing: MET_ROWS[event] }),
        execute,
        enable: 'always',
      }),
    ),
    ...(guard.counts.some(({ once }) => once !== null) ? [keepKey(guard)] : []),
  ]
}

function keepKey({ target, key }: GuardPlan): DdlObject {
  const [before, after] = ['old', 'new'].map((row) =>
    key.map((name) => `${row}.${quoteIdentifier(name)}`).join(', '),
  )
  return trigger({
    table: target,
    name: 'limit_guard_key',
    timing: 'after',
    events: [{ updateOf: key }],
    when: `row(${before}) is distinct from row(${after})`,
    execute: { schema: 'tenantry', name: 'limit_keep_key', owner: ROLES.service },
    enable: 'always',
  })
}

interface Branch {
  readonly event: TriggerEvent & string
  readonly statements: readonly string[]
}

/** By event: each trigger keeps its own plans of the function, so a branch costs no more than a function of its own. */
function bodyOf(branches: readonly Branch[], accountType: AccountType): string {
  const cases = branches.map(
    ({ event, statements }, index) => `${index === 0 ? 'if' : 'elsif'} tg_op = '${event.toUpperCase()}' then
${statements.map((statement) => `    ${statement};\n`).join('')}`,
  )
  return `
#variable_conflict use_column
declare
  at_time constant timestamptz := tenantry.limit_clock();
  features text[];
  accounts ${accountType}[];
  subjects text[];
  amounts numeric[];
  counter_ends timestamptz[];
begin
  ${cases.join('  ')}  end if;
  return null;
end`
}

function counted(guard: GuardPlan, event: RowEvent): readonly string[] {
  const parts = guard.counts.flatMap((count) => partsOf(count, event))
  const once = guard.counts.filter((count) => count.once !== null)
  const marks = once.flatMap((count) => marksOf(count, event))
  return [...(parts.length === 0 ? [] : [apply(parts)]), ...marks]
}

const apply = (parts: readonly string[]): string =>
  `select pg_catalog.array_agg(feature), pg_catalog.array_agg(account), pg_catalog.array_agg(subject), pg_catalog.array_agg(amount), pg_catalog.array_agg(ends)
    into features, accounts, subjects, amounts, counter_ends
    from (
      select feature, account, subject, ends, sum(amount) as amount
      from (
        ${parts.join('\n        union all\n        ')}
      ) as part
      group by feature, account, subject, ends
      having sum(amount) <> 0
    ) as change;
    if features is not null then
      perform tenantry.limit_apply(features, accounts, subjects, amounts, counter_ends, at_time);
    end if`

type Count = GuardPlan['counts'][number]

const columns = ({ feature, account, subject, amount }: Count, sign: '' | '-'): string =>
  `${quoteLiteral(feature)}::text as feature, ${account} as account, ${subject} as subject, ${sign}(${amount})::numeric as amount`

/** Rows that count once, from the moment at which they first do. */
const fresh = (count: Count): string =>
  `from new_rows as row
      where (${count.where})${count.once?.givesBack === undefined ? '' : ` and (${count.once.givesBack}) is not true`}
        and not exists (select from tenantry.limit_marks where limit_marks.feature = ${quoteLiteral(count.feature)} and limit_marks.row_key = ${count.rowKey})`

const returned = (count: Count, givesBack: string): string =>
  `from (select ${count.rowKey} as row_key from new_rows as row where (${givesBack})) as back
      join tenantry.limit_marks as mark on mark.feature = ${quoteLiteral(count.feature)} and mark.row_key = back.row_key`

/** Row by row, so that one that becomes less takes nothing from another's growth. */
const grown = (count: Count): string =>
  `select feature, account, subject, sum(amount) as amount, null::timestamptz as ends
      from (
        select ${count.rowKey} as row_key, ${columns(count, '')} from new_rows as row where (${count.where})
        union all
        select ${count.rowKey} as row_key, ${columns(count, '-')} from old_rows as row where (${count.where})
      ) as step
      group by row_key, feature, account, subject
      having sum(amount) > 0`

/** What an event adds to the counters and takes from them. */
function partsOf(count: Count, event: RowEvent): readonly string[] {
  const current = 'null::timestamptz as ends'
  if (count.once !== null) {
    if (event === 'delete') return []
    const { givesBack } = count.once
    return [
      `select ${columns(count, '')}, ${current} ${fresh(count)}`,
      ...(givesBack === undefined || event === 'insert'
        ? []
        : [
            `select mark.feature, mark.account, mark.subject, -mark.amount, mark.ends ${returned(count, givesBack)}`,
          ]),
    ]
  }
  const added = `select ${columns(count, '')}, ${current} from new_rows as row where (${count.where})`
  const gone = `select ${columns(count, '-')}, ${current} from old_rows as row where (${count.where})`
  if (event === 'insert') return [added]
  if (count.grows) return event === 'update' ? [grown(count)] : []
  if (count.kind !== 'allocated') return []
  return event === 'update' ? [added, gone] : [gone]
}

function marksOf(count: Count, event: RowEvent): readonly string[] {
  const feature = quoteLiteral(count.feature)
  if (event === 'delete') {
    return [
      `delete from tenantry.limit_marks where feature = ${feature} and row_key in (select ${count.rowKey} from old_rows as row)`,
    ]
  }
  const givesBack = count.once?.givesBack
  return [
    `insert into tenantry.limit_marks (feature, row_key, account, subject, ends, amount)
  select ${feature}, made.row_key, made.account, made.subject, counter.ends, made.amount
  from (select ${count.rowKey} as row_key, ${columns(count, '')} ${fresh(count)}) as made
  join tenantry.limit_counters as counter on counter.account = made.account and counter.feature = made.feature
    and counter.subject = made.subject and counter.starts <= at_time and counter.ends > at_time`,
    ...(givesBack === undefined || event === 'insert'
      ? []
      : [
          `delete from tenantry.limit_marks where feature = ${feature} and row_key in (select ${count.rowKey} from new_rows as row where (${givesBack}))`,
        ]),
  ]
}

function truncated({ counts }: GuardPlan): readonly string[] {
  return counts.flatMap((count) => {
    const feature = quoteLiteral(count.feature)
    if (count.once !== null) return [`delete from tenantry.limit_marks where feature = ${feature}`]
    if (count.kind !== 'allocated') return []
    return [
      `perform from tenantry.limit_counters where feature = ${feature} order by feature, account, subject for update`,
      `update tenantry.limit_counters set used = 0 where feature = ${feature} and used <> 0`,
    ]
  })
}
