/**
 * A database laid out as Supabase lays it out: its roles, default privileges that grant everything to them,
 * extensions in a schema of their own, `auth` functions over `request.jwt.claims`, and a login that is no
 * superuser. PostgREST logs in as `authenticator` and takes the role and the claims of each request.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { testServer } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import { connect, type Database } from '@tenantry/core'
import { loginOf } from '@tenantry/rls'
import postgres from 'postgres'
import { contentpilot } from '../src/index.ts'

const TABLES = contentpilot.definition.tenancy.tables

describeOnServer('on a database laid out like Supabase', () => {
  let place: Awaited<ReturnType<typeof setup>>
  beforeAll(async () => {
    place = await setup()
  })
  afterAll(() => place.close())

  it('migrates as a login that is no superuser, and nothing is open afterwards', async () => {
    expect(await place.pilot.status()).toMatchObject({ pending: [] })
    expect(await place.pilot.verify()).toEqual([])
  })

  it('finds out that the login bypasses row security, and runs scoped calls in sessions that do not', async () => {
    const login = await loginOf(place.database)
    expect(login.mode).toBe('startup')
    const { rows } = await place.pilot
      .as({ userId: place.ada })
      .db.execute(`select current_user::text as role, auth.uid()::text as uid, auth.role() as claimed`)
      .then((result) => ({ rows: result as unknown as { role: string; uid: string; claimed: string }[] }))
    expect(rows).toEqual([{ role: 'tenantry_tenant', uid: place.ada, claimed: 'authenticated' }])
  })

  it.each(TABLES.map(({ name }) => name))(
    'shows a PostgREST session of %s exactly what the library shows',
    async (table) => {
      for (const userId of [place.ada, place.eve]) {
        const seen = await place.asPostgrest('authenticated', { sub: userId, role: 'authenticated' }, (sql) =>
          sql.unsafe(`select * from public.${table} order by 1`),
        )
        const shown = (await place.pilot
          .as({ userId })
          .db.execute(`select * from public.${table} order by 1`)) as unknown as object[]
        expect(seen.length).toBe(shown.length)
        expect(seen.map((row) => Object.values(row)[0])).toEqual(shown.map((row) => Object.values(row)[0]))
        expect(shown.length).toBe(place.rows[table] ?? 0)
      }
    },
  )

  it.each(TABLES.map(({ name }) => name))(
    'shows nothing of %s to anon, to wrong claims, or without claims',
    async (table) => {
      const read = (role: string, claims: unknown) =>
        place
          .asPostgrest(role, claims, (sql) => sql.unsafe(`select count(*)::int as n from public.${table}`))
          .then((rows) => rows[0]?.['n'])
      await expect(read('anon', { role: 'anon' })).rejects.toMatchObject({ code: '42501' })
      for (const claims of [
        null,
        '',
        '{',
        'null',
        '[]',
        { sub: '' },
        { sub: 'x' },
        { sub: null },
        { role: 'service_role' },
      ]) {
        expect(await read('authenticated', claims)).toBe(0)
      }
    },
  )

  it('lets a PostgREST session write its own rows and no others', async () => {
    const insert = (userId: string) =>
      place.asPostgrest('authenticated', { sub: place.ada, role: 'authenticated' }, (sql) =>
        sql.unsafe('insert into public.pillars (user_id, name, slug) values ($1, $2, $3) returning id', [
          userId,
          'P',
          'p',
        ]),
      )
    expect(await insert(place.ada)).toHaveLength(1)
    await expect(insert(place.eve)).rejects.toMatchObject({ code: '42501' })
  })

  it.each(['anon', 'authenticated'])(
    'grants %s nothing beyond the tenant role: no TRUNCATE, no functions of ours',
    async (role) => {
      const [found] = await place.admin.unsafe(
        `select
        (select count(*)::int from pg_class c join pg_namespace n on n.oid = c.relnamespace
          cross join lateral aclexplode(c.relacl) a
          where n.nspname in ('public', 'tenantry') and a.grantee = $1::regrole) as relations,
        (select count(*)::int from pg_proc p join pg_namespace n on n.oid = p.pronamespace
          cross join lateral aclexplode(p.proacl) a
          where n.nspname in ('public', 'tenantry') and a.grantee = $1::regrole) as functions`,
        [role],
      )
      expect(found).toEqual({ relations: 0, functions: 0 })
    },
  )

  it('shows service_role every tenant', async () => {
    const rows = await place.asPostgrest('service_role', { role: 'service_role' }, (sql) =>
      sql.unsafe('select id from public.users'),
    )
    expect(rows.map((row) => String(row['id'])).sort()).toEqual([place.ada, place.eve].sort())
  })
})

async function setup() {
  const server = new URL(testServer().url)
  const name = `supabase_${Math.random().toString(36).slice(2)}`
  const root = postgres(server.href, { max: 1, onnotice: () => {} })
  // Roles belong to the cluster and other runs may use them at this moment: they are made once and stay.
  await root.unsafe(`
    do $$ begin create role anon nologin noinherit; exception when duplicate_object or unique_violation then null; end $$;
    do $$ begin create role authenticated nologin noinherit; exception when duplicate_object or unique_violation then null; end $$;
    do $$ begin create role service_role nologin noinherit bypassrls; exception when duplicate_object or unique_violation then null; end $$;
    do $$ begin create role authenticator login noinherit; exception when duplicate_object or unique_violation then null; end $$;
    do $$ begin create role supabase_owner login createdb createrole bypassrls; exception when duplicate_object or unique_violation then null; end $$;
    do $$ begin create role tenantry_tenant nologin noinherit; exception when duplicate_object or unique_violation then null; end $$;
    do $$ begin create role tenantry_service nologin noinherit; exception when duplicate_object or unique_violation then null; end $$;
    do $$ begin create role tenantry_definer nologin noinherit; exception when duplicate_object or unique_violation then null; end $$;
    grant tenantry_tenant, tenantry_service, tenantry_definer to supabase_owner with admin option, inherit false, set true;
    grant anon, authenticated, service_role to authenticator;
    grant anon, authenticated, service_role to supabase_owner with admin option;`)
  await root.unsafe(`create database ${name} owner supabase_owner`)
  const at = (user: string): string =>
    Object.assign(new URL(server.href), { username: user, pathname: `/${name}` }).href
  const admin = postgres(at(decodeURIComponent(server.username)), { max: 1, onnotice: () => {} })
  await admin.unsafe(`
    create schema extensions; create extension vector with schema extensions;
    grant usage on schema extensions to public;
    alter database ${name} set search_path = "$user", public, extensions;
    create schema auth;
    create function auth.uid() returns uuid language sql stable as $$
      select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
    create function auth.jwt() returns jsonb language sql stable as $$
      select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
    create function auth.role() returns text language sql stable as $$
      select nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role' $$;
    grant usage on schema auth to public;
    grant usage on schema public to anon, authenticated, service_role;
    alter default privileges for role supabase_owner in schema public grant all on tables to anon, authenticated, service_role;
    alter default privileges for role supabase_owner in schema public grant all on functions to anon, authenticated, service_role;
    alter default privileges for role supabase_owner in schema public grant all on sequences to anon, authenticated, service_role;`)
  await root.end()

  const database: Database = await connect(at('supabase_owner'))
  const pilot = contentpilot(database)
  await pilot.migrate()
  const [ada, eve] = await Promise.all(['ada', 'eve'].map((who) => customer(pilot, who)))
  if (ada === undefined || eve === undefined) throw new Error('no customers')
  const authenticator = postgres(at('authenticator'), { max: 2, onnotice: () => {} })
  return {
    admin,
    database,
    pilot,
    ada,
    eve,
    /** Rows of each customer. */
    rows: { users: 1, profiles: 1, subscriptions: 1, pillars: 1, raw_topics: 1 } as Record<string, number>,
    async asPostgrest(
      role: string,
      claims: unknown,
      run: (sql: postgres.TransactionSql) => Promise<readonly postgres.Row[]>,
    ): Promise<readonly postgres.Row[]> {
      const text = typeof claims === 'string' ? claims : JSON.stringify(claims)
      let result: readonly postgres.Row[] = []
      await authenticator
        .begin(async (sql) => {
          await sql.unsafe(`set local role ${role}`)
          await sql`select set_config('request.jwt.claims', ${text}, true)`
          result = await run(sql)
          throw UNDO
        })
        .catch((error: unknown) => {
          if (error !== UNDO) throw error
        })
      return result
    },
    async close() {
      await Promise.all([database.close(), authenticator.end(), admin.end()])
      const last = postgres(server.href, { max: 1, onnotice: () => {} })
      await last.unsafe(`drop database ${name} with (force)`)
      await last.end()
    },
  }
}

/** What a test does is undone, so that its order doesn't matter. */
const UNDO = new Error('undo')

async function customer(pilot: ReturnType<typeof contentpilot>, who: string): Promise<string> {
  const { user } = await pilot.system((repos) =>
    repos.users.signUp({ clerkId: `clerk_${who}`, email: `${who}@example.com` }),
  )
  const me = pilot.as({ userId: user.id })
  await me.pillars.create({ name: 'Founding', slug: 'founding' })
  await me.rawTopics.create({ source: 'manual', content: `What ${who} learned` })
  return user.id
}
