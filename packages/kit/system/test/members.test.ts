/** What an organization system knows about its members: their role in policies, and rows that are a person's own. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { policy } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { defineRepository } from '@tenantry/repository'
import { contextExpressions, defineTenancy, ROLES } from '@tenantry/rls'
import { createTestDatabase } from '@tenantry/testing'
import { boolean, index, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineSystem } from '../src/index.ts'

const people = pgTable('people', { id: uuid('id').primaryKey(), name: text('name').notNull() })

const members = pgTable(
  'members',
  {
    person: uuid('person').notNull(),
    club: uuid('club').notNull(),
    role: text('role').notNull().default('guest'),
    active: boolean('active').notNull().default(true),
  },
  (table) => [primaryKey({ columns: [table.person, table.club] }), index('members_club').on(table.club)],
)

const rules = pgTable(
  'rules',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    club: uuid('club').notNull(),
    title: text('title').notNull(),
  },
  (table) => [unique('rules_club_title').on(table.club, table.title)],
)

const schema = { people, members, rules }

const tenancy = defineTenancy({
  kind: 'organization',
  schema,
  membership: {
    table: members,
    user: members.person,
    organization: members.club,
    active: members.active,
    role: members.role,
  },
  tables: {
    people: { class: 'tenant', of: 'user', column: 'id', insert: false, delete: false },
    members: { class: 'tenant', column: 'club', insert: false, update: false, delete: false },
    rules: { class: 'tenant', column: 'club' },
  },
})

const MANAGES = `(select ${contextExpressions(tenancy).role}) = 'manager'`

const makeClubs = defineSystem({
  name: 'clubs',
  schema,
  tenancy,
  modules: [
    {
      name: 'managers',
      objects: [
        policy({
          table: rules,
          name: 'managers_insert',
          as: 'restrictive',
          command: 'insert',
          to: [ROLES.tenant],
          check: MANAGES,
        }),
      ],
    },
  ],
  repositories: {
    people: defineRepository(people, { tenant: 'id', of: 'user' }),
    rules: defineRepository(rules, { tenant: 'club', upsert: { on: ['title'], set: [] } }),
  },
  migrations: pathToFileURL(`${mkdtempSync(join(tmpdir(), 'tenantry-clubs-'))}/`),
})

const CLUB = '00000000-0000-4000-8000-0000000000c1'
const MANAGER = '00000000-0000-4000-8000-0000000000a1'
const GUEST = '00000000-0000-4000-8000-0000000000a2'
const FORMER = '00000000-0000-4000-8000-0000000000a3'

let place: Awaited<ReturnType<typeof setup>>
beforeAll(async () => {
  place = await setup()
})
afterAll(() => place?.close())

async function setup() {
  const { name, objects, migrations } = makeClubs.definition
  await generateMigration({ name, schema, objects, directory: migrations as URL })
  const created = await createTestDatabase({ migrate: (database) => makeClubs(database).migrate() })
  await created.database.driver.session((session) =>
    session.script(`
      insert into people values ('${MANAGER}', 'Mia'), ('${GUEST}', 'Gus'), ('${FORMER}', 'Fay');
      insert into members values
        ('${MANAGER}', '${CLUB}', 'manager', true), ('${GUEST}', '${CLUB}', 'guest', true),
        ('${FORMER}', '${CLUB}', 'manager', false)`),
  )
  const clubs = makeClubs(created.database)
  return { ...created, clubs, as: (userId: string) => clubs.as({ userId, organizationId: CLUB }) }
}

describe('a policy that asks for the role of the member', () => {
  it('lets through whoever has it, from the moment that they have it', async () => {
    await place.as(MANAGER).rules.create({ title: 'No shoes' })
    await expect(place.as(GUEST).rules.create({ title: 'Shoes' })).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
    await expect(place.as(FORMER).rules.create({ title: 'Shoes' })).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
    const promote = (role: string) =>
      place.database.driver.query({
        text: 'update members set role = $1 where person = $2',
        params: [role, GUEST],
      })
    await promote('manager')
    await place.as(GUEST).rules.create({ title: 'Slippers' })
    await promote('guest')
    await expect(place.as(GUEST).rules.create({ title: 'Boots' })).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
  })

  it('is part of what is verified', async () => {
    expect(await place.clubs.verify()).toEqual([])
  })

  it('can’t be made where the membership has no role', () => {
    expect(contextExpressions({ kind: 'organization' }).role).toBeNull()
  })
})

describe('a repository of rows that are a person’s own', () => {
  it('names the person, and for the service role whoever it is bound to', async () => {
    expect((await place.as(GUEST).people.list()).items).toEqual([{ id: GUEST, name: 'Gus' }])
    expect(await place.as(GUEST).people.update(GUEST, { name: 'Gustav' })).toMatchObject({ name: 'Gustav' })
    await expect(place.as(GUEST).people.get(MANAGER)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await place.as(GUEST).transaction(async (inside) => {
      expect(await inside.people.count()).toBe(1)
    })
    expect(await place.clubs.asService().tenant(MANAGER).people.get(MANAGER)).toMatchObject({ name: 'Mia' })
  })

  it('must say so, as the tenancy does', () => {
    for (const repository of [
      defineRepository(people, { tenant: 'id' }),
      defineRepository(rules, { tenant: 'club', of: 'user' }),
    ]) {
      expect(() => defineSystem({ name: 'x', schema, tenancy, repositories: { repository } })).toThrow(
        /names the (tenant|user), the tenancy says/,
      )
    }
  })
})

it('an upsert that overwrites nothing answers the row that is there', async () => {
  const { rules: own } = place.as(MANAGER)
  const first = await own.upsert({ title: 'Be kind' })
  expect(await own.upsert({ title: 'Be kind' })).toEqual(first)
})
