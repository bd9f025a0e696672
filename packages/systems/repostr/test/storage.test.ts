/** The bucket of uploads, in a database laid out as Supabase lays it out. */
import { createTestDatabase } from '@tenantry/testing'
import { expect, test } from 'vitest'
import { repostr } from '../src/index.ts'

const STORAGE = `
create schema storage;
create table storage.buckets (id text primary key, name text not null unique, public boolean default false);
create table storage.objects (id uuid primary key, bucket_id text references storage.buckets, name text);
alter table storage.objects enable row level security;`

async function migrated(prepare: string) {
  const place = await createTestDatabase()
  await place.database.driver.transaction({}, (connection) => connection.script(`${STORAGE}${prepare}`))
  await repostr(place.database).migrate()
  const rows = async (text: string) => (await place.database.driver.query({ text, params: [] })).rows
  return { place, rows }
}

test('is made public, with the documented policy, and the system is as isolated as elsewhere', async () => {
  const { place, rows } = await migrated('')
  await using _ = place
  expect(await rows('select id, name, public from storage.buckets')).toEqual([['uploads', 'uploads', true]])
  expect(await rows(`select policyname, cmd, qual from pg_policies where schemaname = 'storage'`)).toEqual([
    ['Public read uploads', 'SELECT', `(bucket_id = 'uploads'::text)`],
  ])
  expect(await repostr(place.database).verify()).toEqual([])
})

test('stays as it is where it was made by hand', async () => {
  const { place, rows } = await migrated(`
    insert into storage.buckets values ('uploads', 'uploads', false);
    create policy "Public read uploads" on storage.objects for select using (false);`)
  await using _ = place
  expect(await rows('select id, public from storage.buckets')).toEqual([['uploads', false]])
  expect(await rows(`select qual from pg_policies where schemaname = 'storage'`)).toEqual([['false']])
})
