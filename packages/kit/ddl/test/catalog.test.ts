import { ConfigurationError, type Driver } from '@tenantry/core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { dumpCatalog, type Catalog } from '../src/index.ts'
import { setup, type TestPlace } from './support.ts'

const TABLES = `
create extension vector;
create type mood as enum ('glad', 'sad');
create table parents (id uuid primary key, mood mood not null default 'glad', e vector(3),
  twice text generated always as ('x' || id::text) stored, n integer check (n > 0));
create table logs (id uuid, at timestamptz not null, primary key (id, at)) partition by range (at);
create table logs_2026_01 partition of logs for values from ('2026-01-01 00:00:00+00') to ('2026-02-01 00:00:00+00');
create table logs_rest partition of logs default;
create function touch() returns trigger language plpgsql as 'begin return new; end';
create trigger touch before update on parents for each row execute function touch();
create policy p on parents for select using (true);
create index parents_n on parents (n) where n > 1;
create view v as select id from parents`

let place: TestPlace
let unchanged: Catalog

beforeAll(async () => {
  place = await setup()
  await place.script(TABLES)
  unchanged = await dumpCatalog(place.driver, { schemas: ['public'] })
})
afterAll(() => place[Symbol.asyncDispose]())

/** A dump that sees what the script did, which is then taken back. */
async function catalogAfter(change: string): Promise<Catalog> {
  let catalog = unchanged
  const undone = new ConfigurationError('undone')
  const attempt = place.driver.transaction({}, async (connection) => {
    await connection.script(change)
    const inside: Driver = { ...place.driver, transaction: (_, run) => run(connection) }
    catalog = await dumpCatalog(inside, { schemas: ['public'] })
    throw undone
  })
  await expect(attempt).rejects.toBe(undone)
  return catalog
}

it('lists what is declared, in words, without extensions and monthly partitions', () => {
  const { tables, views, enums, functions } = unchanged
  expect(Object.keys(tables)).toEqual(['public.logs', 'public.logs_rest', 'public.parents'])
  expect(tables['public.logs']?.partitionKey).toBe('RANGE (at)')
  expect(tables['public.logs_rest']?.partitionBound).toBe('DEFAULT')
  expect(tables['public.parents']).toEqual({
    owner: 'migrator',
    rowSecurity: 'off',
    partitionKey: null,
    partitionBound: null,
    columns: {
      e: 'public.vector(3)',
      id: 'uuid not null',
      mood: `public.mood not null default 'glad'::public.mood`,
      n: 'integer',
      twice: `text generated always as (('x'::text || (id)::text)) stored`,
    },
    constraints: { parents_n_check: 'CHECK ((n > 0))', parents_pkey: 'PRIMARY KEY (id)' },
    indexes: { parents_n: 'CREATE INDEX parents_n ON public.parents USING btree (n) WHERE (n > 1)' },
    triggers: {
      touch:
        'CREATE TRIGGER touch BEFORE UPDATE ON public.parents FOR EACH ROW EXECUTE FUNCTION public.touch()',
    },
    policies: { p: 'permissive for select to public using (true)' },
    grants: {},
  })
  expect(enums).toEqual({ 'public.mood': ['glad', 'sad'] })
  expect(Object.keys(views)).toEqual(['public.v'])
  expect(Object.keys(functions)).toEqual(['public.touch()'])
  expect(functions['public.touch()']?.executableBy).toEqual(['public'])
})

it('does not depend on the search path of the session', async () => {
  const elsewhere: Driver = {
    ...place.driver,
    transaction: (options, run) =>
      place.driver.transaction(options, async (connection) => {
        await connection.script('set local search_path = pg_temp')
        return run(connection)
      }),
  }
  expect(await dumpCatalog(elsewhere, { schemas: ['public'] })).toEqual(unchanged)
})

const DRIFT: Readonly<Record<string, string>> = {
  'row security switched on': 'alter table parents enable row level security',
  'a disabled trigger': 'alter table parents disable trigger touch',
  'another permissive policy': 'create policy q on parents using (true)',
  'a policy for another role': 'alter policy p on parents to current_user',
  'a grant to everyone': 'grant select on parents to public',
  'a grant on one column': 'grant update (n) on parents to public',
  'a changed body': `create or replace function touch() returns trigger language plpgsql as 'begin return null; end'`,
  'a definer': 'alter function touch() security definer',
  'a search path': 'alter function touch() set search_path = public',
  'a revoked right to call': 'revoke execute on function touch() from public',
  'a changed default': `alter table parents alter mood set default 'sad'`,
  'a nullable column': 'alter table parents alter mood drop not null',
  'a dropped check': 'alter table parents drop constraint parents_n_check',
  'an unvalidated check': 'alter table parents add constraint c check (n < 9) not valid',
  'another predicate': 'drop index parents_n; create index parents_n on parents (n) where n > 2',
  'a view that is an invoker': 'alter view v set (security_invoker = true)',
  'a right on the schema': 'grant create on schema public to public',
  'a new label': `alter type mood add value 'calm'`,
}

it.each(Object.entries(DRIFT))('tells %s', async (_, change) => {
  expect(await catalogAfter(change)).not.toEqual(unchanged)
})
