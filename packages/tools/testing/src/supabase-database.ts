/** A database laid out as Supabase lays it out, on the server of this test run. */
import { connect, type Database } from '@tenantry/core'
import postgres from 'postgres'
import { createTestDatabase } from './database.ts'
import { testServer } from './server.ts'

export interface SupabaseDatabase {
  /** Of `supabase_owner`: it owns the database, isn't a superuser, and bypasses row security. */
  readonly database: Database
  /** Of a superuser, for what a test prepares or looks up beside the system, such as rows of `auth.users`. */
  readonly admin: Database
  /**
   * A statement as PostgREST sends one: logged in as `authenticator`, which takes the role and the claims (an
   * object, or a text as it stands) for the length of a transaction. It is rolled back: nothing stays. Throws
   * the error of postgres.js, whose `code` is the SQLSTATE.
   */
  asPostgrest(
    role: 'anon' | 'authenticated' | 'service_role',
    claims: unknown,
    text: string,
    params?: readonly postgres.ParameterOrJSON<never>[],
  ): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Closes everything and removes the database. The roles stay: they belong to the server. */
  close(): Promise<void>
}

/**
 * Has Supabase's roles; default privileges that grant everything in `public` to them; extensions in a schema of
 * their own; `auth.users` (its `id` alone), `auth.uid()`, `auth.jwt()` and `auth.role()` over
 * `request.jwt.claims`; and an owner that is no superuser. Needs a server: see `describeOnServer`.
 */
export async function createSupabaseDatabase(): Promise<SupabaseDatabase> {
  const server = testServer()
  if (server.kind === 'embedded') throw new Error('A database like Supabase’s needs a server')
  await makeRoles(server.url)
  const place = await createTestDatabase({
    migrate: (database) => database.driver.session((session) => session.script(LAYOUT)),
  })
  const at = (user: string): string => Object.assign(new URL(place.url), { username: user }).href
  const database = await connect(at('supabase_owner'))
  const authenticator = postgres(at('authenticator'), { max: 2, onnotice: () => {} })
  return {
    database,
    admin: place.database,
    async asPostgrest(role, claims, text, params = []) {
      const setting = typeof claims === 'string' ? claims : JSON.stringify(claims)
      let answer: readonly postgres.Row[] = []
      await authenticator
        .begin(async (sql) => {
          await sql.unsafe(`set local role ${role}`)
          await sql`select set_config('request.jwt.claims', ${setting}, true)`
          answer = await sql.unsafe(text, [...params])
          throw UNDO
        })
        .catch((error: unknown) => {
          if (error !== UNDO) throw error
        })
      return answer
    },
    async close() {
      await Promise.all([database.close(), authenticator.end()])
      await place.close()
    },
  }
}

const UNDO = new Error('undone on purpose')

const role = (name: string, options: string): string =>
  `do $$ begin create role ${name} ${options}; exception when duplicate_object or unique_violation then null; end $$;`

/** Roles belong to the cluster, and other runs may use them at this moment: they are made once and stay. */
const ROLES = [
  role('anon', 'nologin noinherit'),
  role('authenticated', 'nologin noinherit'),
  role('service_role', 'nologin noinherit bypassrls'),
  role('authenticator', 'login noinherit'),
  role('supabase_owner', 'login createdb createrole bypassrls'),
  ...['tenantry_tenant', 'tenantry_service', 'tenantry_definer', 'tenantry_retention'].map((name) =>
    role(name, 'nologin noinherit'),
  ),
  'grant tenantry_tenant, tenantry_service, tenantry_definer, tenantry_retention to supabase_owner with admin option, inherit false, set true;',
  'grant anon, authenticated, service_role to authenticator;',
  'grant anon, authenticated, service_role to supabase_owner with admin option;',
].join('\n')

/** One after the other: two who grant the same at once would update the same row, which PostgreSQL refuses. */
async function makeRoles(url: string): Promise<void> {
  const admin = await connect({ url, maxConnections: 1 })
  const lock = (name: string) => ({
    text: `select ${name}(hashtextextended('tenantry:supabase roles', 0))`,
    params: [],
  })
  await admin.driver
    .session(async (session) => {
      await session.query(lock('pg_advisory_lock'))
      await session.script(ROLES).finally(() => session.query(lock('pg_advisory_unlock')))
    })
    .finally(() => admin.close())
}

const LAYOUT = `
do $$ begin
  execute format('alter database %I owner to supabase_owner', current_database());
  execute format('alter database %I set search_path = "$user", public, extensions', current_database());
end $$;
create schema extensions;
create extension vector with schema extensions;
grant usage on schema extensions to public;
create schema auth;
create table auth.users (id uuid primary key default gen_random_uuid());
create function auth.uid() returns uuid language sql stable as $$
  select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
create function auth.jwt() returns jsonb language sql stable as $$
  select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
create function auth.role() returns text language sql stable as $$
  select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role' $$;
grant usage on schema auth to public;
grant references on auth.users to supabase_owner;
grant usage on schema public to anon, authenticated, service_role;
alter default privileges for role supabase_owner in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges for role supabase_owner in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges for role supabase_owner in schema public grant all on sequences to anon, authenticated, service_role;`
