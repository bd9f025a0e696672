import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { eq, relations, sql } from 'drizzle-orm'
import { foreignKey, index, pgSchema, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ConfigurationError,
  ForeignKeyError,
  IsolationError,
  type Module,
  NotFoundError,
  TenantryError,
  UniqueViolationError,
  ValidationError,
} from '@tenantry/core'
import { statement } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { defineRepository } from '@tenantry/repository'
import { defineTenancy } from '@tenantry/rls'
import { createTestDatabase } from '@tenantry/testing'
import { defineSystem } from '../src/index.ts'

const shelves = pgTable(
  'shelves',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    owner: text('owner').notNull(),
    name: text('name').notNull(),
  },
  (table) => [
    unique('shelves_owner_id_key').on(table.owner, table.id),
    unique('shelves_owner_name_key').on(table.owner, table.name),
  ],
)
const books = pgTable(
  'books',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    owner: text('owner').notNull(),
    shelfId: uuid('shelf_id').notNull(),
    title: text('title').notNull(),
  },
  (table) => [
    index('books_owner_idx').on(table.owner, table.shelfId),
    foreignKey({
      name: 'books_shelf_id_fkey',
      columns: [table.owner, table.shelfId],
      foreignColumns: [shelves.owner, shelves.id],
    }),
  ],
)
const shelfRelations = relations(shelves, ({ many }) => ({ books: many(books) }))
const bookRelations = relations(books, ({ one }) => ({
  shelf: one(shelves, { fields: [books.owner, books.shelfId], references: [shelves.owner, shelves.id] }),
}))
const schema = { shelves, books, shelfRelations, bookRelations }
const tenancy = defineTenancy({
  kind: 'user-text',
  schema,
  tables: { shelves: { class: 'tenant', column: 'owner' }, books: { class: 'tenant', column: 'owner' } },
})
const repositories = {
  shelves: defineRepository(shelves, { tenant: 'owner' }),
  books: defineRepository(books, { tenant: 'owner' }),
}
const folder = pathToFileURL(join(mkdtempSync(join(tmpdir(), 'tenantry-system-')), '/'))
const library = defineSystem({ name: 'library', schema, tenancy, repositories, migrations: folder })

let place: Awaited<ReturnType<typeof setup>>
beforeAll(async () => {
  place = await setup()
})
afterAll(() => place.close())

async function setup() {
  await generateMigration({ name: 'library', schema, objects: library.definition.objects, directory: folder })
  const created = await createTestDatabase()
  const system = library(created.database)
  await system.migrate()
  return {
    ...created,
    system,
    ada: system.as({ userId: `ada'; drop table books; --` }),
    eve: system.as({ userId: 'eve' }),
  }
}

