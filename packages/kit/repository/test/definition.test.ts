import { sql } from 'drizzle-orm'
import { integer, PgDialect, pgTable, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { afterAll, afterEach, beforeAll, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { defineRepository, type Page, type Where } from '../src/index.ts'
import { ALICE, BOB, GATE, setup, type Setup } from './support/setup.ts'
import { entries, notes, plainWords } from './support/tables.ts'

const noteDefinition = defineRepository(notes, {
  tenant: 'ownerId',
  softDelete: 'deletedAt',
  verbs: (repo, executor) => ({
    finish: (id: string) => repo.update(id, { status: 'done' }),
    tenantIs: () => executor.tenant,
  }),
})
const entryDefinition = defineRepository(entries, {
  tenant: 'accountId',
  key: ['number'],
  upsert: { on: ['number'], set: ['label', 'code'] },
})
const wordDefinition = defineRepository(plainWords, { tenant: null, casing: 'snake_case' })

let world: Setup
beforeAll(async () => {
  world = await setup()
})
afterAll(() => world.close())
afterEach(() => {
  vi.restoreAllMocks()
})

describe('a definition that does not fit its table is refused at once', () => {
  const table = pgTable(
    'things',
    {
      id: uuid('id').primaryKey(),
      ownerId: uuid('owner_id').notNull(),
      slug: text('slug').notNull(),
      global: text('global').unique(),
      part: integer('part'),
    },
    (columns) => [
      uniqueIndex().on(columns.ownerId, columns.slug),
      uniqueIndex()
        .on(columns.ownerId, columns.part)
        .where(sql`part > 0`),
    ],
  )
  const keyless = pgTable('keyless', { ownerId: uuid('owner_id').notNull() })
  const twoKeys = pgTable('two_keys', { a: integer('a').notNull(), b: integer('b').notNull() }, (columns) => [
    primaryKey({ columns: [columns.a, columns.b] }),
  ])
  const upsert = (on: readonly ('global' | 'slug' | 'id' | 'part')[]) => () =>
    defineRepository(table, { tenant: 'ownerId', upsert: { on, set: [] } })

  it.each<[string, () => unknown, RegExp]>([
    ['no key', () => defineRepository(keyless, { tenant: 'ownerId' }), /no primary key/],
    [
      'a key of several columns that TypeScript cannot see',
      () => defineRepository(twoKeys, { tenant: null }),
      /Add key: \['a', 'b'\]/,
    ],
    ['a key that is not unique', () => defineRepository(table, { tenant: 'ownerId', key: ['part'] }), /key/],
    [
      'soft deletion by a column that is no time',
      () => defineRepository(table, { tenant: 'ownerId', softDelete: 'part' }),
      /nullable timestamp/,
    ],
    ['an upsert by an id', upsert(['id']), /exactly \(ownerId, id\)/],
    ['an upsert by a key without the tenant', upsert(['global']), /exactly \(ownerId, global\)/],
    ['an upsert by a key that holds for some rows', upsert(['part']), /exactly \(ownerId, part\)/],
    [
      'an upsert that sets what it searches by',
      () => defineRepository(table, { tenant: 'ownerId', upsert: { on: ['slug'], set: ['slug'] } }),
      /by which it finds/,
    ],
    [
      'an upsert of the tenant',
      () => defineRepository(table, { tenant: 'ownerId', upsert: { on: ['slug'], set: ['ownerId'] } }),
      /no input may give/,
    ],
  ])('%s', (_, define, message) => {
    expect(define).toThrow(
      expect.objectContaining({ code: 'TENANTRY_CONFIGURATION', message: expect.stringMatching(message) }),
    )
  })

  it('a verb that would replace a standard method', () => {
    const definition = defineRepository(notes, {
      tenant: 'ownerId',
      verbs: () => ({ list: () => 'all of them' }),
    })
    expect(() => definition.bind(world.as(ALICE))).toThrow(/would replace a standard method/)
  })

  it('restore and upsert where they are not declared', async () => {
    const repo = defineRepository(entries, { tenant: 'accountId', key: ['number'] }).bind(world.as(ALICE))
    await expect(repo.restore(1)).rejects.toMatchObject({ code: 'TENANTRY_CONFIGURATION' })
    await expect(repo.upsert({ number: 1, label: 'l' })).rejects.toMatchObject({
      code: 'TENANTRY_CONFIGURATION',
    })
  })
})

describe('a shape is compiled once', () => {
  it('whatever the values, the principal or the order of the fields', async () => {
    const definition = defineRepository(notes, { tenant: 'ownerId', softDelete: 'deletedAt' })
    const compile = vi.spyOn(PgDialect.prototype, 'sqlToQuery')
    // Columns' bare names are compiled too, each once, when a statement first needs them.
    const compiledStatements = () => compile.mock.calls.filter(([, where]) => where !== 'indexes').length
    const use = async (tenant: string, score: number) => {
      const repo = definition.bind(world.as(tenant))
      const row = await repo.create({ slug: `s${score}`, title: 't', score })
      await repo.get(row.id)
      await repo.update(row.id, { title: 'u', score })
      await repo.list({
        where: { slug: { in: Array.from({ length: score }, String) }, score: { lt: score, gt: 0 } },
        limit: score,
      })
      await repo.list({ where: { score: { gt: 0, lt: score }, slug: { in: ['a'] } } })
      await repo.remove(row.id)
      await repo.restore(row.id)
      await repo.count()
    }
    await use(ALICE, 1)
    expect(compiledStatements()).toBe(7)
    const compiled = compile.mock.calls.length
    await use(ALICE, 2)
    await use(BOB, 3)
    expect(compile.mock.calls).toHaveLength(compiled)
  })

  it('for each gate', async () => {
    const definition = defineRepository(notes, { tenant: 'ownerId' })
    const compile = vi.spyOn(PgDialect.prototype, 'sqlToQuery')
    for (const gate of [null, GATE, null, GATE]) await definition.bind(world.as(ALICE, { gate })).count()
    expect(compile).toHaveBeenCalledTimes(2)
  })

  it('and forgotten when five hundred others were used since', async () => {
    const definition = defineRepository(notes, { tenant: 'ownerId' })
    // A thousand statements, none of which matters.
    const answer = { command: 'SELECT', columns: ['count'], rows: [['0']], count: 1 }
    let prepared = 0
    const repo = definition.bind({
      ...world.as(ALICE),
      run(query) {
        if (query.once !== true) prepared++
        return Promise.resolve(answer)
      },
    })
    const filter = (bits: number): Where<typeof notes> => ({
      and: Array.from({ length: 10 }, (_, bit) => ((bits >> bit) % 2 === 0 ? { slug: 'x' } : { title: 'x' })),
    })
    await repo.count()
    expect(prepared).toBe(1)
    for (let bits = 0; bits < 499; bits++) await repo.count({ where: filter(bits) })
    const compile = vi.spyOn(PgDialect.prototype, 'sqlToQuery')
    await repo.count()
    expect(compile).not.toHaveBeenCalled()
    await repo.count({ where: filter(499) })
    compile.mockClear()
    await repo.count()
    expect(compile).not.toHaveBeenCalled()
    prepared = 0
    for (let bits = 500; bits < 1000; bits++) await repo.count({ where: filter(bits) })
    // A connection forgets no statement, so the later ones aren't kept there.
    expect(prepared).toBe(0)
    compile.mockClear()
    await repo.count()
    expect(compile).toHaveBeenCalledTimes(1)
  })
})

describe('the service role', () => {
  it('is refused on a tenant table until it is bound to a tenant', async () => {
    const executor = world.as(null, { role: 'service' })
    const repo = noteDefinition.bind(executor)
    const id = '00000000-0000-4000-8000-0000000000ff'
    const calls = [
      () => repo.get(id),
      () => repo.find(),
      () => repo.list(),
      () => repo.list({ where: { slug: { in: [] } } }),
      () => repo.stream().next(),
      () => repo.count(),
      () => repo.exists(),
      () => repo.create({ slug: 'a', title: 't' }),
      () => repo.createMany([]),
      () => repo.createMany([{ slug: 'a', title: 't' }]),
      () => repo.update(id, { title: 't' }),
      () => repo.remove(id),
      () => repo.restore(id),
      () =>
        repo.statement('any', () => ({
          returns: { id: notes.id },
          query: (columns) => sql`select ${columns} from ${notes}`,
        })),
    ]
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({
        code: 'TENANTRY_CONFIGURATION',
        message: expect.stringMatching(/repos\.tenant\(id\)/),
      })
    }
    expect(executor.statements).toEqual([])
  })

  it('bound to a tenant, works for that tenant', async () => {
    const row = await noteDefinition
      .bind(world.as(BOB, { role: 'service' }))
      .create({ slug: 'served', title: 't' })
    expect(row.ownerId).toBe(BOB)
  })

  it('uses global tables without one', async () => {
    const repo = wordDefinition.bind(world.as(null, { role: 'service' }))
    await repo.create({ wordId: 1, languageCode: 'en' })
    expect(await repo.list({ where: { languageCode: 'en' } })).toMatchObject({ items: [{ wordId: 1 }] })
  })
})

describe('tables as hosts have them', () => {
  it('columns without names get the casing that Drizzle is given at run time', async () => {
    const executor = world.as(ALICE)
    await wordDefinition.bind(executor).create({ wordId: 7, languageCode: 'de' })
    expect(await wordDefinition.bind(executor).get(7)).toEqual({ wordId: 7, languageCode: 'de' })
    expect(executor.statements[0]?.text).toContain('("word_id", "language_code")')
  })

  it('a key of tenant and number: the number is the key within the tenant', async () => {
    const [alice, bob] = [entryDefinition.bind(world.as('alice')), entryDefinition.bind(world.as("bob'; --"))]
    await alice.create({ number: 1, label: 'mine' })
    await bob.create({ number: 1, label: 'theirs' })
    expect(await alice.get(1)).toMatchObject({ accountId: 'alice', label: 'mine' })
    expect(await alice.update(1, { label: 'changed' })).toMatchObject({ label: 'changed' })
    expect(await alice.remove(1)).toMatchObject({ label: 'changed' })
    expect(await bob.get(1)).toMatchObject({ accountId: "bob'; --", label: 'theirs' })
  })

  it('defaults made in the host’s process are applied on create, and do not overwrite on upsert', async () => {
    const repo = entryDefinition.bind(world.as('carol'))
    const touchedAt = new Date('2026-01-01T00:00:00Z')
    expect(await repo.create({ number: 1, label: 'l' })).toMatchObject({ code: 'made-by-host', touchedAt })
    await repo.update(1, { code: 'own', touchedAt: new Date('2020-01-01') })
    expect(await repo.upsert({ number: 1, label: 'm' })).toMatchObject({ code: 'own', label: 'm', touchedAt })
  })
})

describe('verbs', () => {
  it('stand beside the standard methods', async () => {
    const repo = noteDefinition.bind(world.as(ALICE))
    const { id } = await repo.create({ slug: 'verb', title: 't' })
    expect(await repo.finish(id)).toMatchObject({ status: 'done' })
    expect(repo.tenantIs()).toBe(ALICE)
  })

  it('a statement that does not name its tenant is refused', async () => {
    const executor = world.as(ALICE)
    const repo = noteDefinition.bind(executor)
    const everything = repo.statement('everything', ({ gate }) => ({
      returns: { id: notes.id },
      query: (columns) => sql`select ${columns} from ${notes} where ${gate}`,
    }))
    await expect(everything).rejects.toMatchObject({ code: 'TENANTRY_CONFIGURATION' })
    expect(executor.statements).toEqual([])
  })

  it('a statement that leaves the gate out is not taken for a gated one', async () => {
    const executor = world.as(ALICE, { gate: GATE })
    await noteDefinition.bind(executor).statement('ungated', ({ tenant }) => ({
      returns: { id: notes.id },
      query: (columns) => sql`select ${columns} from ${notes} where ${notes.ownerId} = ${tenant}`,
    }))
    expect(executor.statements).toMatchObject([{ gated: false }])
  })

  it('a statement’s values are checked as the columns that they stand for', async () => {
    const executor = world.as(ALICE)
    const call = (id: unknown) =>
      noteDefinition.bind(executor).statement(
        'by id',
        ({ tenant, value }) => ({
          returns: { id: notes.id },
          query: (columns) =>
            sql`select ${columns} from ${notes} where ${notes.ownerId} = ${tenant} and ${notes.id} = ${value('id', notes.id)}`,
        }),
        { id },
      )
    await expect(call('nonsense')).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
      issues: [{ path: 'id' }],
    })
    await expect(call(undefined)).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
      issues: [{ path: 'id' }],
    })
    expect(executor.statements).toEqual([])
  })

  it('several calls in one transaction are kept or lost together', async () => {
    const repo = noteDefinition.bind(world.as(ALICE))
    const failed = repo.transaction(async (within) => {
      await within.create({ slug: 'tx', title: 't' })
      await within.create({ slug: 'tx', title: 't' })
    })
    await expect(failed).rejects.toMatchObject({ code: 'TENANTRY_UNIQUE' })
    expect(await repo.exists({ where: { slug: 'tx' } })).toBe(false)
    await repo.transaction((within) => within.create({ slug: 'tx', title: 't' }))
    expect(await repo.exists({ where: { slug: 'tx' } })).toBe(true)
  })
})

