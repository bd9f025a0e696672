import { encodeCursor } from '@tenantry/core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineRepository, type Direction, type Sort } from '../src/index.ts'
import { ALICE, BOB, setup, type Setup } from './support/setup.ts'
import { notes, samples } from './support/tables.ts'

let world: Setup
beforeAll(async () => {
  world = await setup()
})
afterAll(() => world.close())

const sampleRepository = defineRepository(samples, { tenant: 'ownerId' })
const noteRepository = defineRepository(notes, { tenant: 'ownerId', softDelete: 'deletedAt' })

const DIRECTIONS: readonly Direction[] = [
  'asc',
  'desc',
  'asc nulls first',
  'asc nulls last',
  'desc nulls first',
  'desc nulls last',
]
const few = <V>(...values: V[]) => fc.constantFrom<V | null>(...values, null)

/** Few values and many nulls, so that most rows tie on most columns. */
const row = fc.record({
  rank: fc.constantFrom(1, 2),
  kind: fc.constantFrom('a', 'B', 'é'),
  small: few(1, 2),
  big: few(9_007_199_254_740_993n, 9_007_199_254_740_994n),
  amount: few('10.50', '9.10'),
  ratio: few(0.1, -1e300),
  flag: few(true, false),
  letter: few('AA', 'b '),
  mood: few<'calm' | 'angry'>('calm', 'angry'),
  at: few('2026-02-09 10:30:00.123456+00', '2026-02-09 10:30:00.123457+00', '2026-02-09 10:30:00.123+00'),
})
const column = fc.constantFrom(
  'rank',
  'kind',
  'small',
  'big',
  'amount',
  'ratio',
  'flag',
  'letter',
  'mood',
  'at',
)
const sortBy = (columns: fc.Arbitrary<string>): fc.Arbitrary<Sort<typeof samples>> =>
  fc
    .uniqueArray(fc.tuple(columns, fc.constantFrom(...DIRECTIONS)), {
      selector: ([name]) => name,
      maxLength: 4,
    })
    .map((terms) => terms.map(([name, direction]) => ({ [name]: direction })))
/** Columns that are never null take another path: half of the sorts are by them alone. */
const sort = fc.oneof(sortBy(column), sortBy(fc.constantFrom('rank', 'kind')))

const COLUMN_NAMES = {
  rank: 'rank',
  kind: 'kind',
  small: 'small',
  big: 'big',
  amount: 'amount',
  ratio: 'ratio',
  flag: 'flag',
  letter: 'letter',
  mood: 'mood',
  at: 'at',
}

/** The order that PostgreSQL itself gives, written down independently of the library. */
async function sortedWhole(terms: Sort<typeof samples>): Promise<string[]> {
  const order = terms
    .flatMap((term) => Object.entries(term))
    .map(([name, direction]) => `${Reflect.get(COLUMN_NAMES, name)} ${direction}`)
  const last = terms.at(-1)
  const tie =
    last !== undefined && Object.values(last).some((direction) => direction?.startsWith('desc'))
      ? 'desc'
      : 'asc'
  const { rows } = await world.database.driver.query({
    text: `select id from samples where owner_id = '${ALICE}' order by ${[...order, `id ${tie}`].join(', ')}`,
    params: [],
  })
  return rows.map(([id]) => String(id))
}

