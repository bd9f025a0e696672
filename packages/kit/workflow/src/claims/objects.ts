/** What claimed work adds to the database: the index of open rows, the guard of leases, and the wake-up. */
import { type DdlObject, RAISED } from '@tenantry/core'
import {
  IS_RESTORED,
  quoteIdentifier,
  qualify,
  quoteLiteral,
  schema,
  sqlFunction,
  statement,
  trigger,
} from '@tenantry/ddl'
import type { PgTable } from 'drizzle-orm/pg-core'
import { isOpen, literals, named, type ClaimsPlan } from './plan.ts'

/** Holds the tokens that a statement presents for the rows which it changes; local to its transaction. */
export const TOKENS_SETTING = 'tenantry.lease_tokens'

export function claimObjects(table: PgTable, plan: ClaimsPlan): readonly DdlObject[] {
  const { target, state } = plan
  const name = `${target.name}_${state.name}`
  const guard = { schema: 'tenantry', name: `guard_lease_of_${name}` }
  const announce = { schema: 'tenantry', name: `announce_${name}` }
  const common = { returns: 'trigger', language: 'plpgsql', volatility: 'volatile' } as const
  return [
    schema({ name: 'tenantry' }),
    openIndex(plan),
    sqlFunction({ ...guard, ...common, body: guardBody(plan) }),
    trigger({
      table,
      // After enforce_…: what is no step at all is refused as such.
      name: `guard_lease_of_${state.name}`,
      timing: 'before',
      events: ['insert', 'update'],
      execute: guard,
    }),
    sqlFunction({ ...announce, ...common, body: announceBody(plan) }),
    trigger({
      table,
      name: `announce_inserted_${state.name}`,
      timing: 'after',
      events: ['insert'],
      level: 'statement',
      referencing: { newTable: 'inserted' },
      execute: announce,
    }),
  ]
}

/** Only open rows are in it, in the order in which they are claimed: finished ones cost nothing. */
function openIndex(plan: ClaimsPlan): DdlObject {
  const { target, state, priority, lease } = plan
  const name = `${target.name}_${state.name}_claims`
  const keys = [
    ...(priority === null ? [] : [`${named(priority)} desc nulls last`]),
    named(lease.availableAt),
  ]
  return statement({
    kind: 'finale',
    id: `index ${target.schema}.${name}`,
    create: [
      `create index ${quoteIdentifier(name)} on ${target.sql} (${keys.join(', ')}) where ${isOpen(plan)}`,
    ],
    drop: [`drop index if exists ${qualify(target.schema, name)}`],
  })
}

/**
 * A leased row changes hands by its token, or by its lease running out. The token is presented in a setting
 * and not found in the row, so that a statement which merely names the row can't finish it.
 */
function guardBody({ state, lease, ready, working, done, channel }: ClaimsPlan): string {
  const [newState, oldState] = [`new.${named(state)}`, `old.${named(state)}`]
  const of = (row: 'new' | 'old') => ({
    token: `${row}.${named(lease.leaseToken)}`,
    attempts: `${row}.${named(lease.attempts)}`,
    availableAt: `${row}.${named(lease.availableAt)}`,
    lastError: `${row}.${named(lease.lastError)}`,
  })
  const [now, before] = [of('new'), of('old')]
  const refuse = (message: string): string => `
    raise exception using
      errcode = '${RAISED.staleTransition}',
      message = pg_catalog.format(${quoteLiteral(message)}, tg_table_name),
      schema = tg_table_schema, table = tg_table_name, column = ${quoteLiteral(state.name)}, constraint = tg_name;`
  const takenUp = `${now.token} is not null and ${now.token} is distinct from ${before.token}
    and ${now.attempts} = ${before.attempts} + 1 and ${now.availableAt} > pg_catalog.statement_timestamp()`
  return `
declare
  was_working boolean;
  is_working constant boolean := ${newState}::text in (${literals(working)});
begin
  if tg_op = 'INSERT' then
    if ${IS_RESTORED} then
      return new;
    end if;
    if is_working then${refuse(`a row of %s can't begin as claimed`)}
    end if;
    ${now.token} := null;
    ${now.attempts} := 0;
    return new;
  end if;
  was_working := ${oldState}::text in (${literals(working)});
  if was_working then
    if ${oldState} is not distinct from ${newState}
      and ${before.token} is not distinct from ${now.token}
      and ${before.attempts} = ${now.attempts}
      and ${before.availableAt} = ${now.availableAt}
    then
      return new;
    end if;
    if pg_catalog.strpos(
      coalesce(pg_catalog.current_setting('${TOKENS_SETTING}', true), ''),
      coalesce(${before.token}::text, '-')
    ) > 0 then
      if ${now.token} is distinct from ${before.token}
        or ${now.attempts} not between ${before.attempts} - 1 and ${before.attempts}
      then${refuse('a row of %s is leased: its token and its count of attempts stay as they are')}
      end if;
    elsif ${before.availableAt} > pg_catalog.statement_timestamp() and ${before.token} is not null then${refuse(
      'a row of %s is leased to another worker',
    )}
    elsif (is_working and not (${takenUp})) or ${newState}::text in (${literals(done)}) then${refuse(
      'a row of %s has lost its lease: it can be claimed anew, put back or given up',
    )}
    end if;
  elsif is_working then
    if ${before.availableAt} > pg_catalog.statement_timestamp() or not (${takenUp}) then${refuse(
      'a row of %s is claimed with a token, an end of its lease and a count of attempts',
    )}
    end if;
  elsif ${newState}::text in (${literals(ready)}) and ${oldState}::text not in (${literals(ready)}) then
    -- Put back by hand: it starts over.
    ${now.attempts} := 0;
    ${now.lastError} := null;
    if ${now.availableAt} = ${before.availableAt} then
      ${now.availableAt} := pg_catalog.statement_timestamp();
    end if;
  else
    ${now.token} := ${before.token};
    ${now.attempts} := ${before.attempts};
  end if;
  -- A finished row keeps the token of its last holder, who may have to ask whether finishing has worked.
  if ${newState}::text in (${literals(ready)}) then
    ${now.token} := null;
    -- Not by a trigger of its own: its WHEN would be parsed anew for each claim.
    if ${newState} is distinct from ${oldState} and ${now.availableAt} <= pg_catalog.statement_timestamp() then
      perform ${notify(channel)};
    end if;
  end if;
  return new;
end`
}

function announceBody({ state, lease, ready, channel }: ClaimsPlan): string {
  return `
begin
  if exists (
    select from inserted
    where inserted.${named(state)}::text in (${literals(ready)})
      and inserted.${named(lease.availableAt)} <= pg_catalog.statement_timestamp()
  ) then
    perform ${notify(channel)};
  end if;
  return null;
end`
}

/** Nothing of a row goes into the message: whoever may connect to the database may listen. */
const notify = (channel: string): string => `pg_catalog.pg_notify(${quoteLiteral(channel)}, '')`
