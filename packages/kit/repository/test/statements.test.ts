import { sql, type SQL } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { defineRepository } from '../src/index.ts'
import { ALICE, BOB, GATE, type RunStatement, setup, type Setup, type TestExecutor } from './support/setup.ts'
import { notes } from './support/tables.ts'

const repository = defineRepository(notes, {
  tenant: 'ownerId',
  softDelete: 'deletedAt',
  defaultSort: [{ createdAt: 'desc' }],
  upsert: { on: ['slug'], set: ['title', 'score'] },
  verbs: (repo) => ({
    rename: (from: string, to: string) =>
      repo.statement(
        'rename',
        ({ tenant, gate, value }) => ({
          returns: { id: notes.id, length: sql<number>`length(${notes.title})`.mapWith(Number) },
          query: (columns) => sql`
            update ${notes} set title = ${value('to', notes.title)}
            where ${notes.ownerId} = ${tenant} and ${notes.title} = ${value('from', notes.title)} and ${gate}
            returning ${columns}`,
        }),
        { from, to },
      ),
  }),
})

const COLUMNS =
  '"notes"."id", "notes"."owner_id", "notes"."slug", "notes"."title", "notes"."status", "notes"."score", "notes"."due_at", "notes"."created_at", "notes"."deleted_at", "notes"."title_length"'
const MISSING = '00000000-0000-4000-8000-0000000000ff'

let world: Setup
beforeAll(async () => {
  world = await setup()
})
afterAll(() => world.close())

/** Both tenants have the same three notes, so that a statement that forgets its tenant finds too many. */
async function twoTenants(gate: SQL | null) {
  await world.database.driver.query({ text: 'delete from notes', params: [] })
  const rows = ['a', 'b', 'c'].map((slug, score) => ({ slug, title: slug.toUpperCase(), score }))
  const executor = world.as(ALICE, { gate })
  const [alice, bob] = [repository.bind(executor), repository.bind(world.as(BOB, { gate }))]
  const mine = await alice.createMany(rows)
  const theirs = await bob.createMany(rows)
  executor.statements.length = 0
  return { executor, alice, bob, mine, theirs }
}

const only = ({ statements }: TestExecutor): RunStatement => {
  expect(statements).toHaveLength(1)
  const [statement] = statements
  if (statement === undefined) throw new Error('no statement')
  return statement
}

