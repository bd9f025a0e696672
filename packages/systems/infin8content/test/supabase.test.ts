/**
 * A database laid out as Supabase lays it out: people are in auth.users, the owner is no superuser, and PostgREST
 * says who is asking, and for which organization, by the claims of a request.
 */
import { connect } from '@tenantry/core'
import { testServer } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { infin8content } from '../src/index.ts'

describeOnServer('where Supabase has the people', () => {
  let place: Awaited<ReturnType<typeof setup>>
  beforeAll(async () => {
    place = await setup()
  })
  afterAll(() => place?.close())

  test('it migrates as an owner that is no superuser, and nothing is open', async () => {
    expect(await place.content.status()).toMatchObject({ pending: [] })
    expect(await place.content.verify()).toEqual([])
  })

  test('a person is one of auth.users, and goes with them', async () => {
    const { users } = place.content.asService()
    const [account] = await place.admin`insert into auth.users default values returning id`
    const id = String(account?.['id'])
    const ada = await users.signUp({ id, email: 'ada@example.com' })
    expect(ada.id).toBe(id)
    expect(await users.signUp({ id, email: 'ada@example.com' })).toEqual(ada)
    await expect(users.signUp({ email: 'ghost@example.com' })).rejects.toMatchObject({
      code: 'TENANTRY_FOREIGN_KEY',
    })
    await place.admin`delete from auth.users where id = ${id}`
    expect(await users.findByEmail('ada@example.com')).toBeNull()
  })

  test('a PostgREST session sees the organization of its claims, if the person is a member of it', async () => {
    const [acme, bolt] = [await place.team('acme'), await place.team('bolt')]
    await place.content.as(acme).competitors.add({ url: 'https://one.example' })
    const seen = (claims: object) =>
      place.asPostgrest(claims, 'select domain from public.organization_competitors')
    expect(await seen({ sub: acme.userId, org_id: acme.organizationId })).toEqual([{ domain: 'one.example' }])
    for (const claims of [
      { sub: acme.userId },
      { sub: bolt.userId, org_id: acme.organizationId },
      { sub: bolt.userId, org_id: bolt.organizationId },
      { org_id: acme.organizationId },
      { sub: acme.userId, org_id: "' or true --" },
    ]) {
      expect(await seen(claims), JSON.stringify(claims)).toEqual([])
    }
    const own = await place.asPostgrest(
      { sub: acme.userId, org_id: acme.organizationId },
      'select get_auth_user_org_id() as id, auth.uid() as uid',
    )
    expect(own).toEqual([{ id: acme.organizationId, uid: acme.userId }])
  })

  test('an organization goes with all of its rows, its last owner’s membership too', async () => {
    const gone = await place.team('gone')
    const me = place.content.as(gone)
    const workflow = await me.workflows.start({ title: 'Gone' })
    await me.keywords.addSeeds({ workflowId: workflow.id, keywords: [{ keyword: 'a' }] })
    await place.content.asService().tenant(gone.organizationId).organizations.remove(gone.organizationId)
    expect(
      await place.admin`select from public.user_organizations where user_id = ${gone.userId}`,
    ).toHaveLength(0)
    expect(
      await place.admin`select from public.keywords where organization_id = ${gone.organizationId}`,
    ).toHaveLength(0)
  })
})

async function setup() {
  const server = new URL(testServer().url)
  const name = `infin8content_supabase_${Math.random().toString(36).slice(2)}`
  const root = postgres(server.href, { max: 1, onnotice: () => {} })
  // Roles belong to the cluster and other runs may use them at this moment: they are made once and stay.
  const make = (role: string, options: string): string =>
    `do $$ begin create role ${role} ${options}; exception when duplicate_object or unique_violation then null; end $$;`
  await root.unsafe(
    [
      make('anon', 'nologin noinherit'),
      make('authenticated', 'nologin noinherit'),
      make('service_role', 'nologin noinherit bypassrls'),
      make('authenticator', 'login noinherit'),
      make('supabase_owner', 'login createdb createrole bypassrls'),
      ...['tenantry_tenant', 'tenantry_service', 'tenantry_definer'].map((role) =>
        make(role, 'nologin noinherit'),
      ),
      'grant tenantry_tenant, tenantry_service, tenantry_definer to supabase_owner with admin option, inherit false, set true;',
      'grant anon, authenticated, service_role to authenticator;',
      'grant anon, authenticated, service_role to supabase_owner with admin option;',
    ].join('\n'),
  )
  await root.unsafe(`create database ${name} owner supabase_owner`)
  await root.end()
  const at = (user: string): string =>
    Object.assign(new URL(server.href), { username: user, pathname: `/${name}` }).href
  const admin = postgres(at(decodeURIComponent(server.username)), { max: 1, onnotice: () => {} })
  await admin.unsafe(`
    create schema auth;
    create table auth.users (id uuid primary key default gen_random_uuid());
    create function auth.uid() returns uuid language sql stable as $$
      select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
    grant usage on schema auth to public;
    grant references on auth.users to supabase_owner;
    grant usage on schema public to anon, authenticated, service_role;
    alter default privileges for role supabase_owner in schema public grant all on tables to anon, authenticated, service_role;
    alter default privileges for role supabase_owner in schema public grant all on functions to anon, authenticated, service_role;`)
  const database = await connect(at('supabase_owner'))
  const content = infin8content(database)
  await content.migrate()
  const authenticator = postgres(at('authenticator'), { max: 1, onnotice: () => {} })
  return {
    admin,
    content,
    /** An organization with its owner. */
    async team(who: string) {
      const [account] = await admin`insert into auth.users default values returning id`
      const user = await content
        .asService()
        .users.signUp({ id: String(account?.['id']), email: `${who}@example.com` })
      const { organization } = await content.asService().organizations.found({ name: who, ownerId: user.id })
      return { userId: user.id, organizationId: organization.id }
    },
    async asPostgrest(claims: object, text: string): Promise<object[]> {
      return authenticator.begin(async (sql) => {
        await sql.unsafe('set local role authenticated')
        await sql`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`
        return [...(await sql.unsafe(text))]
      })
    },
    async close() {
      await Promise.all([database.close(), authenticator.end(), admin.end()])
      const last = postgres(server.href, { max: 1, onnotice: () => {} })
      await last.unsafe(`drop database ${name} with (force)`)
      await last.end()
    },
  }
}
