/** Organizations, their members and invitations: who sees what, and who may do what. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ContentDatabase, contentDatabase, NOBODY, person, team } from './support/content.ts'

let place: ContentDatabase
beforeAll(async () => {
  place = await contentDatabase()
})
afterAll(() => place?.close())

describe('a person of two organizations', () => {
  test('sees the one they act in, and can switch', async () => {
    const acme = await team(place.content)
    const bolt = await team(place.content)
    await bolt.service.members.add({ userId: acme.user.id })
    await acme.scope.competitors.add({ url: 'https://one.example' })
    await bolt.scope.competitors.add({ url: 'https://two.example' })
    const there = place.content.as({ userId: acme.user.id, organizationId: bolt.organization.id })

    expect((await acme.scope.competitors.list()).items.map(({ domain }) => domain)).toEqual(['one.example'])
    expect((await there.competitors.list()).items.map(({ domain }) => domain)).toEqual(['two.example'])
    expect(await there.organizations.current()).toEqual(bolt.organization)
    expect(await there.organizations.mine()).toHaveLength(2)
    expect((await there.organizations.mine()).find(({ current }) => current)).toMatchObject({
      organizationId: bolt.organization.id,
      role: 'member',
    })
    expect(await place.content.asService().organizations.ofUser(acme.user.id)).toHaveLength(2)
    expect(await there.users.me()).toEqual(acme.user)
  })

  test.each(['removed', 'made inactive'])(
    'sees nothing from the next statement on when %s, inside a transaction too',
    async (how) => {
      const acme = await team(place.content)
      await acme.scope.competitors.add({ url: 'https://one.example' })
      const { user, scope } = await acme.member()
      await scope.transaction(async (inside) => {
        expect(await inside.competitors.count()).toBe(1)
        const change =
          how === 'removed'
            ? 'delete from user_organizations where user_id = $1'
            : 'update user_organizations set active = false where user_id = $1'
        // By another connection, while the transaction is open; the embedded server has one.
        if (place.database.driver.traits.concurrent) await place.rows(change, [user.id])
        else await inside.members.leave()
        expect(await inside.competitors.count()).toBe(0)
      })
      expect(await scope.competitors.count()).toBe(0)
      await expect(scope.competitors.add({ url: 'https://two.example' })).rejects.toMatchObject({
        code: 'TENANTRY_ISOLATION',
      })
      await expect(scope.organizations.current()).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
      expect(await scope.organizations.mine()).toEqual([])
    },
  )
})

test('get_auth_user_org_id answers the active organization, and nothing to whoever is no member', async () => {
  const acme = await team(place.content)
  const bolt = await team(place.content)
  const asked = 'select get_auth_user_org_id() as id'
  expect(await place.rowsAs(acme.principal, asked)).toEqual([{ id: acme.organization.id }])
  const foreign = { userId: acme.user.id, organizationId: bolt.organization.id }
  expect(await place.rowsAs(foreign, asked)).toEqual([{ id: null }])
})

describe('members', () => {
  test('see each other by name, and nobody else', async () => {
    const acme = await team(place.content)
    const { scope } = await acme.member()
    await team(place.content)
    const people = await scope.members.people()
    expect(people.map(({ role, fullName }) => [role, fullName])).toEqual([
      ['owner', 'owner'],
      ['member', 'member'],
    ])
    expect(await acme.service.members.people()).toEqual(people)
    expect(await place.rowsAs(acme.principal, 'select email from users')).toEqual([
      { email: acme.user.email },
    ])
  })

  test('are managed by owners and administrators, owners by owners alone', async () => {
    const acme = await team(place.content)
    const admin = await acme.member('admin')
    const member = await acme.member()
    const refused = { code: 'TENANTRY_ISOLATION' }
    await expect(
      member.scope.members.changeRole({ userId: member.user.id, role: 'admin' }),
    ).rejects.toMatchObject(refused)
    await expect(member.scope.members.deactivate(admin.user.id)).rejects.toMatchObject(refused)
    await expect(member.scope.members.expel(admin.user.id)).rejects.toMatchObject(refused)
    await expect(
      admin.scope.members.changeRole({ userId: member.user.id, role: 'owner' }),
    ).rejects.toMatchObject(refused)
    await expect(admin.scope.members.deactivate(acme.user.id)).rejects.toMatchObject(refused)
    await expect(admin.scope.members.expel(acme.user.id)).rejects.toMatchObject(refused)
    await expect(
      member.scope.organizations.update(acme.organization.id, { name: 'Mine' }),
    ).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })

    expect(await admin.scope.organizations.update(acme.organization.id, { name: 'Ours' })).toMatchObject({
      name: 'Ours',
    })
    expect(await admin.scope.members.changeRole({ userId: member.user.id, role: 'admin' })).toMatchObject({
      role: 'admin',
    })
    expect(await acme.scope.members.changeRole({ userId: member.user.id, role: 'owner' })).toMatchObject({
      role: 'owner',
    })
    expect(await admin.scope.members.me()).toMatchObject({ role: 'admin' })
    await expect(acme.scope.members.expel(NOBODY)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  })

  test('can’t make themselves more by raw SQL', async () => {
    const acme = await team(place.content)
    const { principal } = await acme.member()
    for (const attempt of [
      `update user_organizations set role = 'owner' where user_id = $1 returning role`,
      `delete from user_organizations where user_id <> $1 returning role`,
    ]) {
      expect(await place.rowsAs(principal, attempt, [principal.userId])).toEqual([])
    }
    await expect(
      place.rowsAs(principal, 'insert into user_organizations (user_id, organization_id) values ($1, $2)', [
        NOBODY,
        principal.organizationId,
      ]),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  })

  test('may leave; the last active owner may not, whoever tries and however', async () => {
    const acme = await team(place.content)
    const { scope, user } = await acme.member()
    expect(await scope.members.leave()).toMatchObject({ userId: user.id })
    const lastOwner = { code: 'TENANTRY_CHECK', constraint: 'user_organizations_owner' }
    await expect(acme.scope.members.leave()).rejects.toMatchObject(lastOwner)
    await expect(acme.scope.members.deactivate(acme.user.id)).rejects.toMatchObject(lastOwner)
    await expect(
      acme.service.members.changeRole({ userId: acme.user.id, role: 'admin' }),
    ).rejects.toMatchObject(lastOwner)
    await expect(place.rows('delete from users where id = $1', [acme.user.id])).rejects.toMatchObject(
      lastOwner,
    )

    await acme.member('owner')
    await expect(
      place.rows(`update user_organizations set role = 'member' where organization_id = $1`, [
        acme.organization.id,
      ]),
    ).rejects.toMatchObject(lastOwner)
    await acme.scope.members.leave()
    expect(await acme.service.members.count({ where: { role: 'owner' } })).toBe(1)
  })

  test('go with their organization, and with everything of it', async () => {
    const acme = await team(place.content)
    await acme.scope.competitors.add({ url: 'https://one.example' })
    await acme.service.organizations.remove(acme.organization.id)
    expect(
      await place.rows('select from user_organizations where organization_id = $1', [acme.organization.id]),
    ).toEqual([])
    expect(await place.rows('select from users where id = $1', [acme.user.id])).toHaveLength(1)
  })

  test('two owners who take each other’s place at once leave one', async ({ skip }) => {
    skip(!place.database.driver.traits.concurrent, 'needs two connections: give TEST_DATABASE_URL')
    for (const isolation of ['read committed', 'repeatable read'] as const) {
      const acme = await team(place.content)
      const { user, scope } = await acme.member('owner')
      const demote = (by: typeof scope, userId: string, then: () => Promise<void>) =>
        by.transaction(
          async (inside) => {
            await inside.members.changeRole({ userId, role: 'member' })
            await then()
          },
          { isolation },
        )
      const changed = deferred()
      const goOn = deferred()
      const first = demote(acme.scope, user.id, async () => {
        changed.resolve()
        await goOn.promise
      })
      await changed.promise
      // The other one has begun, and either waits for the first or has got through.
      const second = demote(scope, acme.user.id, () => Promise.resolve()).then(
        () => 'done',
        () => 'refused',
      )
      await untilWaiting(second)
      goOn.resolve()
      await first
      expect(await second).toBe('refused')
      expect(await acme.service.members.count({ where: { role: 'owner', active: true } })).toBe(1)
    }
  })
})

describe('an invitation', () => {
  const invitee = 'New.Person@Example.com'

  test('makes whoever has its token a member, once, with the role that was offered', async () => {
    const acme = await team(place.content)
    const { invitation, token } = await acme.scope.invitations.invite({ email: invitee, role: 'admin' })
    expect(invitation).toMatchObject({
      email: 'new.person@example.com',
      status: 'pending',
      invitedBy: acme.user.id,
    })
    expect(JSON.stringify(invitation)).not.toContain(token.split('.')[1])
    expect(await acme.scope.invitations.open()).toEqual([invitation])

    const service = place.content.asService()
    const guest = await person(place.content, 'guest')
    const accepted = await service.invitations.accept({ token, userId: guest.id })
    expect(accepted).toMatchObject({ userId: guest.id, role: 'admin', active: true })
    expect(await service.invitations.accept({ token, userId: guest.id })).toEqual(accepted)
    const other = await person(place.content, 'other')
    await expect(service.invitations.accept({ token, userId: other.id })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    expect(await acme.scope.invitations.open()).toEqual([])
    expect(await acme.scope.invitations.get(invitation.id)).toMatchObject({
      status: 'accepted',
      acceptedBy: guest.id,
    })
  })

  test('is made by owners and administrators, one of an owner by owners alone', async () => {
    const acme = await team(place.content)
    const admin = await acme.member('admin')
    const member = await acme.member()
    const refused = { code: 'TENANTRY_ISOLATION' }
    await expect(member.scope.invitations.invite({ email: invitee })).rejects.toMatchObject(refused)
    await expect(admin.scope.invitations.invite({ email: invitee, role: 'owner' })).rejects.toMatchObject(
      refused,
    )
    const { invitation } = await admin.scope.invitations.invite({ email: invitee })
    await expect(member.scope.invitations.revoke(invitation.id)).rejects.toMatchObject(refused)
    await expect(acme.scope.invitations.invite({ email: invitee })).rejects.toMatchObject({
      code: 'TENANTRY_UNIQUE',
    })
    expect(await acme.scope.invitations.revoke(invitation.id)).toMatchObject({ status: 'revoked' })
    await expect(acme.scope.invitations.revoke(invitation.id)).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
    await acme.scope.invitations.invite({ email: invitee, role: 'owner' })
  })

  test('opens nothing when it was revoked, has expired, is another’s, or never was', async () => {
    const acme = await team(place.content)
    const guest = await person(place.content, 'guest')
    const service = place.content.asService()
    const revoked = await acme.scope.invitations.invite({ email: 'a@example.com' })
    await acme.scope.invitations.revoke(revoked.invitation.id)
    const expired = await acme.scope.invitations.invite({ email: 'b@example.com' })
    await place.rows(`update organization_invitations set expires_at = now() where id = $1`, [
      expired.invitation.id,
    ])
    const { token } = await acme.scope.invitations.invite({ email: 'c@example.com' })
    const elsewhere = `${(await team(place.content)).organization.id}.${token.split('.')[1]}`
    for (const wrong of [
      revoked.token,
      expired.token,
      elsewhere,
      `${acme.organization.id}.${'0'.repeat(64)}`,
      '',
      "'; --",
    ]) {
      await expect(service.invitations.accept({ token: wrong, userId: guest.id })).rejects.toMatchObject({
        code: 'TENANTRY_NOT_FOUND',
      })
    }
    await expect(
      place.rows(`update organization_invitations set status = 'accepted' where id = $1`, [
        expired.invitation.id,
      ]),
    ).rejects.toMatchObject({ code: 'TENANTRY_CHECK' })
    // One that has expired is no obstacle to another.
    await acme.scope.invitations.invite({ email: 'b@example.com' })
    expect(await acme.service.members.count()).toBe(1)
  })
})

test('people sign up once, by their address in any case, and only the service role does it', async () => {
  const service = place.content.asService()
  const one = await service.users.signUp({ email: 'Ada@Example.com', fullName: 'Ada' })
  expect(await service.users.signUp({ email: 'ada@example.com', fullName: 'Other' })).toEqual(one)
  expect(await service.users.findByEmail('ADA@example.com')).toEqual(one)
  expect(await service.users.findByEmail('nobody@example.com')).toBeNull()
  const acme = await team(place.content)
  await expect(acme.scope.users.signUp({ email: 'x@example.com' })).rejects.toMatchObject({
    code: 'TENANTRY_ISOLATION',
  })
  await expect(acme.scope.organizations.found({ name: 'X', ownerId: acme.user.id })).rejects.toMatchObject({
    code: 'TENANTRY_ISOLATION',
  })
  expect(await acme.scope.users.update(acme.user.id, { fullName: 'Renamed' })).toMatchObject({
    fullName: 'Renamed',
  })
})

/** A promise that is settled by hand. */
function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** Until a session of the database waits for a lock, or the work is done without. */
async function untilWaiting(work: Promise<unknown>): Promise<void> {
  let over = false
  void work.then(() => {
    over = true
  })
  const asked = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  while (!over && (await place.rows(asked)).length === 0);
}