describe('keyset pages', () => {
  it('law: for any rows, sort and page size, the pages in a row are the sorted whole', async () => {
    const mine = sampleRepository.bind(world.as(ALICE))
    const theirs = sampleRepository.bind(world.as(BOB))
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 25 }),
        fc.array(sort, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 7 }),
        async (rows, sorts, limit) => {
          await world.database.driver.query({ text: 'truncate samples', params: [] })
          await mine.createMany(rows)
          await theirs.createMany(rows)
          for (const terms of sorts) {
            const paged: string[] = []
            let cursor: string | null = null
            do {
              const page: Awaited<ReturnType<typeof mine.list>> = await mine.list({
                sort: terms,
                limit,
                cursor,
              })
              paged.push(...page.items.map(({ id }) => id))
              cursor = page.nextCursor
              if (cursor !== null) expect(page.items).toHaveLength(limit)
            } while (cursor !== null)
            const whole = await sortedWhole(terms)
            expect(paged).toEqual(whole)
            const streamed: string[] = []
            for await (const { id } of mine.stream({ sort: terms, batch: limit })) streamed.push(id)
            expect(streamed).toEqual(whole)
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  it('keep microseconds that a JavaScript Date has lost', async () => {
    const repo = noteRepository.bind(world.as(ALICE))
    for (let microsecond = 0; microsecond < 6; microsecond++) {
      await world.database.driver.query({
        text: 'insert into notes (owner_id, slug, title, created_at) values ($1, $2, $3, $4)',
        params: [ALICE, `m${microsecond}`, 't', `2026-02-09 10:30:00.12300${microsecond}+00`],
      })
    }
    const slugs: string[] = []
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof repo.list>> = await repo.list({
        sort: [{ createdAt: 'desc' }],
        limit: 2,
        cursor,
      })
      slugs.push(...page.items.map(({ slug }) => slug))
      cursor = page.nextCursor
    } while (cursor !== null)
    expect(slugs).toEqual(['m5', 'm4', 'm3', 'm2', 'm1', 'm0'])
  })

  it('neither skip nor repeat a row when others come and go between pages', async () => {
    const repo = noteRepository.bind(world.as(BOB))
    const rows = await repo.createMany(['a', 'c', 'e', 'g'].map((slug) => ({ slug, title: slug })))
    const first = await repo.list({ sort: [{ slug: 'asc' }], limit: 2 })
    await repo.createMany(['b', 'd'].map((slug) => ({ slug, title: slug })))
    await repo.remove(rows[1]?.id ?? '')
    const second = await repo.list({ sort: [{ slug: 'asc' }], limit: 10, cursor: first.nextCursor })
    expect(second.items.map(({ slug }) => slug)).toEqual(['d', 'e', 'g'])
  })

  it('are served by one range of an index', async () => {
    await world.database.driver.query({
      text: `insert into notes (owner_id, slug, title, created_at) select $1, 'bulk' || n, 't', now() + n * interval '1 second' from generate_series(1, 5000) n`,
      params: [ALICE],
    })
    await world.database.driver.query({ text: 'analyze notes', params: [] })
    const executor = world.as(ALICE)
    const repo = noteRepository.bind(executor)
    const first = await repo.list({ sort: [{ createdAt: 'desc' }] })
    await repo.list({ sort: [{ createdAt: 'desc' }], cursor: first.nextCursor })
    const statement = executor.statements.at(-1)
    const plan = await world.database.driver.query({
      text: `explain ${statement?.text}`,
      params: statement?.params ?? [],
    })
    const text = plan.rows.flat().join('\n')
    expect(text).toMatch(/Index Scan Backward/)
    expect(text).toMatch(/Index Cond: .*ROW\(/)
    expect(text).not.toMatch(/Sort/)
  })
})

describe('a cursor', () => {
  const listing = { where: { status: 'draft' }, sort: [{ title: 'asc' }], limit: 1 } as const
  const cursorOf = async () => {
    const page = await noteRepository.bind(world.as(ALICE)).list(listing)
    return page.nextCursor ?? ''
  }

  it('is refused with another filter, filter value, sort, visibility or tenant', async () => {
    const cursor = await cursorOf()
    const repo = noteRepository.bind(world.as(ALICE))
    expect(await repo.list({ ...listing, limit: 5, cursor })).toBeDefined()
    for (const other of [
      { ...listing, where: {} },
      { ...listing, where: { status: 'done' } },
      { ...listing, where: { status: { ne: 'draft' } } },
      { ...listing, sort: [{ title: 'desc' }] },
      { ...listing, sort: [{ title: 'asc' }, { score: 'asc' }] },
      { ...listing, withDeleted: true },
    ] as const) {
      await expect(repo.list({ ...other, cursor })).rejects.toMatchObject({ code: 'TENANTRY_CURSOR' })
    }
    await expect(noteRepository.bind(world.as(BOB)).list({ ...listing, cursor })).rejects.toMatchObject({
      code: 'TENANTRY_CURSOR',
    })
  })

  it('is refused when forged: a holder could compute the checksum', async () => {
    const query = JSON.stringify(['notes', ALICE, 'live', 'title+l,id+l', 'status eq', ['draft']])
    const forge = (values: (string | null)[]) => encodeCursor({ query, values })
    const repo = noteRepository.bind(world.as(ALICE))
    expect(await repo.list({ ...listing, cursor: forge(['', ALICE]) })).toBeDefined()
    for (const values of [
      ['a', 'nonsense'],
      ['a', null],
      ['a'],
      ['a', ALICE, 'b'],
      ["'; drop table notes --", '1'],
    ]) {
      await expect(repo.list({ ...listing, cursor: forge(values) })).rejects.toMatchObject({
        code: 'TENANTRY_CURSOR',
      })
    }
  })

  it('is refused when altered, before anything runs', async () => {
    const cursor = await cursorOf()
    const executor = world.as(ALICE)
    for (const altered of [
      `${cursor}x`,
      cursor.slice(1),
      cursor.slice(0, -1),
      cursor.toUpperCase(),
      '',
      'null',
      '💥',
    ]) {
      await expect(noteRepository.bind(executor).list({ ...listing, cursor: altered })).rejects.toMatchObject(
        {
          code: 'TENANTRY_CURSOR',
        },
      )
    }
    expect(executor.statements).toEqual([])
  })
})
