/**
 * A database laid out as Supabase lays it out: its roles, default privileges that grant everything to them,
 * extensions in a schema of their own, `auth` functions over `request.jwt.claims`, and a login that is no
 * superuser. PostgREST logs in as `authenticator` and takes the role and the claims of each request.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createSupabaseDatabase } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import { loginOf } from '@tenantry/rls'
import { contentpilot } from '../src/index.ts'

/** What PostgREST serves. */
const TABLES = contentpilot.definition.tenancy.tables.filter(({ schema }) => schema === 'public')

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
        const seen = await place.asPostgrest(
          'authenticated',
          { sub: userId, role: 'authenticated' },
          `select * from public.${table} order by 1`,
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
      const read = async (role: 'anon' | 'authenticated', claims: unknown) =>
        (await place.asPostgrest(role, claims, `select count(*)::int as n from public.${table}`))[0]?.['n']
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
      place.asPostgrest(
        'authenticated',
        { sub: place.ada, role: 'authenticated' },
        `insert into public.pillars (user_id, name, slug) values ($1, 'P', 'p') returning id`,
        [userId],
      )
    expect(await insert(place.ada)).toHaveLength(1)
    await expect(insert(place.eve)).rejects.toMatchObject({ code: '42501' })
  })

  it.each(['anon', 'authenticated'])(
    'grants %s nothing beyond the tenant role: no TRUNCATE, no functions of ours',
    async (role) => {
      const { rows } = await place.admin.driver.query({
        text: `select
        (select count(*)::int from pg_class c join pg_namespace n on n.oid = c.relnamespace
          cross join lateral aclexplode(c.relacl) a
          where n.nspname in ('public', 'tenantry') and a.grantee = $1::regrole) as relations,
        (select count(*)::int from pg_proc p join pg_namespace n on n.oid = p.pronamespace
          cross join lateral aclexplode(p.proacl) a
          where n.nspname in ('public', 'tenantry') and a.grantee = $1::regrole) as functions`,
        params: [role],
      })
      expect(rows).toEqual([[0, 0]])
    },
  )

  it('shows service_role every tenant', async () => {
    const rows = await place.asPostgrest(
      'service_role',
      { role: 'service_role' },
      'select id from public.users',
    )
    expect(rows.map((row) => String(row['id'])).sort()).toEqual([place.ada, place.eve].sort())
  })
})

async function setup() {
  const supabase = await createSupabaseDatabase()
  const pilot = contentpilot(supabase.database)
  await pilot.migrate()
  const [ada, eve] = await Promise.all(['ada', 'eve'].map((who) => customer(pilot, who)))
  if (ada === undefined || eve === undefined) throw new Error('no customers')
  return {
    ...supabase,
    pilot,
    ada,
    eve,
    /** Rows of each customer. */
    rows: { users: 1, profiles: 1, subscriptions: 1, pillars: 1, raw_topics: 1 } as Record<string, number>,
  }
}

async function customer(pilot: ReturnType<typeof contentpilot>, who: string): Promise<string> {
  const { user } = await pilot.system((repos) =>
    repos.users.signUp({ clerkId: `clerk_${who}`, email: `${who}@example.com` }),
  )
  const me = pilot.as({ userId: user.id })
  await me.pillars.create({ name: 'Founding', slug: 'founding' })
  await me.rawTopics.create({ source: 'manual', content: `What ${who} learned` })
  return user.id
}
