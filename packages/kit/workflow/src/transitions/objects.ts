/** The triggers that write a row for each step, and let nobody else write one. */
import { type DdlObject, RAISED } from '@tenantry/core'
import { IS_RESTORED, appendOnly, schema, sqlFunction, trigger } from '@tenantry/ddl'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import { named, type TransitionsPlan } from './plan.ts'

/** Holds what a move says about itself, for the trigger; local to its transaction and forgotten when it is used. */
export const NOTE_SETTING = 'tenantry.transition'

export function transitionObjects(
  table: PgTable,
  recordTable: PgTable,
  plan: TransitionsPlan,
): readonly DdlObject[] {
  const { target, state, record } = plan
  const write = { schema: 'tenantry', name: `record_${target.name}_${state.name}` }
  const guard = { schema: 'tenantry', name: `guard_records_of_${target.name}_${state.name}` }
  const common = { returns: 'trigger', language: 'plpgsql', volatility: 'volatile' } as const
  return [
    schema({ name: 'tenantry' }),
    sqlFunction({ ...write, ...common, body: writeBody(plan) }),
    trigger({
      table,
      name: `record_${state.name}`,
      timing: 'after',
      events: ['update'],
      when: `old.${named(state)} is distinct from new.${named(state)}`,
      execute: write,
    }),
    sqlFunction({ ...guard, ...common, body: GUARD }),
    trigger({
      table: recordTable,
      name: `guard_records_of_${target.name}`,
      timing: 'before',
      events: ['insert'],
      execute: guard,
    }),
    ...appendOnly([record.target]),
  ]
}

function writeBody({ id, tenant, state, version, record }: TransitionsPlan): string {
  const values: readonly (readonly [PgColumn | undefined, string])[] = [
    [record.row, `new.${named(id)}`],
    [record.tenant, `new.${named(tenant)}`],
    [record.from, `old.${named(state)}`],
    [record.to, `new.${named(state)}`],
    [record.version, version === undefined ? 'null' : `new.${named(version)}`],
    [record.idempotencyKey, `note ->> 'key'`],
    [record.reason, `note ->> 'reason'`],
    [record.metadata, `coalesce(note -> 'metadata', '{}'::jsonb)`],
    [record.actor, record.actorExpression ?? 'null'],
  ]
  const written = values.flatMap(([column, value]) => (column === undefined ? [] : [{ column, value }]))
  return `
declare
  note jsonb := nullif(pg_catalog.current_setting('${NOTE_SETTING}', true), '')::jsonb;
begin
  if note ->> 'row' is distinct from new.${named(id)}::text or note ->> 'to' is distinct from new.${named(state)}::text then
    -- Of another step: this one was made by a statement of its own.
    note := null;
  else
    perform pg_catalog.set_config('${NOTE_SETTING}', '', true);
  end if;
  insert into ${record.target.sql} (${written.map(({ column }) => named(column)).join(', ')})
  values (${written.map(({ value }) => value).join(', ')});
  return null;
end`
}

/** Below the trigger of a step it is the second on the way. */
const GUARD = `
begin
  if pg_catalog.pg_trigger_depth() < 2 and not ${IS_RESTORED} then
    raise exception using
      errcode = '${RAISED.isolation}',
      message = pg_catalog.format('rows of %s are written by the steps that they record', tg_table_name),
      schema = tg_table_schema, table = tg_table_name, constraint = tg_name;
  end if;
  return new;
end`