describe.each([
  ['without a gate', null],
  ['with a gate', GATE],
])('%s', (_, gate) => {
  let at: Awaited<ReturnType<typeof twoTenants>>
  beforeEach(async () => {
    at = await twoTenants(gate)
  })
  const gated = (parameter: number, joiner = ' and ') =>
    gate === null
      ? ''
      : `${joiner}(select set_config('app.current_user_id', $${parameter}, true)) is not null`
  const params = (...values: unknown[]) => (gate === null ? values : [...values, ALICE])
  /** The gate's parameter stands where the gate does: before those of ORDER BY and LIMIT. */
  const paramsThen = (values: unknown[], after: unknown[]) => [...params(...values), ...after]
  const next = (parameter: number) => (gate === null ? parameter : parameter + 1)
  const id = () => at.mine[0]?.id ?? ''
  const theirId = () => at.theirs[0]?.id ?? ''
  const theirRows = () => at.bob.list({ withDeleted: true, sort: [{ slug: 'asc' }] })

  it('get reads the one row of the tenant', async () => {
    expect(await at.alice.get(id())).toEqual(at.mine[0])
    expect(only(at.executor)).toMatchObject({
      text: `select ${COLUMNS} from "notes" where "notes"."owner_id" = $1 and "notes"."id" = $2 and "notes"."deleted_at" is null${gated(3)}`,
      params: params(ALICE, id()),
      gated: gate !== null,
    })
  })

  it('list reads a page of the tenant, newest first, and one row more to know whether another follows', async () => {
    const page = await at.alice.list({ where: { score: { gte: 1 }, status: 'draft' }, limit: 1 })
    expect(page.items).toHaveLength(1)
    expect(only(at.executor)).toMatchObject({
      text: `select ${COLUMNS} from "notes" where "notes"."owner_id" = $1 and ("notes"."score" >= $2 and "notes"."status" = $3) and "notes"."deleted_at" is null${gated(4)} order by "notes"."created_at" desc, "notes"."id" desc limit $${next(4)}`,
      params: paramsThen([ALICE, 1, 'draft'], [2]),
    })
  })

  it('the next page starts after the last row by one row comparison, which an index can serve', async () => {
    const first = await at.alice.list({ limit: 2, select: ['slug'] })
    const second = await at.alice.list({ limit: 2, select: ['slug'], cursor: first.nextCursor })
    expect([...first.items, ...second.items].map(({ slug }) => slug).sort()).toEqual(['a', 'b', 'c'])
    expect(second.nextCursor).toBeNull()
    expect(at.executor.statements[1]?.text).toBe(
      `select "notes"."slug", "notes"."created_at", "notes"."id" from "notes" where "notes"."owner_id" = $1 and ("notes"."created_at", "notes"."id") < ($2::timestamp with time zone, $3::uuid) and "notes"."deleted_at" is null${gated(4)} order by "notes"."created_at" desc, "notes"."id" desc limit $${next(4)}`,
    )
  })

  it('find reads the first row that matches, or null', async () => {
    expect(await at.alice.find({ where: { slug: 'b' } })).toEqual(at.mine[1])
    expect(only(at.executor).text).toBe(
      `select ${COLUMNS} from "notes" where "notes"."owner_id" = $1 and "notes"."slug" = $2 and "notes"."deleted_at" is null${gated(3)} order by "notes"."created_at" desc, "notes"."id" desc limit $${next(3)}`,
    )
    expect(await at.alice.find({ where: { slug: 'z' } })).toBeNull()
  })

  it('count counts the rows of the tenant', async () => {
    expect(await at.alice.count({ where: { slug: { in: ['a', 'b', 'z'] } } })).toBe(2)
    expect(only(at.executor)).toMatchObject({
      text: `select count(*) from "notes" where "notes"."owner_id" = $1 and "notes"."slug" = any($2::varchar[]) and "notes"."deleted_at" is null${gated(3)}`,
    })
  })

  it('exists always answers one row, whatever it says', async () => {
    expect(await at.alice.exists({ where: { slug: 'a' } })).toBe(true)
    expect(only(at.executor).text).toBe(
      `select exists (select 1 from "notes" where "notes"."owner_id" = $1 and "notes"."slug" = $2 and "notes"."deleted_at" is null${gated(3)})`,
    )
    expect(await at.alice.exists({ where: { slug: 'z' } })).toBe(false)
  })

  it('create inserts for the tenant, leaving what was not given to its default', async () => {
    const row = await at.alice.create({ slug: 'd', title: 'D', score: undefined })
    expect(row).toMatchObject({ ownerId: ALICE, slug: 'd', status: 'draft', score: null, titleLength: 1 })
    expect(only(at.executor)).toMatchObject({
      text: `insert into "notes" ("owner_id", "slug", "title") select $1::uuid, $2::varchar, $3::text${gated(4, ' where ')} returning ${COLUMNS}`,
      params: params(ALICE, 'd', 'D'),
      gated: gate !== null,
    })
    expect((await theirRows()).items).toHaveLength(3)
  })

  it('createMany inserts rows of the same fields by one statement, and answers in their order', async () => {
    const rows = await at.alice.createMany([
      { slug: 'y', title: 'Y' },
      { slug: 'x', title: 'a "quoted", \\ {brace} and \n line' },
    ])
    expect(rows.map(({ slug, title }) => [slug, title])).toEqual([
      ['y', 'Y'],
      ['x', 'a "quoted", \\ {brace} and \n line'],
    ])
    expect(only(at.executor).text).toBe(
      `insert into "notes" ("owner_id", "slug", "title") select $1::uuid, "given"."value_0"::varchar, "given"."value_1"::text from unnest($2::text[], $3::text[]) with ordinality as "given" ("value_0", "value_1", "position")${gated(4, ' where ')} order by "given"."position" returning ${COLUMNS}`,
    )
  })

  it('createMany of rows with different fields is still all or nothing', async () => {
    const before = await at.alice.count()
    const clash = at.alice.createMany([
      { slug: 'p', title: 'P' },
      { slug: 'q', title: 'Q', score: 1 },
      { slug: 'a', title: 'taken', status: 'done' },
    ])
    await expect(clash).rejects.toMatchObject({ code: 'TENANTRY_UNIQUE' })
    expect(await at.alice.count()).toBe(before)
    const rows = await at.alice.createMany([
      { slug: 'p', title: 'P' },
      { slug: 'q', title: 'Q', score: 1 },
      { slug: 'r', title: 'R' },
    ])
    expect(rows.map(({ slug }) => slug)).toEqual(['p', 'q', 'r'])
  })

  it('createMany has no limit of parameters', async () => {
    const rows = await at.alice.createMany(
      Array.from({ length: 2_500 }, (_row, index) => ({
        slug: `n${index}`,
        title: `${index}`,
        score: index,
      })),
    )
    expect(rows.map(({ score }) => score)).toEqual(rows.map((_row, index) => index))
    expect(at.executor.statements).toHaveLength(3)
  })

  it('update changes the given fields of the tenant’s row', async () => {
    expect(await at.alice.update(id(), { title: 'new', score: null })).toMatchObject({
      title: 'new',
      score: null,
    })
    expect(only(at.executor)).toMatchObject({
      text: `update "notes" set "title" = $1, "score" = $2 where "notes"."owner_id" = $3 and "notes"."id" = $4 and "notes"."deleted_at" is null${gated(5)} returning ${COLUMNS}`,
      params: params('new', null, ALICE, id()),
    })
    expect((await theirRows()).items).toEqual(at.theirs)
  })

  it('update with a condition changes the row only while it matches, and says what else is the matter', async () => {
    const finish = (key: string) =>
      at.alice.update(key, { status: 'done' }, { where: { status: 'draft', score: { in: [0, 1] } } })
    expect(await finish(id())).toMatchObject({ id: id(), status: 'done' })
    expect(only(at.executor)).toMatchObject({
      text: `update "notes" set "status" = $1 where "notes"."owner_id" = $2 and "notes"."id" = $3 and ("notes"."score" = any($4::integer[]) and "notes"."status" = $5) and "notes"."deleted_at" is null${gated(6)} returning ${COLUMNS}`,
      gated: gate !== null,
    })
    await expect(finish(id())).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION', table: 'notes' })
    await expect(finish(theirId())).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await at.alice.remove(id())
    await expect(finish(id())).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    // The shape without a condition is another one.
    const [, second] = at.mine
    expect(await at.alice.update(second?.id ?? '', { status: 'done' })).toMatchObject({ status: 'done' })
    const wrong: object = { were: { status: 'draft' } }
    await expect(at.alice.update(id(), { title: 'x' }, wrong)).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
    })
  })

  it('upsert finds the row by a key with the tenant, and overwrites only what was declared and given', async () => {
    const row = await at.alice.upsert({ slug: 'a', title: 'again', status: 'done' })
    expect(row).toMatchObject({ id: id(), title: 'again', status: 'draft', score: 0 })
    expect(only(at.executor)).toMatchObject({
      text: `insert into "notes" ("owner_id", "slug", "title", "status") select $1::uuid, $2::varchar, $3::text, $4::text${gated(5, ' where ')} on conflict ("owner_id", "slug") do update set "title" = excluded."title", "deleted_at" = null where "notes"."owner_id" = $${next(5)} returning ${COLUMNS}`,
    })
    expect((await theirRows()).items).toEqual(at.theirs)
    expect(await at.alice.upsert({ slug: 'fresh', title: 'F' })).toMatchObject({
      slug: 'fresh',
      ownerId: ALICE,
    })
  })

  it('upsert restores a removed row', async () => {
    await at.alice.remove(id())
    expect(await at.alice.upsert({ slug: 'a', title: 'back' })).toMatchObject({ id: id(), deletedAt: null })
  })

  it('remove marks the row, restore brings it back; removed rows are unseen unless asked for', async () => {
    const removed = await at.alice.remove(id())
    expect(removed.deletedAt).toBeInstanceOf(Date)
    expect(only(at.executor)).toMatchObject({
      text: `update "notes" set "deleted_at" = now() where "notes"."owner_id" = $1 and "notes"."id" = $2 and "notes"."deleted_at" is null${gated(3)} returning ${COLUMNS}`,
    })
    await expect(at.alice.get(id())).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await expect(at.alice.update(id(), { title: 'x' })).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await expect(at.alice.remove(id())).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    expect(await at.alice.count()).toBe(2)
    expect(await at.alice.count({ withDeleted: true })).toBe(3)
    expect(await at.alice.get(id(), { withDeleted: true })).toEqual(removed)
    expect(await at.alice.restore(id())).toEqual(at.mine[0])
    await expect(at.alice.restore(id())).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  })

  it('stream reads every row of the tenant once, in batches', async () => {
    const slugs: string[] = []
    for await (const row of at.alice.stream({ batch: 1, sort: [{ score: 'desc nulls last' }] }))
      slugs.push(row.slug)
    expect(slugs).toEqual(['c', 'b', 'a'])
    expect(at.executor.statements).toHaveLength(3)
  })

  it('a verb’s statement gets tenant and gate, and its rows their types', async () => {
    expect(await at.alice.rename('A', 'renamed')).toEqual([{ id: id(), length: 7 }])
    expect(only(at.executor)).toMatchObject({ gated: gate !== null })
    expect((await theirRows()).items).toEqual(at.theirs)
  })

  it('another tenant’s row gives the same error as a missing one, whatever is done to it', async () => {
    const outcome = (call: Promise<unknown>) =>
      call.then(
        () => 'done',
        (error: Error) => JSON.stringify(error),
      )
    for (const call of [
      (key: string) => at.alice.get(key),
      (key: string) => at.alice.get(key, { withDeleted: true }),
      (key: string) => at.alice.update(key, { title: 'mine now' }),
      (key: string) => at.alice.remove(key),
      (key: string) => at.alice.restore(key),
    ]) {
      const refused = await outcome(call(theirId()))
      expect(refused).toContain('TENANTRY_NOT_FOUND')
      expect(refused).toBe(await outcome(call(MISSING)))
    }
    expect(await at.alice.find({ where: { id: theirId() } })).toBeNull()
    expect((await theirRows()).items).toEqual(at.theirs)
  })

  it('asking for another tenant’s column value finds nothing', async () => {
    expect(await at.alice.count({ where: { ownerId: BOB } })).toBe(0)
    expect(await at.alice.count({ where: { or: [{ ownerId: BOB }, { slug: 'a' }] } })).toBe(1)
    expect(await at.alice.count({ where: { not: { ownerId: ALICE } } })).toBe(0)
  })
})
