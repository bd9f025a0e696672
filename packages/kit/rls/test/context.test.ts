/** Who a session acts for decides what it sees, however that is said, and saying it wrongly shows nothing. */
import { IsolationError, ValidationError } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestDatabase } from '@tenantry/testing'
import { serviceExecutor, SETTINGS, tenantExecutor } from '../src/index.ts'
import * as clerk from './support/clerk.ts'
import * as notes from './support/notes.ts'
import { count, makeAuthenticated, run, session, values } from './support/raw.ts'
import { ACME, ALICE, asOwner, BOB, BOLT, createSystem } from './support/setup.ts'
import * as teams from './support/teams.ts'

describe('a user with a uuid', () => {
  let test: TestDatabase
  const as = (userId: string) => tenantExecutor(test.database, notes.tenancy, { userId })
  beforeAll(async () => {
    test = await createSystem('notes', notes)
    await asOwner(test.database, notes.seed(ALICE), notes.seed(BOB))
    await makeAuthenticated(test.database)
  })
  afterAll(() => test.close())

  it.each(['users', 'folders', 'notes', 'events', 'titles'])(
    'sees one row of %s, and PostgREST the same',
    async (table) => {
      for (const userId of [ALICE, BOB]) {
        const shown = await values(as(userId), sql.raw(`select to_jsonb(t) from ${table} t`))
        const seen = await session(
          test.database,
          'authenticated',
          { [SETTINGS.claims]: JSON.stringify({ sub: userId, role: 'authenticated' }) },
          (connection) => connection.query({ text: `select to_jsonb(t) from ${table} t`, params: [] }),
        )
        expect(shown).toHaveLength(1)
        expect(seen.rows.map((row) => row[0])).toEqual(shown)
      }
    },
  )

  it.each<[string, Record<string, string | null>]>([
    ['absent', {}],
    ['empty', { [SETTINGS.user]: '', [SETTINGS.claims]: '' }],
    ['no uuid', { [SETTINGS.user]: 'alice' }],
    ['an injection', { [SETTINGS.user]: `${ALICE}' or true --` }],
    ['cut short', { [SETTINGS.user]: ALICE.slice(0, -1) }],
    [
      'wrong over right claims',
      { [SETTINGS.user]: 'alice', [SETTINGS.claims]: JSON.stringify({ sub: ALICE }) },
    ],
    ['no JSON', { [SETTINGS.claims]: '{"sub":' }],
    ['JSON null', { [SETTINGS.claims]: 'null' }],
    ['a JSON list', { [SETTINGS.claims]: `["${ALICE}"]` }],
    ['claims without a subject', { [SETTINGS.claims]: '{"role":"service_role"}' }],
    ['a subject that is no uuid', { [SETTINGS.claims]: '{"sub":"1 or 1=1"}' }],
    ['a subject that is an object', { [SETTINGS.claims]: `{"sub":{"id":"${ALICE}"}}` }],
  ])('whose context is %s sees nothing and writes nothing', async (_what, settings) => {
    await session(test.database, 'tenantry_tenant', settings, async (connection) => {
      for (const table of ['users', 'folders', 'notes', 'events', 'titles'])
        expect(await count(connection, table)).toBe(0)
      for (const text of [`update notes set title = 'x'`, 'delete from notes', 'delete from folders']) {
        expect((await connection.query({ text, params: [] })).count).toBe(0)
      }
      for (const owner of [`'${ALICE}'`, 'tenantry.current_user_uuid()']) {
        await expect(
          connection.savepoint((part) =>
            part.query({ text: `insert into notes (user_id, title) values (${owner}, 'x')`, params: [] }),
          ),
        ).rejects.toBeInstanceOf(IsolationError)
      }
    })
  })

  it.each(['', 'alice', `${ALICE}'`, `${ALICE} --`, `{${ALICE}}`, `${ALICE}\0`, undefined, null, 7])(
    'is never made of %j',
    (userId) => {
      expect(() => as(userId as string)).toThrow(ValidationError)
      expect(() => as(userId as string)).toThrow(/userId/)
    },
  )

  it('has no organization', () => {
    expect(() =>
      tenantExecutor(test.database, notes.tenancy, { userId: ALICE, organizationId: ACME }),
    ).toThrow(ValidationError)
  })

  it('shows no hidden row to a function of theirs that tells its argument', async () => {
    await test.database.driver.session((connection) =>
      connection.script(`
        create function tell(title text) returns boolean language plpgsql cost 0.000001 as $$
        begin
          if title not like '%${ALICE}' then raise exception 'told %', title; end if;
          return true;
        end $$;
        grant execute on function tell(text) to public`),
    )
    expect(await values(as(ALICE), sql`select title from notes where tell(title)`)).toEqual([
      `note of ${ALICE}`,
    ])
    expect(
      await values(
        as(ALICE),
        sql`select n.title from notes n join folders f on f.id = n.folder_id where tell(n.title)`,
      ),
    ).toHaveLength(1)
    await expect(
      run(serviceExecutor(test.database), sql`select title from notes where tell(title)`),
    ).rejects.toThrow()
  })
})