it('types follow from the table and what is declared about it', () => {
  type Notes = ReturnType<typeof noteDefinition.bind>
  expectTypeOf<Awaited<ReturnType<Notes['get']>>>().toEqualTypeOf<typeof notes.$inferSelect>()
  expectTypeOf<Parameters<Notes['get']>[0]>().toEqualTypeOf<string>()
  expectTypeOf<Parameters<Notes['create']>[0]>().toEqualTypeOf<{
    slug: string
    title: string
    status?: 'draft' | 'done' | undefined
    score?: number | null | undefined
    dueAt?: Date | null | undefined
  }>()
  expectTypeOf<keyof Parameters<Notes['update']>[1]>().toEqualTypeOf<
    'slug' | 'title' | 'status' | 'score' | 'dueAt'
  >()
  expectTypeOf<Parameters<ReturnType<typeof entryDefinition.bind>['get']>[0]>().toEqualTypeOf<number>()
  expectTypeOf<Parameters<ReturnType<typeof wordDefinition.bind>['create']>[0]>().toEqualTypeOf<{
    wordId: number
    languageCode: string
  }>()
  expectTypeOf(selected).returns.resolves.toEqualTypeOf<Page<{ id: string; score: number | null }>>()
  expectTypeOf<{ score: 'x' }>().not.toExtend<Where<typeof notes>>()
  expectTypeOf<{ score: { contains: 'x' } }>().not.toExtend<Where<typeof notes>>()
  expectTypeOf<{ colour: 'x' }>().not.toExtend<Where<typeof notes>>()
})

function selected(repo: ReturnType<typeof noteDefinition.bind>) {
  return repo.list({ select: ['id', 'score'] })
}
