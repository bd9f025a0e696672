/** `expectIsolated` finds nothing in sound systems of each kind, and everything that was opened. */
import type { Principal } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as clerk from './support/clerk.ts'
import * as desk from './support/desk.ts'
import * as handles from './support/handles.ts'
import * as notes from './support/notes.ts'
import { ACME, ALICE, asOwner, BOB, BOLT, createSystem } from './support/setup.ts'
import * as teams from './support/teams.ts'
import {
  expectIsolated,
  findLeaks,
  isolationMutations,
  type IsolationTarget,
  type SeededTenants,
  seedTenants,
  type TestDatabase,
  undone,
} from '@tenantry/testing'

interface Kind {
  readonly name: string
  readonly system: { readonly schema: object } & IsolationTarget['definition']
  readonly principals: readonly [Principal, Principal]
  seed(test: TestDatabase, principal: Principal): Promise<void>
}

const KINDS: readonly Kind[] = [
  {
    name: 'notes',
    system: notes,
    principals: [{ userId: ALICE }, { userId: BOB }],
    seed: (test, { userId }) => asOwner(test.database, notes.seed(userId)),
  },
  {
    name: 'clerk',
    system: clerk,
    principals: [{ userId: "user_2ab'; --" }, { userId: 'user_9zz' }],
    seed: (test, { userId }) => asOwner(test.database, clerk.seed(userId)),
  },
  {
    name: 'teams',
    system: teams,
    principals: [
      { userId: ALICE, organizationId: ACME },
      { userId: BOB, organizationId: BOLT },
    ],
    seed: (test, principal) =>
      asOwner(
        test.database,
        teams.seed('organizationId' in principal ? principal.organizationId : '', principal.userId),
      ),
  },
]

/** Systems with readers: here two who are none. */
const READ: readonly Kind[] = [
  {
    name: 'desk',
    system: desk,
    principals: [{ userId: ALICE }, { userId: BOB }],
    seed: (test, { userId }) =>
      asOwner(
        test.database,
        desk.seed(userId),
        sql`insert into public.admins (user_id, active) values (${userId}, false)`,
        sql`insert into public.events default values`,
      ),
  },
  {
    name: 'handles',
    system: handles,
    principals: [{ userId: 'user_ann' }, { userId: 'user_zoe' }],
    seed: (test, { userId }) => asOwner(test.database, handles.seed(userId, false)),
  },
]

describe.each([...KINDS, ...READ])('in a system of $name', ({ name, system, principals, seed }) => {
  let test: TestDatabase
  let target: IsolationTarget
  let seeded: SeededTenants
  beforeAll(async () => {
    test = await createSystem(name, { ...system, schema: { ...system.schema } })
    target = { database: test.database, definition: system }
    seeded = await seedTenants(target, {
      seed: async (tenant) => {
        await seed(test, principals[tenant - 1] ?? principals[0])
        return principals[tenant - 1] ?? principals[0]
      },
    })
  })
  afterAll(() => test.close())

  it('nothing is open', async () => {
    expect(await test.database.driver.transaction({}, (connection) => findLeaks(connection, seeded))).toEqual(
      [],
    )
  })

  it('no policy can be dropped or loosened unnoticed', async () => {
    expect(await isolationMutations(target, seeded)).toEqual([])
  }, 120_000)
})