const NASTY = [
  `o'brien`,
  `"; drop table files; --`,
  `'); delete from files; --`,
  `a\\'b\\\\`,
  '$$; select 1; $$',
  '$body$',
  '%s %I {} ${x}',
  'ümläut 漢字 🎉',
  'line\nbreak\ttab',
  ' spaces ',
]

describe('a user with a text id', () => {
  let test: TestDatabase
  beforeAll(async () => {
    test = await createSystem('clerk', clerk)
    await asOwner(test.database, ...NASTY.map((userId) => clerk.seed(userId)))
  })
  afterAll(() => test.close())

  it.each(NASTY)('such as %j is that user and nobody else', async (userId) => {
    const executor = tenantExecutor(test.database, clerk.tenancy, {
      userId,
      claims: { name: userId, [userId]: [userId] },
    })
    expect(await values(executor, sql`select user_id from files`)).toEqual([userId])
    expect(await values(executor, sql`select tenantry.current_user_text()`)).toEqual([userId])
    expect(
      await values(executor, sql`select current_setting('request.jwt.claims')::jsonb ->> 'name'`),
    ).toEqual([userId])
    expect(
      await executor.transaction(async (inner) => (await run(inner, sql`select user_id from profiles`)).rows),
    ).toEqual([[userId]])
    await run(executor, sql`insert into files (user_id, path) values (${userId}, ${userId})`)
    expect(await values(executor, sql`delete from files where path = ${userId} returning user_id`)).toEqual([
      userId,
    ])
  })

  it.each([
    ['a NUL', { userId: 'a\0b' }, /userId/],
    ['half a surrogate pair', { userId: 'a\ud800' }, /userId/],
    ['nothing', { userId: '' }, /userId/],
    ['a NUL in a claim', { userId: 'a', claims: { name: 'x\0' } }, /claims/],
    ['half a surrogate pair in a claim', { userId: 'a', claims: { name: '\udc00' } }, /claims/],
    [
      'claims that say what to write instead',
      { userId: 'a', claims: { toJSON: () => ({ sub: 'b' }) } },
      /claims/,
    ],
    ['claims that are no JSON', { userId: 'a', claims: { size: 1n } }, /claims/],
  ])('of %s is refused by a typed error', (_what, principal, message) => {
    expect(() => tenantExecutor(test.database, clerk.tenancy, principal)).toThrow(ValidationError)
    expect(() => tenantExecutor(test.database, clerk.tenancy, principal)).toThrow(message)
  })

  it('may have a backslash before what looks like an escape', async () => {
    const executor = tenantExecutor(test.database, clerk.tenancy, {
      userId: NASTY[0] ?? '',
      claims: { path: 'c:\\u0000' },
    })
    expect(
      await values(executor, sql`select current_setting('request.jwt.claims')::jsonb ->> 'path'`),
    ).toEqual(['c:\\u0000'])
  })

  it('can not become another by claims that name one', async () => {
    const executor = tenantExecutor(test.database, clerk.tenancy, {
      userId: NASTY[0] ?? '',
      claims: { sub: NASTY[1], role: 'service_role' },
    })
    expect(await values(executor, sql`select user_id from files`)).toEqual([NASTY[0]])
    expect(
      await values(executor, sql`select current_setting('request.jwt.claims')::jsonb ->> 'role'`),
    ).toEqual(['authenticated'])
  })
})

