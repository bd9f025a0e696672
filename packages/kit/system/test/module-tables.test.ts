/** Tables that a mechanism brings: isolated, migrated and checked as the system's own. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ConfigurationError, IsolationError, type Module, TenantryError } from '@tenantry/core'
import { grants, policy, RETENTION_ROLE, role, statement } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { defineTenancy } from '@tenantry/rls'
import { createTestDatabase } from '@tenantry/testing'
import { sql } from 'drizzle-orm'
import { index, integer, pgSchema, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineSystem } from '../src/index.ts'

const notes = pgTable(
  'notes',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    owner: text('owner').notNull(),
  },
  (table) => [index('notes_owner_idx').on(table.owner)],
)
const schema = { notes }
const tenancy = defineTenancy({
  kind: 'user-text',
  schema,
  tables: { notes: { class: 'tenant', column: 'owner' } },
})
const library = pgSchema('tenantry')
const tallies = library.table('tallies', {
  owner: text('owner').primaryKey(),
  used: integer('used').notNull(),
})
const ledger = library.table(
  'ledger',
  { id: uuid('id').primaryKey().defaultRandom(), owner: text('owner').notNull() },
  (table) => [index('ledger_owner_idx').on(table.owner)],
)
const keys = library.table('keys', { name: text('name').primaryKey() })
const tally: Module = {
  name: 'tally',
  tables: [
    { table: tallies, tenant: 'owner' },
    { table: ledger, tenant: 'owner', appendOnly: true },
    { table: keys },
  ],
  objects: [
    role({ name: RETENTION_ROLE }),
    statement({
      kind: 'finale',
      id: 'usage for retention',
      create: [`grant usage on schema tenantry to ${RETENTION_ROLE}`],
      drop: [],
    }),
    grants({ table: ledger, to: RETENTION_ROLE, privileges: { select: true, delete: true } }),
    policy({
      table: ledger,
      name: 'retention',
      as: 'permissive',
      command: 'all',
      to: [RETENTION_ROLE],
      using: 'true',
      check: 'true',
    }),
  ],
}

const folder = () => pathToFileURL(join(mkdtempSync(join(tmpdir(), 'tenantry-module-')), '/'))

async function setup() {
  const migrations = folder()
  const define = defineSystem({
    name: 'notes',
    schema,
    tenancy,
    modules: [tally],
    repositories: {},
    migrations,
  })
  const { schema: everything, objects } = define.definition
  await generateMigration({ name: 'notes', schema: everything, objects, directory: migrations })
  const created = await createTestDatabase()
  const system = define(created.database)
  await system.migrate()
  await system.system(async ({ db }) => {
    await db.insert(tallies).values([
      { owner: 'ada', used: 1 },
      { owner: 'eve', used: 2 },
    ])
    await db.insert(ledger).values([{ owner: 'ada' }, { owner: 'eve' }])
    await db.insert(keys).values({ name: 'secret' })
  })
  return { ...created, system, ada: system.as({ userId: 'ada' }) }
}

let place: Awaited<ReturnType<typeof setup>>
beforeAll(async () => {
  place = await setup()
})
afterAll(() => place?.close())

describe('a table of a module', () => {
  it('shows a tenant rows of their own, and nothing of an internal one', async () => {
    expect(await place.ada.db.select().from(tallies)).toEqual([{ owner: 'ada', used: 1 }])
    expect(await place.ada.db.select({ owner: ledger.owner }).from(ledger)).toEqual([{ owner: 'ada' }])
    await expect(place.ada.db.select().from(keys)).rejects.toBeInstanceOf(IsolationError)
  })

  it.each([
    ['insert', sql`insert into tenantry.tallies (owner, used) values ('ada', 0)`],
    ['update', sql`update tenantry.tallies set used = 0`],
    ['delete', sql`delete from tenantry.tallies`],
    ['truncate', sql`truncate tenantry.tallies`],
    ['insert into a ledger', sql`insert into tenantry.ledger (owner) values ('ada')`],
  ])('refuses a tenant: %s', async (_what, query) => {
    await expect(place.ada.db.execute(query)).rejects.toBeInstanceOf(IsolationError)
  })

  it('is verified: what is opened by hand is found', async () => {
    expect(await place.system.verify()).toEqual([])
    await place.database.driver.query({
      text: 'grant update on tenantry.tallies to tenantry_tenant',
      params: [],
    })
    expect((await place.system.verify()).map(({ object }) => object)).toContain('tenantry.tallies')
    await place.database.driver.query({
      text: 'revoke update on tenantry.tallies from tenantry_tenant',
      params: [],
    })
  })

  it('is refused where the schema has something of its name', () => {
    const taken: Module = {
      name: 'taken',
      tables: [{ table: notes, tenant: 'owner' }],
      objects: [],
    }
    expect(() =>
      defineSystem({ name: 'notes', schema, tenancy, modules: [taken], repositories: {} }),
    ).toThrow(ConfigurationError)
  })

  it('is refused without the tenant column that it names', () => {
    const wrong: Module = {
      name: 'wrong',
      tables: [{ table: tallies, tenant: 'user' }],
      objects: [],
    }
    expect(() =>
      defineSystem({ name: 'notes', schema, tenancy, modules: [wrong], repositories: {} }),
    ).toThrow('has no column user')
  })
})

describe('an append-only table', () => {
  const change = 'update tenantry.ledger set owner = owner'
  const remove = "delete from tenantry.ledger where owner = 'eve'"
  const as = (role: string, text: string): Promise<unknown> =>
    place.database.driver.transaction({}, async (connection) => {
      await connection.query({ text: `set local role ${role}`, params: [] })
      return connection.query({ text, params: [] })
    })

  it('is changed by nobody: not by the service role, not by its owner, not by retention', async () => {
    for (const text of [change, remove, 'truncate tenantry.ledger']) {
      await expect(as('tenantry_service', text)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
      await expect(as('none', text)).rejects.toBeInstanceOf(TenantryError)
    }
    await expect(as(RETENTION_ROLE, change)).rejects.toBeInstanceOf(TenantryError)
  })

  it('loses rows to retention alone', async () => {
    await as(RETENTION_ROLE, remove)
    expect(await place.system.system(({ db }) => db.select({ owner: ledger.owner }).from(ledger))).toEqual([
      { owner: 'ada' },
    ])
  })
})

describe('a host that migrates with another tool', () => {
  it('gets the tables of modules from us, and their changes by the next migration', async () => {
    const directory = folder()
    const { definition } = defineSystem({
      name: 'notes',
      schema,
      tenancy,
      modules: [tally],
      repositories: {},
    })
    const { objects, moduleTables } = definition
    const options = { name: 'notes', mode: 'objects', objects, directory } as const
    const first = await generateMigration({ ...options, moduleTables })
    expect(first.text).toContain('CREATE TABLE "tenantry"."tallies"')
    expect(first.text).not.toContain('CREATE TABLE "notes"')
    expect(await generateMigration({ ...options, moduleTables })).toEqual({ file: null, text: null })
    const grown = {
      ...moduleTables,
      'tenantry.tallies': library.table('tallies', { ...columnsOfTallies(), cap: integer('cap') }),
    }
    const second = await generateMigration({ ...options, moduleTables: grown })
    expect(second.text).toContain('ALTER TABLE "tenantry"."tallies" ADD COLUMN "cap" integer')
  })
})

const columnsOfTallies = () => ({ owner: text('owner').primaryKey(), used: integer('used').notNull() })
