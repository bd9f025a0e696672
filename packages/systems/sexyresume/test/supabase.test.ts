/**
 * A database laid out as Supabase lays it out: the owner is no superuser, and PostgREST says who is asking by the
 * claims of a request.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directoryArchive } from '@tenantry/retention'
import { createSupabaseDatabase, rowFactory } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { defineSexyresume, sexyresume } from '../src/index.ts'
import { CUSTOMER_COMMANDS, OPERATIONS, SHARED } from './specification.ts'
import { ROWS } from './support/place.ts'

const OWNED = Object.keys(CUSTOMER_COMMANDS)

describeOnServer('on a database laid out like Supabase', () => {
  let place: Awaited<ReturnType<typeof setup>>
  beforeAll(async () => {
    place = await setup()
  })
  afterAll(() => place?.close())

  it('migrates as an owner that is no superuser, and nothing is open afterwards', async () => {
    expect(await place.system.status()).toMatchObject({ pending: [] })
    expect(await place.system.verify()).toEqual([])
  })

  it('takes a customer for the account of auth.users whose id they sign up with', async () => {
    const { rows } = await place.system
      .as({ userId: place.ada })
      .db.execute('select current_user::text as role, auth.uid()::text as uid')
      .then((found) => ({ rows: found as unknown as object[] }))
    expect(rows).toEqual([{ role: 'tenantry_tenant', uid: place.ada }])
  })

  it.each([...OWNED, ...SHARED])(
    'shows a PostgREST session of %s exactly what the library shows',
    async (table) => {
      for (const userId of [place.ada, place.eve]) {
        const query = `select * from public.${table} order by 1`
        const seen = await place.as(userId, query)
        const shown = (await place.system.as({ userId }).db.execute(query)) as unknown as object[]
        expect(seen.map((row) => Object.values(row)[0])).toEqual(shown.map((row) => Object.values(row)[0]))
        expect(seen.length).toBeGreaterThan(0)
        const owners = seen.map((row) => row['user_id'] ?? row['referred_user_id'])
        if (OWNED.includes(table) && table !== 'users') expect(new Set(owners)).toEqual(new Set([userId]))
      }
    },
  )

  it.each([...OWNED, ...OPERATIONS])(
    'shows nothing of %s to anon, to wrong claims, or without claims',
    async (table) => {
      const query = `select count(*)::int as n from public.${table}`
      await expect(place.asPostgrest('anon', { role: 'anon' }, query)).rejects.toMatchObject({
        code: '42501',
      })
      for (const claims of ['', '{', 'null', [], { sub: '' }, { sub: 'x' }, { sub: null }]) {
        expect(await place.asPostgrest('authenticated', claims, query)).toEqual([{ n: 0 }])
      }
    },
  )

  it('shows an admin’s session every customer, but not where they are signed in; and lets it change nobody', async () => {
    const both = new Set([place.ada, place.eve])
    for (const table of OWNED) {
      const column = { users: 'id', referral_conversions: 'referred_user_id' }[table] ?? 'user_id'
      const seen = await place.as(place.boss, `select distinct ${column} as id from public.${table}`)
      const others = new Set(seen.map(({ id }) => id).filter((id) => id !== place.boss))
      expect(others, table).toEqual(table === 'user_sessions' ? new Set() : both)
    }
    for (const table of OPERATIONS) {
      await expect(place.as(place.boss, `select from public.${table}`), table).resolves.toBeDefined()
    }
    expect(
      await place.as(
        place.boss,
        `update public.resumes set title = 'mine' where user_id = $1 returning id`,
        place.ada,
      ),
    ).toEqual([])
  })

  it('lets a PostgREST session write its own rows and no others', async () => {
    const insert = (userId: string) =>
      place.as(place.ada, 'insert into public.resumes (user_id) values ($1) returning id', userId)
    expect(await insert(place.ada)).toHaveLength(1)
    await expect(insert(place.eve)).rejects.toMatchObject({ code: '42501' })
  })

  it('keeps the documented functions to their callers', async () => {
    const exported = (userId: string) =>
      place.as(place.ada, `select export_user_data($1) -> 'user_profile' ->> 'id' as id`, userId)
    expect(await exported(place.ada)).toEqual([{ id: place.ada }])
    await expect(exported(place.eve)).rejects.toMatchObject({ code: 'TN003' })
    await expect(
      place.as(place.ada, `select award_credits($1, 5, 'gift', null)`, place.ada),
    ).rejects.toMatchObject({ code: '42501' })
  })

  it('shows service_role every customer', async () => {
    const rows = await place.asPostgrest(
      'service_role',
      { role: 'service_role' },
      'select id from public.users',
    )
    expect(new Set(rows.map(({ id }) => id))).toEqual(new Set([place.ada, place.eve, place.boss]))
  })

  it('runs every job as that owner', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenantry-sexyresume-'))
    const system = defineSexyresume({ archive: directoryArchive(folder) })(place.system.database)
    for (const { name } of system.definition.jobs) await system.runJob(name)
    rmSync(folder, { recursive: true, force: true })
  })
})

async function setup() {
  const supabase = await createSupabaseDatabase()
  const system = sexyresume(supabase.database)
  await system.migrate()
  const { make, makeEach } = rowFactory(system, ROWS)

  async function account(): Promise<string> {
    const text = 'insert into auth.users default values returning id::text'
    const { rows } = await supabase.admin.driver.query({ text, params: [] })
    const id = String(rows[0]?.[0])
    await system.asService().users.signUp({ id, email: `${id}@example.com` })
    return id
  }
  const [ada, eve, boss] = [await account(), await account(), await account()]
  for (const id of [ada, eve]) {
    // Only its functions write the ledger.
    await system.asService().tenant(id).credits.award({ amount: 1, source: 'welcome' })
    await makeEach(id)
  }
  await make('templateRoleMappings')
  // What was made is one of each kind, an admin's row too.
  await supabase.admin.driver.query({ text: 'update public.admin_users set is_active = false', params: [] })
  await system.asService().tenant(boss).admins.promote()
  return {
    ...supabase,
    system,
    ada,
    eve,
    boss,
    /** A statement of a signed-in person's. */
    as: (userId: string, text: string, ...params: string[]) =>
      supabase.asPostgrest('authenticated', { sub: userId, role: 'authenticated' }, text, params),
  }
}