describe('a member of organizations', () => {
  let test: TestDatabase
  const as = (userId: string, organizationId: string) =>
    tenantExecutor(test.database, teams.tenancy, { userId, organizationId })
  const tasks = sql`select title from tasks`
  beforeAll(async () => {
    test = await createSystem('teams', teams)
    await asOwner(
      test.database,
      teams.seed(ACME, ALICE),
      teams.seed(BOLT, BOB),
      sql`insert into memberships (organization_id, user_id) values (${BOLT}, ${ALICE})`,
    )
    await makeAuthenticated(test.database)
  })
  afterAll(() => test.close())

  it('sees one of them at a time', async () => {
    expect(await values(as(ALICE, ACME), tasks)).toEqual([`task of ${ACME}`])
    expect(await values(as(ALICE, BOLT), tasks)).toEqual([`task of ${BOLT}`])
    expect(await values(as(ALICE, ACME), sql`select organization_id from memberships order by 1`)).toEqual([
      ACME,
      BOLT,
    ])
    expect(await values(as(ALICE, ACME), sql`select id from organizations`)).toEqual([ACME])
  })

  it('sees nothing of an organization that they are not in, and writes nothing there', async () => {
    expect(await values(as(BOB, ACME), tasks)).toEqual([])
    await expect(
      run(as(BOB, ACME), sql`insert into projects (organization_id, name) values (${ACME}, 'x')`),
    ).rejects.toBeInstanceOf(IsolationError)
    await expect(
      run(as(ALICE, BOLT), sql`insert into projects (organization_id, name) values (${ACME}, 'x')`),
    ).rejects.toBeInstanceOf(IsolationError)
  })

  it('needs an organization in the principal', () => {
    expect(() => tenantExecutor(test.database, teams.tenancy, { userId: ALICE })).toThrow(/organizationId/)
    expect(() => as(ALICE, 'acme')).toThrow(ValidationError)
  })

  it('is the same by the claims of a PostgREST session', async () => {
    const seen = (claims: object) =>
      session(test.database, 'authenticated', { [SETTINGS.claims]: JSON.stringify(claims) }, (connection) =>
        count(connection, 'tasks'),
      )
    expect(await seen({ sub: ALICE, org_id: ACME })).toBe(1)
    expect(await seen({ sub: BOB, org_id: ACME })).toBe(0)
    expect(await seen({ sub: ALICE })).toBe(0)
    expect(await seen({ sub: ALICE, org_id: 'x' })).toBe(0)
    expect(await seen({ org_id: ACME })).toBe(0)
  })

  it('sees nothing from the statement on that follows their removal or suspension', async () => {
    const executor = as(ALICE, BOLT)
    expect(await values(executor, tasks)).toHaveLength(1)
    await asOwner(
      test.database,
      sql`update memberships set active = false where user_id = ${ALICE} and organization_id = ${BOLT}`,
    )
    expect(await values(executor, tasks)).toEqual([])
    await asOwner(
      test.database,
      sql`update memberships set active = true where user_id = ${ALICE} and organization_id = ${BOLT}`,
    )
    expect(await values(executor, tasks)).toHaveLength(1)
    await asOwner(
      test.database,
      sql`delete from memberships where user_id = ${ALICE} and organization_id = ${BOLT}`,
    )
    expect(await values(executor, tasks)).toEqual([])
    expect(await values(executor, sql`select tenantry.current_organization()`)).toEqual([null])
  })

  it('can not make themselves a member', async () => {
    await expect(
      run(as(BOB, BOLT), sql`insert into memberships (organization_id, user_id) values (${ACME}, ${BOB})`),
    ).rejects.toBeInstanceOf(IsolationError)
    await expect(
      run(as(BOB, BOLT), sql`update memberships set organization_id = ${ACME}`),
    ).rejects.toBeInstanceOf(IsolationError)
  })
})