describe('in a system of notes', () => {
  let test: TestDatabase
  let target: IsolationTarget
  let seeded: SeededTenants
  const seedOne = async (tenant: 1 | 2): Promise<Principal> => {
    const userId = tenant === 1 ? ALICE : BOB
    await asOwner(test.database, notes.seed(userId))
    return { userId }
  }
  beforeAll(async () => {
    test = await createSystem('notes', notes)
    target = { database: test.database, definition: notes }
    seeded = await seedTenants(target, { seed: seedOne })
  })
  afterAll(() => test.close())

  it.each([
    [
      'a function that says back an id only when somebody has it',
      `create function who_is(wanted uuid) returns uuid language sql stable security definer
       as 'select user_id from public.notes where user_id = wanted limit 1'`,
      'public.who_is(wanted uuid) as another tenant: it answers with values',
    ],
    [
      'a partition',
      'grant select on events_2026_11 to tenantry_tenant',
      'public.events_2026_11 as no context: select is allowed',
    ],
    [
      "a view with its owner's rights",
      'alter view titles reset (security_invoker)',
      'public.titles as no context: it answers with values',
    ],
    [
      'a materialized view',
      'refresh materialized view note_counts; grant select on note_counts to tenantry_tenant',
      'public.note_counts as no context: select is allowed',
    ],
    [
      'a function without a tenant filter',
      `create or replace function tenantry.titles_like(wanted text) returns setof text language sql stable security definer
       as 'select title from public.notes where title like wanted'`,
      'tenantry.titles_like(wanted text) as another tenant: it answers with values',
    ],
    [
      'a function that writes',
      `create function wipe() returns void language sql security definer as 'delete from public.notes'`,
      'public.wipe() as another tenant: it changed rows of the other tenant',
    ],
    [
      'a table that nobody classified',
      'create table loose (id int); grant select on loose to public',
      'public.loose as no context: select is allowed',
    ],
    [
      'TRUNCATE',
      'grant truncate on notes to tenantry_tenant; grant truncate on folders to tenantry_tenant',
      'public.notes as no context: truncate is allowed',
    ],
    [
      'writing a global table',
      'grant insert, update, delete on languages to tenantry_tenant',
      'public.languages as no context: delete is allowed',
    ],
  ])('%s is found', async (_what, sql, wanted) => {
    const leaks = await test.database.driver.transaction({}, (connection) =>
      undone(connection, async (part) => {
        await part.script(sql)
        return findLeaks(part, seeded)
      }),
    )
    expect(leaks).toContainEqual(expect.stringContaining(wanted))
  })

  it('a function that says back whatever it is asked tells nothing', async () => {
    const leaks = await test.database.driver.transaction({}, (connection) =>
      undone(connection, async (part) => {
        await part.script(
          `create function same(asked uuid) returns uuid language sql stable as 'select asked';
           create function greet(asked text) returns text language sql stable as 'select ''hello '' || asked'`,
        )
        return findLeaks(part, seeded)
      }),
    )
    expect(leaks).toEqual([])
  })

  it('a count over all tenants is found, where it was there before the second tenant', async () => {
    await using place = await createSystem('notes', notes)
    await place.database.driver.session((session) =>
      session.script(`create function count_notes() returns bigint language sql security definer
        as 'select count(*) from public.notes'`),
    )
    const other: IsolationTarget = { database: place.database, definition: notes }
    const seed = async (tenant: 1 | 2): Promise<Principal> => {
      const userId = tenant === 1 ? ALICE : BOB
      await asOwner(place.database, notes.seed(userId))
      return { userId }
    }
    await expect(expectIsolated(other, { seed })).rejects.toThrow(
      /Tenants are not isolated \(1\):\n- public\.count_notes\(\) as another tenant: its answer changed/,
    )
  })

  it('a table that the seed forgets is an error', async () => {
    await using place = await createSystem('clerk', clerk)
    const other: IsolationTarget = { database: place.database, definition: clerk }
    const seed = async (tenant: 1 | 2): Promise<Principal> => {
      await asOwner(place.database, clerk.seed(`user_${tenant}`))
      await place.database.driver.query({
        text: "delete from public.files where user_id = 'user_2'",
        params: [],
      })
      return { userId: `user_${tenant}` }
    }
    await expect(expectIsolated(other, { seed })).rejects.toThrow('public.files: no row of tenant 2')
  })
})

describe('in a system with readers', () => {
  it('a table that is shown to more than readers is found', async () => {
    await using place = await createSystem('desk', desk)
    const seeded = await seedTenants(
      { database: place.database, definition: desk },
      {
        seed: async (tenant) => {
          const userId = tenant === 1 ? ALICE : BOB
          await asOwner(
            place.database,
            desk.seed(userId),
            sql`insert into public.admins (user_id, active) values (${userId}, false)`,
            sql`insert into public.events default values`,
          )
          return { userId }
        },
      },
    )
    const leaks = await place.database.driver.transaction({}, (connection) =>
      undone(connection, async (part) => {
        await part.script(
          `drop policy tenant_isolation on events; alter policy tenant_select on events using (true)`,
        )
        return findLeaks(part, seeded)
      }),
    )
    expect(leaks).toContainEqual(
      expect.stringContaining('public.events as another tenant: select shows 2 rows to no reader'),
    )
  })
})
