import type { Answer } from '@tenantry/core'
import { getTableColumns, sql } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineRepository, nestedRows } from '../src/index.ts'
import { ALICE, setup, type Setup } from './support/setup.ts'
import { samples } from './support/tables.ts'

const definition = defineRepository(samples, { tenant: 'ownerId' })

let world: Setup
beforeAll(async () => {
  world = await setup()
})
afterAll(() => world.close())

const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'))
const instant = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-30'), noInvalidDate: true })
const json = fc
  .jsonValue({ stringUnit: 'grapheme' })
  .filter((value) => !JSON.stringify(value).includes('\\u0000'))
  .map((value): unknown => JSON.parse(JSON.stringify(value)))

/** Exact in float4, in which vectors are stored. */
const eighths = fc.integer({ min: -80, max: 80 }).map((each) => each / 8)

const sample = fc.record(
  {
    small: fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
    big: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    bigNumber: fc.option(fc.maxSafeInteger()),
    amount: fc.option(fc.integer({ min: -999_999, max: 999_999 }).map((cents) => (cents / 100).toFixed(2))),
    amountNumber: fc.option(fc.integer()),
    amountBig: fc.option(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n })),
    ratio: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)),
    flag: fc.option(fc.boolean()),
    letter: fc.option(fc.constantFrom('AB', 'éé', '😀x')),
    day: fc.option(instant.map((value) => value.toISOString().slice(0, 10))),
    dayDate: fc.option(instant.map((value) => new Date(value.toISOString().slice(0, 10)))),
    local: fc.option(instant),
    mood: fc.option(fc.constantFrom('calm' as const, 'angry' as const)),
    payload: json.filter((value) => value !== null),
    tags: fc.option(fc.array(text)),
    flags: fc.option(fc.array(fc.boolean())),
    matrix: fc.option(
      fc.integer({ min: 1, max: 3 }).chain((width) =>
        fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: width, maxLength: width }), {
          minLength: 1,
          maxLength: 3,
        }),
      ),
    ),
    embedding: fc.option(fc.tuple(eighths, eighths, eighths)),
    raw: fc.option(fc.uint8Array().map((value) => Buffer.from(value))),
  },
  { requiredKeys: [] },
)

const INCOMPARABLE = ['payload', 'tags', 'flags', 'matrix', 'embedding']

