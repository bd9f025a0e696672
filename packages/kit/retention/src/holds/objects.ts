/** What keeps holds as they were placed: history isn't rewritten, not by the service role either. */
import { type DdlObject, RAISED } from '@tenantry/core'
import { grants, policy, role, schema, sqlFunction, trigger } from '@tenantry/ddl'
import { LIBRARY_SCHEMA, ROLES } from '../names.ts'
import { legalHolds } from './table.ts'

const GUARD = { schema: LIBRARY_SCHEMA, name: 'guard_legal_hold' }

/** `until` may move either way; everything else that was said when the hold was placed stays. */
const GUARD_BODY = `
begin
  if tg_op = 'UPDATE' then
    if old.released_at is null
      and (new.id, new.reason, new.placed_by, new.placed_at) = (old.id, old.reason, old.placed_by, old.placed_at)
      and (new.tenant, new.table_name, new.row_key) is not distinct from (old.tenant, old.table_name, old.row_key)
    then
      return new;
    end if;
  end if;
  raise exception using
    errcode = '${RAISED.isolation}',
    message = pg_catalog.format('%s keeps its history: %s is refused', tg_table_name, tg_op),
    schema = tg_table_schema, table = tg_table_name;
end`

const KEY = { schema: LIBRARY_SCHEMA, name: 'normalise_legal_hold' }

/** Keys are compared as texts: `{"id": 5}` that somebody writes by hand would else hold nothing. */
const KEY_BODY = `
begin
  if new.row_key is null then
    return new;
  end if;
  if pg_catalog.jsonb_typeof(new.row_key) <> 'object' or new.row_key = '{}' or exists (
    select from pg_catalog.jsonb_path_query(new.row_key, '$.*') as part (value)
    where pg_catalog.jsonb_typeof(part.value) not in ('string', 'number', 'boolean')
  ) then
    raise exception using
      errcode = '${RAISED.invalid}',
      message = 'row_key of a legal hold names the columns of the primary key and their values, such as {"id": "5"}',
      schema = tg_table_schema, table = tg_table_name, column = 'row_key';
  end if;
  new.row_key := (
    select pg_catalog.jsonb_object_agg(part.key, case pg_catalog.jsonb_typeof(part.value)
      when 'number' then pg_catalog.trim_scale((part.value #>> '{}')::numeric)::text
      else part.value #>> '{}'
    end)
    from pg_catalog.jsonb_each(new.row_key) as part
  );
  return new;
end`

export function holdObjects(): readonly DdlObject[] {
  return [
    role({ name: ROLES.retention }),
    schema({ name: LIBRARY_SCHEMA }),
    schema({ name: LIBRARY_SCHEMA, usableBy: [ROLES.retention] }),
    sqlFunction({
      ...GUARD,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      config: { search_path: 'pg_catalog, pg_temp' },
      body: GUARD_BODY,
    }),
    sqlFunction({
      ...KEY,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      config: { search_path: 'pg_catalog, pg_temp' },
      body: KEY_BODY,
    }),
    trigger({
      table: legalHolds,
      name: 'normalise_legal_hold',
      timing: 'before',
      events: ['insert'],
      execute: KEY,
      enable: 'always',
    }),
    trigger({
      table: legalHolds,
      name: 'guard_legal_hold',
      timing: 'before',
      events: ['update', 'delete'],
      execute: GUARD,
      enable: 'always',
    }),
    trigger({
      table: legalHolds,
      name: 'guard_legal_holds',
      timing: 'before',
      events: ['truncate'],
      level: 'statement',
      execute: GUARD,
      enable: 'always',
    }),
    policy({
      table: legalHolds,
      name: 'retention_reads',
      as: 'permissive',
      command: 'select',
      to: [ROLES.retention],
      using: 'true',
    }),
    // LOCK TABLE asks for the right to update; row security, which has no policy for it, refuses the update itself.
    grants({ table: legalHolds, to: ROLES.retention, privileges: { select: true, update: true } }),
  ]
}
