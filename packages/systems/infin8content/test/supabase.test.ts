/**
 * A database laid out as Supabase lays it out: people are in auth.users, the owner is no superuser, and PostgREST
 * says who is asking, and for which organization, by the claims of a request.
 */
import { createSupabaseDatabase } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
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
    const id = await place.account()
    const ada = await users.signUp({ id, email: 'ada@example.com' })
    expect(ada.id).toBe(id)
    expect(await users.signUp({ id, email: 'ada@example.com' })).toEqual(ada)
    await expect(users.signUp({ email: 'ghost@example.com' })).rejects.toMatchObject({
      code: 'TENANTRY_FOREIGN_KEY',
    })
    await place.rows('delete from auth.users where id = $1', id)
    expect(await users.findByEmail('ada@example.com')).toBeNull()
  })

  test('a PostgREST session sees the organization of its claims, if the person is a member of it', async () => {
    const [acme, bolt] = [await place.team('acme'), await place.team('bolt')]
    await place.content.as(acme).competitors.add({ url: 'https://one.example' })
    const seen = (claims: object) =>
      place.asPostgrest('authenticated', claims, 'select domain from public.organization_competitors')
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
      'authenticated',
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
      await place.rows('select from public.user_organizations where user_id = $1', gone.userId),
    ).toHaveLength(0)
    expect(
      await place.rows('select from public.keywords where organization_id = $1', gone.organizationId),
    ).toHaveLength(0)
  })
})

async function setup() {
  const supabase = await createSupabaseDatabase()
  const content = infin8content(supabase.database)
  await content.migrate()
  const rows = async (text: string, ...params: readonly unknown[]) =>
    (await supabase.admin.driver.query({ text, params })).rows
  /** A new account, by its id. */
  const account = async () =>
    String((await rows('insert into auth.users default values returning id::text'))[0]?.[0])
  return {
    ...supabase,
    content,
    rows,
    account,
    /** An organization with its owner. */
    async team(who: string) {
      const user = await content
        .asService()
        .users.signUp({ id: await account(), email: `${who}@example.com` })
      const { organization } = await content.asService().organizations.found({ name: who, ownerId: user.id })
      return { userId: user.id, organizationId: organization.id }
    },
  }
}