describe('values', () => {
  it('law: what is created is what is read, by every way of writing, for every column type', async () => {
    const repo = definition.bind(world.as(ALICE))
    await fc.assert(
      fc.asyncProperty(sample, async (input) => {
        const created = await repo.create(input)
        expect(created).toMatchObject(input)
        expect(await repo.get(created.id)).toEqual(created)
        const many = await repo.createMany([input, input])
        for (const row of many) expect(row).toMatchObject(input)
        if (Object.keys(input).length > 0) {
          const blank = await repo.create({ small: 0 })
          expect(await repo.update(blank.id, input)).toMatchObject(input)
        }
      }),
      { numRuns: 80 },
    )
  })

  it('law: a row inside another statement’s row is the row that is read by itself', async () => {
    const repo = definition.bind(world.as(ALICE))
    await fc.assert(
      fc.asyncProperty(sample, async (input) => {
        const created = await repo.create(input)
        const [found] = await repo.statement(
          'nested',
          ({ tenant, value }) => ({
            returns: {
              rows: nestedRows(
                getTableColumns(samples),
                (row) => sql`select ${row} from ${samples}
                  where ${samples.ownerId} = ${tenant} and ${samples.id} = ${value('id', samples.id)}`,
              ),
            },
            query: (columns) => sql`select ${columns}`,
          }),
          { id: created.id },
        )
        expect(found?.rows).toEqual([created])
      }),
      { numRuns: 40 },
    )
  })

  it('rows inside a row are in the order asked for, and none are an empty array', async () => {
    const repo = definition.bind(world.as(ALICE))
    const kind = crypto.randomUUID()
    await repo.createMany([2, 10, 1].map((rank) => ({ rank, kind })))
    const of = async (wanted: string) => {
      const [found] = await repo.statement(
        'ranks',
        ({ tenant, value }) => ({
          returns: {
            rows: nestedRows(
              { rank: samples.rank },
              (row) => sql`select ${row} from ${samples}
                where ${samples.ownerId} = ${tenant} and ${samples.kind} = ${value('kind')}
                order by ${samples.rank} desc`,
            ),
          },
          query: (columns) => sql`select ${columns}`,
        }),
        { kind: wanted },
      )
      return found?.rows
    }
    expect(await of(kind)).toEqual([{ rank: 10 }, { rank: 2 }, { rank: 1 }])
    expect(await of(crypto.randomUUID())).toEqual([])
  })

  it('law: a row is found by each value that it holds', async () => {
    const repo = definition.bind(world.as(ALICE))
    await fc.assert(
      fc.asyncProperty(sample, async (input) => {
        const { id } = await repo.create(input)
        const comparable = Object.fromEntries(
          Object.entries(input).filter(([name]) => !INCOMPARABLE.includes(name)),
        )
        expect(await repo.exists({ where: { id, ...comparable } })).toBe(true)
        const lists = Object.fromEntries(
          Object.entries(comparable).map(([name, value]) => [
            name,
            value === undefined || value === null ? undefined : { in: [value] },
          ]),
        )
        expect(await repo.exists({ where: { id, ...lists } })).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('a json text that looks like json stays a text', async () => {
    const repo = definition.bind(world.as(ALICE))
    for (const payload of ['1', 'null', '{"a":1}', '"quoted"', '']) {
      expect(await repo.create({ payload })).toMatchObject({ payload })
    }
  })

  it('null is NULL, in json too', async () => {
    const { id } = await definition.bind(world.as(ALICE)).create({ payload: null })
    const { rows } = await world.database.driver.query({
      text: 'select payload is null from samples where id = $1',
      params: [id],
    })
    expect(rows).toEqual([[true]])
  })

  it('timestamps as text keep their microseconds', async () => {
    const row = await definition.bind(world.as(ALICE)).create({ at: '2026-02-09T10:30:00.123456Z' })
    expect(row.at).toMatch(/10:30:00\.123456/)
  })

  it('a value that its TypeScript type cannot hold is an error that names the column, not a wrong value', async () => {
    const repo = definition.bind(world.as(ALICE))
    for (const [column, value] of [
      ['local', 'infinity'],
      ['local', '0044-03-15 12:00:00 BC'],
      ['day_date', '-infinity'],
      ['big_number', '9007199254740993'],
    ] as const) {
      const { id } = await repo.create({})
      await world.database.driver.query({
        text: `update samples set ${column} = $1 where id = $2`,
        params: [value, id],
      })
      await expect(repo.get(id)).rejects.toMatchObject({ code: 'TENANTRY_DATABASE', column })
    }
  })
})

describe('an answer that is not whole', () => {
  const empty = { tamper: (answer: Answer): Answer => ({ ...answer, rows: [], count: 0 }) }

  it('never passes for a write, a count or a "no"', async () => {
    const repo = definition.bind(world.as(ALICE, empty))
    await expect(repo.create({ small: 1 })).rejects.toMatchObject({ code: 'TENANTRY_DATABASE' })
    await expect(repo.createMany([{ small: 1 }, { small: 2 }])).rejects.toMatchObject({
      code: 'TENANTRY_DATABASE',
    })
    await expect(repo.count()).rejects.toMatchObject({ code: 'TENANTRY_DATABASE' })
    await expect(repo.exists()).rejects.toMatchObject({ code: 'TENANTRY_DATABASE' })
  })

  it('never passes for a page when rows are missing from it', async () => {
    await definition.bind(world.as(ALICE)).createMany([{ small: 1 }, { small: 2 }])
    const repo = definition.bind(
      world.as(ALICE, { tamper: (answer) => ({ ...answer, rows: answer.rows.slice(1) }) }),
    )
    await expect(repo.list()).rejects.toMatchObject({ code: 'TENANTRY_DATABASE' })
  })
})
