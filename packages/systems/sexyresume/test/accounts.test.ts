/** Accounts, sessions, and the admins who read everybody's rows. */
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { admin, customer, NOBODY, type Place, placeOf } from './support/place.ts'

let place: Place
beforeAll(async () => {
  place = await placeOf()
})
afterAll(() => place?.close())

const address = () => `${crypto.randomUUID()}@example.com`

test('an account is made with its entitlements, under the id that Supabase gave', async () => {
  const id = crypto.randomUUID()
  const email = address()
  const made = await place.service.users.signUp({ id, email: email.toUpperCase(), fullName: ' Ann ' })
  expect(made).toMatchObject({
    user: { id, email, fullName: 'Ann' },
    entitlements: { userId: id, plan: 'free' },
    created: true,
  })
  expect(await place.service.users.signUp({ id, email: address() })).toEqual({ ...made, created: false })
})

test('a taken address is refused without a word about whose it is, and nothing is written', async () => {
  const { user } = await customer(place)
  const id = crypto.randomUUID()
  const refusal = await place.service.users.signUp({ id, email: user.email }).catch((error: Error) => error)
  expect(refusal).toMatchObject({ code: 'TENANTRY_UNIQUE', constraint: 'idx_users_email' })
  expect(JSON.stringify(refusal)).not.toContain(user.id)
  expect(await place.rows('select from users where id = $1', [id])).toEqual([])
})

describeOnServer('several at once', () => {
  test('sign up with one id: one account is made, and all get it', async () => {
    const input = { id: crypto.randomUUID(), email: address() }
    const accounts = await Promise.all(Array.from({ length: 6 }, () => place.service.users.signUp(input)))
    expect(accounts.filter(({ created }) => created)).toHaveLength(1)
    expect(new Set(accounts.map(({ entitlements }) => entitlements.id)).size).toBe(1)
  })
})

