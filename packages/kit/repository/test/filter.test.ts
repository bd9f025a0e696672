import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defineRepository, type Where } from '../src/index.ts'
import { ALICE, BOB, setup, type Setup } from './support/setup.ts'
import { notes, samples } from './support/tables.ts'

const definition = defineRepository(notes, { tenant: 'ownerId', softDelete: 'deletedAt' })
const sampleDefinition = defineRepository(samples, { tenant: 'ownerId' })

let world: Setup
const rows = [
  { slug: 'a', title: '100% sure', status: 'draft', score: 1 },
  { slug: 'b', title: 'a_b', status: 'draft', score: null },
  { slug: 'c', title: 'back\\slash', status: 'done', score: 3 },
  { slug: 'd', title: 'plain', status: 'done', score: 2 },
] as const

beforeAll(async () => {
  world = await setup()
  for (const tenant of [ALICE, BOB]) await definition.bind(world.as(tenant)).createMany(rows)
})
afterAll(() => world.close())

async function found(where: Where<typeof notes>): Promise<string> {
  const { items } = await definition.bind(world.as(ALICE)).list({ where, sort: [{ slug: 'asc' }] })
  return items.map(({ slug }) => slug).join('')
}

describe('filters', () => {
  it.each<[string, Where<typeof notes>, string]>([
    ['a value', { slug: 'a' }, 'a'],
    ['null', { score: null }, 'b'],
    ['not null', { score: { ne: null } }, 'acd'],
    ['another value: nulls are other values too', { score: { ne: 1 } }, 'bcd'],
    ['a range', { score: { gt: 1, lte: 3 } }, 'cd'],
    ['one of several', { slug: { in: ['a', 'd', 'x'] } }, 'ad'],
    ['none of several: nulls are none of them', { score: { notIn: [1, 2] } }, 'bc'],
    ['one of none', { slug: { in: [] } }, ''],
    ['none of none', { slug: { notIn: [] } }, 'abcd'],
    ['a percent sign, literally', { title: { contains: '%' } }, 'a'],
    ['an underscore, literally', { title: { contains: '_' } }, 'b'],
    ['a backslash, literally', { title: { contains: '\\' } }, 'c'],
    ['a beginning', { title: { startsWith: '100%' } }, 'a'],
    ['an end', { title: { endsWith: 'n' } }, 'd'],
    ['two fields', { status: 'done', score: 3 }, 'c'],
    ['either of two', { or: [{ slug: 'a' }, { score: 3 }] }, 'ac'],
    ['none of an empty list of choices', { or: [] }, ''],
    ['all of an empty list', { and: [] }, 'abcd'],
    ['a date', { createdAt: { lt: new Date('2000-01-01') } }, ''],
    ['an undefined field, which is not asked about', { slug: undefined, score: { gt: undefined } }, 'abcd'],
  ])('by %s', async (_, where, slugs) => {
    expect(await found(where)).toBe(slugs)
  })

  it('an empty list of values asks the server nothing', async () => {
    const executor = world.as(ALICE)
    const repo = definition.bind(executor)
    const where = { slug: { in: [] }, status: 'draft' } as const
    expect(await repo.list({ where })).toEqual({ items: [], nextCursor: null })
    expect(await repo.count({ where })).toBe(0)
    expect(await repo.exists({ where })).toBe(false)
    expect(await repo.find({ where })).toBeNull()
    expect(executor.statements).toEqual([])
  })

  it('law: a filter and its negation split the rows, with and without nulls', async () => {
    const leaf: fc.Arbitrary<Where<typeof notes>> = fc.oneof(
      fc.constantFrom(1, 2, 3, null).map((score) => ({ score })),
      fc
        .constantFrom(1, 2, 3)
        .chain((value) =>
          fc.constantFrom('lt', 'gte', 'ne').map((operator) => ({ score: { [operator]: value } })),
        ),
      fc
        .subarray([1, 2, 3])
        .chain((values) =>
          fc.constantFrom('in', 'notIn').map((operator) => ({ score: { [operator]: values } })),
        ),
      fc.constantFrom<Where<typeof notes>>({ status: 'draft' }, {}),
    )
    const filter = fc.letrec<{ node: Where<typeof notes> }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        leaf,
        fc.array(tie('node'), { maxLength: 3 }).map((and) => ({ and })),
        fc.array(tie('node'), { maxLength: 3 }).map((or) => ({ or })),
        tie('node').map((not) => ({ not })),
      ),
    })).node
    await fc.assert(
      fc.asyncProperty(filter, async (where) => {
        const [matching, others] = [await found(where), await found({ not: where })]
        expect([...matching, ...others].sort().join('')).toBe('abcd')
      }),
      { numRuns: 80 },
    )
  })
})

describe('a filter is refused before anything runs, with the field named', () => {
  // As a request body would give it: the types don't hold there.
  it.each<[string, unknown, string]>([
    ['an unknown field', { colour: 'red' }, 'where.colour'],
    ['a column’s name in the database', { owner_id: ALICE }, 'where.owner_id'],
    ['an unknown operator', { score: { near: 3 } }, 'where.score.near'],
    ['SQL as an operator', { score: { '= 1 or 1 = 1 --': 1 } }, 'where.score.= 1 or 1 = 1 --'],
    ['a malformed id', { id: 'nonsense' }, 'where.id'],
    ['a text for a number', { score: { gt: '3' } }, 'where.score.gt'],
    ['a number out of range', { score: 3_000_000_000 }, 'where.score'],
    ['a value outside an enumeration', { status: 'lost' }, 'where.status'],
    ['null where a range is asked', { score: { lt: null } }, 'where.score.lt'],
    ['null within a list', { score: { in: [1, null] } }, 'where.score.in.1'],
    ['text search in a number', { score: { contains: '1' } }, 'where.score.contains'],
    ['NUL in a pattern', { title: { contains: '\0' } }, 'where.title.contains'],
    ['no object', 'slug = 1', 'where'],
    ['no list', { or: { slug: 'a' } }, 'where.or'],
    ['prototype pollution', JSON.parse('{"__proto__": {"slug": "a"}}'), 'where.__proto__'],
    ['endless nesting', nested(20), 'where.not.not.not.not.not.not.not.not.not'],
    ['endless conditions', { or: Array.from({ length: 101 }, () => ({ slug: 'a' })) }, 'where.or.100.slug'],
  ])('%s', async (_, where, path) => {
    const executor = world.as(ALICE)
    const call = definition.bind(executor).list({ where: where as Where<typeof notes> })
    await expect(call).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION', issues: [{ path }] })
    expect(executor.statements).toEqual([])
  })

  it('a comparison of json, a list or a vector', async () => {
    const repo = sampleDefinition.bind(world.as(ALICE))
    for (const where of [{ payload: 1 }, { tags: ['a'] }, { embedding: { eq: [1, 2, 3] } }]) {
      await expect(repo.list({ where: where as Where<typeof samples> })).rejects.toMatchObject({
        code: 'TENANTRY_VALIDATION',
      })
    }
    expect(await repo.count({ where: { payload: null, tags: { eq: null } } })).toBe(0)
  })
})

function nested(depth: number): unknown {
  return depth === 0 ? {} : { not: nested(depth - 1) }
}
