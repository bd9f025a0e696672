/** Every departure of a database from its declarations is found, one at a time, and a faithful one has none. */
import type { Connection } from '@tenantry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { trigger } from '@tenantry/ddl'
import type { TestDatabase } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import { verifyIsolation } from '../src/index.ts'
import { undone } from '../src/verify/undone.ts'
import * as clerk from './support/clerk.ts'
import { MUTATIONS } from './support/mutations.ts'
import * as notes from './support/notes.ts'
import { createSystem } from './support/setup.ts'
import * as teams from './support/teams.ts'

describe.each([
  ['notes', notes],
  ['clerk', clerk],
  ['teams', teams],
])('a migrated database of %s', (name, system) => {
  let test: TestDatabase
  beforeAll(async () => {
    test = await createSystem(name, system)
  })
  afterAll(() => test.close())

  it('has no finding', async () => {
    expect(
      await test.database.driver.transaction({}, (connection) => verifyIsolation(connection, system)),
    ).toEqual([])
  })
})

describe('a database that departs from its declarations', () => {
  let test: TestDatabase
  beforeAll(async () => {
    test = await createSystem('notes', notes)
  })
  afterAll(() => test.close())

  /** What a run inside a transaction answers, which is then undone. */
  const during = <T>(run: (connection: Connection) => Promise<T>): Promise<T> =>
    test.database.driver.transaction({}, (connection) => undone(connection, run))

  it.each(MUTATIONS)('is found out: %s', async (_what, sql, code, object) => {
    const findings = await during(async (connection) => {
      await connection.script(sql)
      return verifyIsolation(connection, notes)
    })
    expect(findings).toContainEqual(expect.objectContaining({ code, object }))
  })

  it.each([
    ['login', 'alter role tenantry_tenant login', 'role-attribute', 'tenantry_tenant'],
    ['BYPASSRLS', 'alter role tenantry_service bypassrls', 'role-attribute', 'tenantry_service'],
    [
      'a tenant that is the service',
      'grant tenantry_service to tenantry_tenant',
      'role-membership',
      'tenantry_service',
    ],
    [
      'an application that is the definer',
      'create role verify_app login in role tenantry_definer',
      'role-membership',
      'tenantry_definer',
    ],
    [
      'a preset context',
      `create role verify_app; alter role verify_app set app.current_user_id = 'x'`,
      'context-preset',
      'role verify_app',
    ],
  ])('is found out by its roles: %s', async (_what, sql, code, object) => {
    const findings = await during(async (connection) => {
      await connection.script(sql)
      return verifyIsolation(connection, notes)
    })
    expect(findings).toContainEqual(expect.objectContaining({ code, object }))
  })

  it('is repaired by what the finding says', async () => {
    const [before, after] = await during(async (connection) => {
      await connection.script('drop policy tenant_delete on notes')
      const found = await verifyIsolation(connection, notes)
      await connection.script((found[0]?.remedy ?? '').replace(/^.*?: /, ''))
      return [found, await verifyIsolation(connection, notes)] as const
    })
    expect(before.map(({ message }) => message)).toEqual(['The policy tenant_delete is missing'])
    expect(after).toEqual([])
  })

  it('is left as it was found', async () => {
    const count = async () =>
      (await test.database.driver.query({ text: 'select count(*) from pg_class', params: [] })).rows[0]?.[0]
    const before = await count()
    await test.database.driver.transaction({}, (connection) => verifyIsolation(connection, notes))
    expect(await count()).toBe(before)
  })
})

// The embedded server doesn't give back the authorization of its one session.
describeOnServer('a database that is migrated by a role which logins take', () => {
  let test: TestDatabase
  beforeAll(async () => {
    test = await createSystem('notes', notes)
  })
  afterAll(() => test.close())

  it('is compared by the role that the caller has taken, where objects are made by other roles', async () => {
    const extra = trigger({
      table: notes.schema.notes,
      name: 'extra',
      timing: 'before',
      events: ['insert'],
      execute: { schema: 'public', name: 'verify_extra', owner: 'tenantry_service' },
    })
    const findings = await test.database.driver.transaction({}, (whole) =>
      undone(whole, async (connection) => {
        await connection.script(`
        create role verify_login;
        create role verify_migrator;
        grant verify_migrator to verify_login with inherit false;
        grant tenantry_service to verify_migrator;
        create function public.verify_extra() returns trigger language plpgsql as 'begin return new; end';
        create trigger extra before insert on public.notes for each row execute function public.verify_extra();
        set local session authorization verify_login;
        set local role verify_migrator`)
        return verifyIsolation(connection, { ...notes, objects: [...notes.objects, extra] })
      }),
    )
    expect(findings.filter(({ message }) => message.includes('trigger extra'))).toEqual([])
  })
})