test('a customer renames themselves, and nothing else of what is the service role’s', async () => {
  const { scope, userId, user } = await customer(place)
  expect(await scope.users.update(userId, { fullName: 'Other' })).toMatchObject({ fullName: 'Other' })
  const attempts: (() => Promise<unknown>)[] = [
    () => scope.users.signUp({ email: address() }),
    () => scope.users.update(userId, { email: address() }),
    () => scope.users.remove(userId),
    () => scope.admins.promote(),
    () => scope.admins.demote(),
    () => scope.admins.create({ role: 'admin' }),
    () => scope.sessions.open({ tokenHash: 'x'.repeat(32), expiresAt: new Date() }),
    () => place.rowsAs(userId, `insert into admin_users (user_id) values ($1)`, [userId]),
    () =>
      place.rowsAs(userId, `insert into user_entitlements (user_id, plan) values ($1, 'premium')`, [userId]),
    () => place.rowsAs(userId, `update user_entitlements set plan = 'premium'`),
  ]
  for (const attempt of attempts) {
    await expect(attempt(), attempt.toString()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  }
  expect(await scope.users.get(userId)).toMatchObject({ email: user.email })
})

test('a session is ended by its customer, and its token’s hash is nobody else’s to see', async () => {
  const { scope, service } = await customer(place)
  const session = await service.sessions.open({
    tokenHash: crypto.randomUUID(),
    ipAddress: '203.0.113.9',
    expiresAt: new Date(Date.now() + 1000),
  })
  const reader = await admin(place)
  expect(await reader.scope.reading(session.userId).sessions.count()).toBe(0)
  expect(await scope.sessions.count()).toBe(1)
  await scope.sessions.remove(session.id)
  expect(await scope.sessions.count()).toBe(0)
  await expect(service.sessions.open({ tokenHash: 'short', expiresAt: new Date() })).rejects.toMatchObject({
    code: 'TENANTRY_VALIDATION',
    issues: [{ path: 'tokenHash' }],
  })
})

describe('an admin', () => {
  test.each(['admin', 'super_admin'] as const)(
    'in the role %s reads every customer’s rows, and writes none',
    async (role) => {
      const [ann, reader] = [await customer(place), await customer(place)]
      await reader.service.admins.promote({ role })
      const resume = await ann.scope.resumes.create({ title: 'Ann’s' })
      const reading = reader.scope.reading(ann.userId)
      expect(await reading.resumes.get(resume.id)).toMatchObject({ title: 'Ann’s', userId: ann.userId })
      expect(await reading.users.get(ann.userId)).toMatchObject({ email: ann.user.email })
      expect(await reading.users.dashboard()).toMatchObject({ id: ann.userId, resumeCount: 1 })
      expect(
        Number((await place.rowsAs(reader.userId, 'select count(*) from users'))[0]?.['count']),
      ).toBeGreaterThan(1)
      // Their own scope is their own.
      expect(await reader.scope.resumes.count()).toBe(0)

      await expect(reading.resumes.update(resume.id, { title: 'x' })).rejects.toMatchObject({
        code: 'TENANTRY_NOT_FOUND',
      })
      await expect(reading.resumes.remove(resume.id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
      await expect(reading.resumes.create({})).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
      await expect(reading.credits.spend({ amount: 1, source: 'x' })).rejects.toMatchObject({
        code: 'TENANTRY_ISOLATION',
      })
      await expect(reading.users.deleteData()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
      expect(await ann.scope.resumes.get(resume.id)).toMatchObject({ title: 'Ann’s' })
    },
  )

  test('reads in a transaction as well, with one context', async () => {
    const [ann, reader] = [await customer(place), await admin(place)]
    await ann.scope.resumes.create({})
    await reader.scope.reading(ann.userId).transaction(async ({ resumes, users }) => {
      expect(await resumes.count()).toBe(1)
      expect(await users.get(ann.userId)).toMatchObject({ id: ann.userId })
    })
  })

  test('reads nothing more from the moment that it is over, and a moderator never did', async () => {
    const [ann, reader] = [await customer(place), await admin(place)]
    await ann.scope.resumes.create({})
    const count = () => reader.scope.reading(ann.userId).resumes.count()
    expect(await count()).toBe(1)
    await reader.service.admins.demote()
    expect(await count()).toBe(0)
    expect(await reader.scope.analytics.userGrowth().catch((error: { code: string }) => error.code)).toBe(
      'TENANTRY_ISOLATION',
    )
    await reader.service.admins.promote({ role: 'moderator' })
    expect(await count()).toBe(0)
    await expect((await customer(place)).service.admins.demote()).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
  })

  test('is seen by themselves and other admins, and not by customers', async () => {
    const [ann, reader] = [await customer(place), await admin(place)]
    expect(await ann.scope.admins.count()).toBe(0)
    expect(await reader.scope.admins.find()).toMatchObject({ role: 'admin', isActive: true })
    expect(await place.rowsAs(ann.userId, 'select from admin_users')).toEqual([])
  })

  test('reads operations, which customers do not', async () => {
    const [ann, reader] = [await customer(place), await admin(place)]
    for (const name of ['retention', 'funnels'] as const) {
      expect(await reader.scope[name].count(), name).toBeGreaterThan(0)
      expect(await ann.scope[name].count(), name).toBe(0)
    }
    const [policy] = (await reader.scope.retention.list()).items
    await expect(reader.scope.retention.update(policy?.id ?? '', { isActive: false })).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
  })

  test('is nobody who names another customer without being one', async () => {
    const [ann, ben] = [await customer(place), await customer(place)]
    const resume = await ann.scope.resumes.create({})
    await expect(ben.scope.reading(ann.userId).resumes.get(resume.id)).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    expect(await ben.scope.reading(ann.userId).resumes.count()).toBe(0)
    expect(() => ben.scope.reading(`${NOBODY}'`)).toThrow('uuid')
  })
})

describe('a customer’s data', () => {
  test('is given out whole to them, and to nobody else', async () => {
    const [ann, ben] = [await customer(place), await customer(place)]
    await ann.scope.resumes.create({ title: 'Mine' })
    const data = await ann.scope.users.exportData()
    expect(data).toMatchObject({
      user_profile: { id: ann.userId, email: ann.user.email },
      resumes: [{ title: 'Mine', user_id: ann.userId }],
      exports: [],
      achievements: [],
      credits: [],
    })
    expect(await ann.service.users.exportData()).toEqual(data)
    await expect(place.rowsAs(ben.userId, 'select export_user_data($1)', [ann.userId])).rejects.toMatchObject(
      {
        code: 'TENANTRY_ISOLATION',
      },
    )
    // An admin reads through policies, not through the owner of a function.
    const reader = await admin(place)
    await expect(
      place.rowsAs(reader.userId, 'select export_user_data($1)', [ann.userId]),
    ).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
  })

  test('is taken out of the account by them, and by nobody else', async () => {
    const [ann, ben] = [await customer(place), await customer(place)]
    const resume = await ann.scope.resumes.create({})
    await ann.scope.exports.request({ resumeId: resume.id })
    await place.service.analytics.track({ eventName: 'resume_created' }, { userId: ann.userId })
    for (const text of ['select delete_user_data($1)', 'delete from users where id = $1']) {
      await expect(place.rowsAs(ben.userId, text, [ann.userId])).rejects.toMatchObject({
        code: 'TENANTRY_ISOLATION',
      })
    }
    await ann.scope.users.deleteData()
    expect(await ann.scope.users.get(ann.userId)).toMatchObject({
      email: `deleted_${ann.userId}@anonymized.local`,
      fullName: 'Deleted User',
    })
    expect(await ann.scope.resumes.count()).toBe(0)
    expect(await ann.scope.exports.count()).toBe(0)
    expect(await place.service.subjects.count({ where: { userId: ann.userId } })).toBe(0)
    await expect(place.service.tenant(NOBODY).users.deleteData()).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
  })
})