describe('a scope', () => {
  it('keeps tenants apart in repositories, Drizzle queries, relational queries and raw SQL', async () => {
    const shelf = await place.ada.shelves.create({ name: 'History' })
    await place.ada.books.create({ shelfId: shelf.id, title: 'SPQR' })
    const counts = async (scope: typeof place.ada) => [
      (await scope.books.list()).items.length,
      (await scope.db.select().from(books)).length,
      (await scope.db.query.shelves.findMany({ with: { books: true } })).flatMap((found) => found.books)
        .length,
      ((await scope.db.execute(sql`select * from books`)) as unknown as unknown[]).length,
      (
        await scope.db
          .select({ title: books.title })
          .from(shelves)
          .innerJoin(books, eq(books.shelfId, shelves.id))
      ).length,
    ]
    expect(await counts(place.ada)).toEqual([1, 1, 1, 1, 1])
    expect(await counts(place.eve)).toEqual([0, 0, 0, 0, 0])
    await expect(place.eve.shelves.get(shelf.id)).rejects.toBeInstanceOf(NotFoundError)
    await expect(place.eve.books.create({ shelfId: shelf.id, title: 'Mine' })).rejects.toBeInstanceOf(
      ForeignKeyError,
    )
  })

  it('throws typed errors from Drizzle queries, without their parameters', async () => {
    await place.ada.shelves.create({ name: 'secret-name' })
    const failure: unknown = await place.ada.db
      .insert(shelves)
      .values({ owner: `ada'; drop table books; --`, name: 'secret-name' })
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(UniqueViolationError)
    expect(`${String(failure)} ${JSON.stringify(failure)}`).not.toContain('secret-name')
    await expect(place.ada.db.insert(shelves).values({ owner: 'eve', name: 'x' })).rejects.toBeInstanceOf(
      IsolationError,
    )
  })

  it('inserts by Drizzle what is given, and leaves the rest to the database', async () => {
    const scope = place.system.as({ userId: 'drizzle' })
    const given = '00000000-0000-4000-8000-000000000001'
    const rows = await scope.db
      .insert(shelves)
      .values([
        { owner: 'drizzle', name: 'one' },
        { owner: 'drizzle', name: 'two' },
      ])
      .returning()
    expect(rows.map((row) => row.name)).toEqual(['one', 'two'])
    // A key of the tenant's choice could tell whether another tenant has it.
    await expect(
      scope.db.insert(shelves).values({ id: given, owner: 'drizzle', name: 'three' }),
    ).rejects.toBeInstanceOf(IsolationError)
  })

  it('commits a transaction as a whole, over repositories and Drizzle', async () => {
    const reason = new Error('no')
    const attempt = place.eve.transaction(async (scope) => {
      await scope.shelves.create({ name: 'Gone' })
      expect(await scope.db.select().from(shelves)).toHaveLength(1)
      throw reason
    })
    await expect(attempt).rejects.toBe(reason)
    expect(await place.eve.shelves.count()).toBe(0)
    await place.eve.transaction(async (scope) => {
      await scope.shelves.create({ name: 'Kept' })
    })
    expect(await place.eve.shelves.count()).toBe(1)
  })

  it('undoes a nested transaction alone, and lets the outer one go on', async () => {
    await place.eve.transaction(async (scope) => {
      await scope.shelves.create({ name: 'Outer' })
      const nested = scope.transaction(async (inner) => {
        await inner.shelves.create({ name: 'Inner' })
        await inner.shelves.create({ name: 'Inner' })
      })
      await expect(nested).rejects.toBeInstanceOf(UniqueViolationError)
      await scope.db.transaction(async (db) => {
        await db.insert(shelves).values({ owner: 'eve', name: 'By Drizzle' })
      })
    })
    const names = (await place.eve.shelves.list()).items.map((shelf) => shelf.name)
    expect(names).toEqual(expect.arrayContaining(['Outer', 'By Drizzle']))
    expect(names).not.toContain('Inner')
  })

  it('refuses statements outside the transaction that is open, instead of waiting for itself', async () => {
    const outside = place.eve.transaction(async () => {
      await place.eve.shelves.count()
    })
    await expect(outside).rejects.toThrow(/outside the transaction/)
  })

  it('refuses repositories that outlive their transaction', async () => {
    const kept = await place.eve.transaction(async (scope) => Promise.resolve(scope))
    await expect(kept.shelves.count()).rejects.toThrow(/after its transaction had ended/)
    await expect(kept.db.select().from(shelves)).rejects.toThrow(/after its transaction had ended/)
  })

  it.each([[''], ['with\0nul'], [undefined], [7]])('refuses %j as the id of a principal', (userId) => {
    expect(() => place.system.as({ userId: userId as string })).toThrow(ValidationError)
  })
})

describe('the service role', () => {
  it('needs a tenant for tenant tables, and then sees that one', async () => {
    await expect(place.system.asService().shelves.count()).rejects.toThrow(/bound to|Bind it/)
    const eves = await place.eve.shelves.count()
    expect(await place.system.asService().tenant('eve').shelves.count()).toBe(eves)
    expect(await place.system.system((repos) => repos.tenant('eve').shelves.count())).toBe(eves)
  })

  it('undoes all of a system() call that rejects', async () => {
    const reason = new Error('no')
    const attempt = place.system.system(async (repos) => {
      await repos.tenant('new').shelves.create({ name: 'Never' })
      throw reason
    })
    await expect(attempt).rejects.toBe(reason)
    expect(await place.system.as({ userId: 'new' }).shelves.count()).toBe(0)
  })
})

