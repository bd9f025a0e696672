/** A function that runs with its owner's rights still knows whether its caller is the service role. */
import { sqlFunction } from '@tenantry/ddl'
import { createTestDatabase } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CALLER_IS_SERVICE, ROLES } from '../src/index.ts'
import { logins } from './support/logins.ts'
import { migrateSystem } from './support/setup.ts'
import * as notes from './support/notes.ts'

const asked = sqlFunction({
  name: 'caller_is_service',
  returns: 'boolean',
  language: 'plpgsql',
  volatility: 'stable',
  security: 'definer',
  owner: ROLES.definer,
  executableBy: ['public'],
  body: `begin return ${CALLER_IS_SERVICE}; end`,
})

let place: Awaited<ReturnType<typeof createTestDatabase>>
beforeAll(async () => {
  place = await createTestDatabase()
  await migrateSystem('notes', { ...notes, objects: [...notes.objects, asked] }, place.database.driver)
})
afterAll(() => place?.close())

const ask = async (role: string | null): Promise<unknown> =>
  place.database.driver.transaction({}, async (connection) => {
    if (role !== null) await connection.query({ text: `select set_config('role', $1, true)`, params: [role] })
    return (await connection.query({ text: 'select caller_is_service()', params: [] })).rows[0]?.[0]
  })

test('the service role is, the tenant role is not, whatever the session logged in as', async () => {
  expect(await ask(ROLES.service)).toBe(true)
  expect(await ask(ROLES.tenant)).toBe(false)
  // A superuser may do everything anyway.
  expect(await ask(null)).toBe(true)
})

describeOnServer('a login of an application', () => {
  test('is when it has become the service role, and not by being able to', async () => {
    await using own = logins(place)
    const database = await own.connect({
      role: `in role ${ROLES.tenant}`,
      also: `grant ${ROLES.service} to % with inherit false, set true`,
    })
    const answer = (role: string | null) =>
      database.driver.transaction({}, async (connection) => {
        if (role !== null)
          await connection.query({ text: `select set_config('role', $1, true)`, params: [role] })
        return (await connection.query({ text: 'select caller_is_service()', params: [] })).rows[0]?.[0]
      })
    expect(await answer(null)).toBe(false)
    expect(await answer(ROLES.tenant)).toBe(false)
    expect(await answer(ROLES.service)).toBe(true)
  })
})