describe('defineSystem', () => {
  const parts = { name: 'library', schema, tenancy, repositories }
  const clash = (create: string): Module => ({
    name: 'clash',
    objects: [statement({ id: 'same', kind: 'finale', create: [create], drop: [] })],
  })

  const stranger = defineRepository(pgTable('strangers', { id: uuid('id').primaryKey() }), { tenant: null })
  const ownerless = defineRepository(shelves, { tenant: null })

  it.each([
    [
      'a name that history could not keep apart',
      () => defineSystem({ ...parts, name: 'Library!' }),
      /no name for a system/,
    ],
    [
      'a repository of another table',
      () => defineSystem({ ...parts, repositories: { stranger } }),
      /doesn't classify/,
    ],
    [
      'a repository that disagrees on the tenant',
      () => defineSystem({ ...parts, repositories: { ownerless } }),
      /the tenancy says owner/,
    ],
    [
      'a repository by a name that scopes use',
      () => defineSystem({ ...parts, repositories: { transaction: repositories.books } }),
      /can't be called transaction/,
    ],
    [
      'two objects of one name',
      () => defineSystem({ ...parts, modules: [clash('select 1'), clash('select 2')] }).definition.objects,
      /Two different objects/,
    ],
  ])('refuses %s', (_name, define, message) => {
    expect(define).toThrow(ConfigurationError)
    expect(define).toThrow(message)
  })

  it('says so when it has no migrations, and when a job is unknown', async () => {
    const system = defineSystem(parts)(place.database)
    await expect(system.migrate()).rejects.toThrow(/no migrations of its own/)
    await expect(system.runJob('nothing')).rejects.toThrow(/has no job nothing/)
    await expect(system.runJob('nothing')).rejects.toBeInstanceOf(TenantryError)
  })

  it("does not decide anew who reads another system's rows in the same database", async () => {
    const withReaders = (name: string) => {
      const papers = pgTable(
        `${name}_papers`,
        { id: uuid('id').primaryKey().defaultRandom(), owner: uuid('owner').notNull() },
        (table) => [index(`${name}_papers_owner`).on(table.owner)],
      )
      const readers = pgTable(`${name}_readers`, { person: uuid('person').primaryKey() })
      const own = { papers, readers }
      const directory = pathToFileURL(join(mkdtempSync(join(tmpdir(), 'tenantry-system-')), '/'))
      return defineSystem({
        name,
        schema: own,
        tenancy: defineTenancy({
          kind: 'user-uuid',
          schema: own,
          readers: { table: readers, user: readers.person },
          tables: { papers: { class: 'tenant', column: 'owner' }, readers: { class: 'internal' } },
        }),
        repositories: {},
        migrations: directory,
      })
    }
    await using shared = await createTestDatabase()
    const [first, second] = [withReaders('first'), withReaders('second')]
    for (const { definition } of [first, second]) {
      const { name, objects, migrations } = definition
      await generateMigration({ name, schema: definition.schema, objects, directory: migrations ?? '' })
    }
    await first(shared.database).migrate()
    await expect(second(shared.database).migrate()).rejects.toThrow(/current_user_reads_all.*a database each/)
    expect(await first(shared.database).verify()).toEqual([])
    expect((await first(shared.database).migrate()).applied).toEqual([])
  })

  it('takes tables of any schema, and names that need quotes', async () => {
    const shop = pgSchema('The Shop')
    const orders = shop.table(
      'Order',
      { id: uuid('id').primaryKey().defaultRandom(), owner: text('user').notNull(), select: text('select') },
      (table) => [index('Order owner').on(table.owner)],
    )
    const own = { shop, orders }
    const directory = pathToFileURL(join(mkdtempSync(join(tmpdir(), 'tenantry-system-')), '/'))
    const system = defineSystem({
      name: 'shop',
      schema: own,
      tenancy: defineTenancy({
        kind: 'user-text',
        schema: own,
        tables: { orders: { class: 'tenant', column: 'owner' } },
      }),
      repositories: { orders: defineRepository(orders, { tenant: 'owner' }) },
      migrations: directory,
    })
    await generateMigration({ name: 'shop', schema: own, objects: system.definition.objects, directory })
    await using place = await createTestDatabase()
    await system(place.database).migrate()
    const [ada, eve] = ['ada', 'eve'].map((userId) => system(place.database).as({ userId }))
    await ada?.orders.create({ select: 'one' })
    expect((await ada?.orders.list())?.items).toMatchObject([{ owner: 'ada', select: 'one' }])
    expect(await eve?.db.select().from(orders)).toEqual([])
    expect(await system(place.database).verify()).toEqual([])
  })

  it('finds nothing open in what it migrated', async () => {
    expect(await place.system.verify()).toEqual([])
  })
})
