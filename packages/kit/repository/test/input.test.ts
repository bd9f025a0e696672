import { ValidationError } from '@tenantry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineRepository, type ListOptions } from '../src/index.ts'
import { ALICE, BOB, setup, type Setup } from './support/setup.ts'
import { entries, notes, samples } from './support/tables.ts'

const noteDefinition = defineRepository(notes, {
  tenant: 'ownerId',
  softDelete: 'deletedAt',
  upsert: { on: ['slug'], set: ['title'] },
  readOnly: ['dueAt'],
})
const sampleDefinition = defineRepository(samples, { tenant: 'ownerId' })
const entryDefinition = defineRepository(entries, { tenant: 'accountId', key: ['number'] })
const ID = '00000000-0000-4000-8000-0000000000ff'

let world: Setup
beforeAll(async () => {
  world = await setup()
})
afterAll(() => world.close())

/** What a request body may hold, past the types. */
const unchecked = <T>(value: unknown): T => value as T

/** The fields that a refused call names. Rejects when it was accepted, or anything was run. */
async function refusal(call: (executor: ReturnType<Setup['as']>) => Promise<unknown>): Promise<string[]> {
  const { issues } = await refusedWith(call)
  return issues.map(({ path }) => path)
}

async function refusedWith(
  call: (executor: ReturnType<Setup['as']>) => Promise<unknown>,
): Promise<ValidationError> {
  const executor = world.as(ALICE)
  const error: unknown = await call(executor).catch((thrown: unknown) => thrown)
  if (!(error instanceof ValidationError))
    throw new Error('accepted, or refused with another error', { cause: error })
  if (executor.statements.length > 0) throw new Error('refused, but only after a statement')
  return error
}

describe('bad input is refused before anything runs, with each field named', () => {
  it.each<[string, unknown, string[]]>([
    ['a missing field', { slug: 'a' }, ['title']],
    ['several faults at once', { slug: 7, title: null }, ['slug', 'title']],
    ['an unknown field', { slug: 'a', title: 't', colour: 'red' }, ['colour']],
    ['another tenant', { slug: 'a', title: 't', ownerId: BOB }, ['ownerId']],
    ['an id of the client’s choice', { slug: 'a', title: 't', id: ID }, ['id']],
    ['a creation time', { slug: 'a', title: 't', createdAt: new Date() }, ['createdAt']],
    ['a removal', { slug: 'a', title: 't', deletedAt: null }, ['deletedAt']],
    ['a generated column', { slug: 'a', title: 't', titleLength: 1 }, ['titleLength']],
    ['a column declared read-only', { slug: 'a', title: 't', dueAt: new Date() }, ['dueAt']],
    ['over-long text', { slug: 'x'.repeat(21), title: 't' }, ['slug']],
    ['NUL', { slug: 'a', title: 'a\0b' }, ['title']],
    ['half a character', { slug: 'a', title: '\ud83d' }, ['title']],
    ['a value outside an enumeration', { slug: 'a', title: 't', status: 'lost' }, ['status']],
    ['a fraction for an integer', { slug: 'a', title: 't', score: 1.5 }, ['score']],
    ['an integer out of range', { slug: 'a', title: 't', score: 2 ** 31 }, ['score']],
    ['null for a field that has a default', { slug: 'a', title: 't', status: null }, ['status']],
    ['no object', 'x', ['']],
    ['a list', [], ['']],
  ])('%s', async (_, input, paths) => {
    expect(await refusal((executor) => noteDefinition.bind(executor).create(unchecked(input)))).toEqual(paths)
    expect(await refusal((executor) => noteDefinition.bind(executor).upsert(unchecked(input)))).toEqual(paths)
    expect(
      await refusal((executor) =>
        noteDefinition.bind(executor).createMany([{ slug: 'ok', title: 'ok' }, unchecked(input)]),
      ),
    ).toEqual(paths.map((path) => ['items.1', path].filter((part) => part !== '').join('.')))
  })

  it.each<[string, unknown, string[]]>([
    ['nothing to change', {}, ['']],
    ['only undefined fields', { title: undefined }, ['']],
    ['another tenant', { ownerId: BOB }, ['ownerId']],
    ['the id', { id: ID }, ['id']],
    ['null for a column that must have a value', { title: null }, ['title']],
  ])('a change: %s', async (_, patch, paths) => {
    expect(await refusal((executor) => noteDefinition.bind(executor).update(ID, unchecked(patch)))).toEqual(
      paths,
    )
  })

  it.each<[string, object]>([
    ['a vector of another dimension', { embedding: [1, 2] }],
    ['a vector with a number that it cannot hold', { embedding: [1, 2, 1e39] }],
    ['a vector with NaN', { embedding: [1, 2, Number.NaN] }],
    ['a function as json', { payload: () => 1 }],
    ['undefined within json', { payload: { a: [undefined] } }],
    ['NUL within json', { payload: { a: 'x\0' } }],
    ['NUL in a name within json', { payload: { 'x\0': 1 } }],
    ['an infinite number as json', { payload: { a: Number.POSITIVE_INFINITY } }],
    ['a cycle as json', { payload: cycle() }],
    ['a date within json', { payload: { at: new Date() } }],
    ['a decimal with too many digits', { amount: '123456789.00' }],
    ['a decimal that is none', { amount: '1,5' }],
    ['an int8 out of range', { big: 2n ** 63n }],
    ['an unsafe number', { bigNumber: 2 ** 53 }],
    ['a day that does not exist', { day: '2026-02-30' }],
    ['an invalid date', { local: new Date(Number.NaN) }],
    ['a date beyond year 9999', { dayDate: new Date('+012026-01-01T00:00:00Z') }],
    ['a timestamp in words', { at: 'tomorrow' }],
    ['three letters for two', { letter: 'ABC' }],
    ['an enum’s unknown value', { mood: 'glad' }],
    ['a list with a wrong element', { tags: ['a', 1] }],
    ['NUL in a list', { tags: ['a\0'] }],
  ])('by column type: %s', async (_, input) => {
    const paths = await refusal((executor) => sampleDefinition.bind(executor).create(unchecked(input)))
    // A list names its element too, such as `tags.1`.
    expect(new Set(paths.map((path) => path.split('.')[0]))).toEqual(new Set(Object.keys(input)))
  })

  it('ids: malformed, of the wrong type, incomplete', async () => {
    expect(await refusal((executor) => noteDefinition.bind(executor).get('nonsense'))).toEqual(['id'])
    expect(await refusal((executor) => noteDefinition.bind(executor).remove(unchecked(undefined)))).toEqual([
      'id',
    ])
    expect(
      await refusal((executor) => noteDefinition.bind(executor).update("' or true --", { title: 't' })),
    ).toEqual(['id'])
    expect(await refusal((executor) => entryDefinition.bind(executor).get(unchecked('1')))).toEqual([
      'number',
    ])
  })

  it('options: out of range, misspelt, unknown columns', async () => {
    const list = (options: object) => (executor: ReturnType<Setup['as']>) =>
      noteDefinition.bind(executor).list(unchecked<ListOptions<typeof notes>>(options))
    expect(await refusal(list({ limit: 0 }))).toEqual(['limit'])
    expect(await refusal(list({ limit: 201 }))).toEqual(['limit'])
    expect(await refusal(list({ limit: 1.5 }))).toEqual(['limit'])
    expect(await refusal(list({ were: {} }))).toEqual(['were'])
    expect(await refusal(list({ select: ['slug', 'owner_id'] }))).toEqual(['select.1'])
    expect(await refusal(list({ sort: [{ colour: 'asc' }] }))).toEqual(['sort.0.colour'])
    for (const direction of ['up', 'constructor', null])
      expect(await refusal(list({ sort: [{ title: direction }] }))).toEqual(['sort.0.title'])
    expect(await refusal(list({ select: 'title' }))).toEqual(['select'])
    expect(await refusal(list({ sort: [{ title: 'asc', slug: 'asc' }] }))).toEqual(['sort.0'])
    expect(await refusal(list({ sort: 'title' }))).toEqual(['sort'])
    expect(
      await refusal((executor) => sampleDefinition.bind(executor).list({ sort: [{ payload: 'asc' }] })),
    ).toEqual(['sort.0.payload'])
  })

  it('no value of the input appears in the error', async () => {
    const secret = 'sk-live-secret'
    const input = { slug: 'a', title: 't', status: secret, score: secret }
    const error = await refusedWith((executor) => noteDefinition.bind(executor).create(unchecked(input)))
    expect(JSON.stringify(error)).not.toContain(secret)
    expect(String(error)).not.toContain(secret)
  })
})

describe('length', () => {
  it('is counted in characters, as PostgreSQL counts it', async () => {
    const slug = '😀'.repeat(20)
    expect(await noteDefinition.bind(world.as(ALICE)).create({ slug, title: 't' })).toMatchObject({ slug })
    expect(
      await refusal((executor) => noteDefinition.bind(executor).create({ slug: `${slug}x`, title: 't' })),
    ).toEqual(['slug'])
  })
})

describe('rules of the host', () => {
  const definition = defineRepository(notes, {
    tenant: 'ownerId',
    schema: {
      create: z.looseObject({ title: z.string().trim().min(1, 'Give it a title') }),
      update: z.looseObject({ title: z.string().max(5, 'Too long for us').optional() }),
    },
  })

  it('refuse what the columns would take, and may change what is stored', async () => {
    expect(
      await refusal((executor) => definition.bind(executor).create({ slug: 's', title: '   ' })),
    ).toEqual(['title'])
    expect(await refusal((executor) => definition.bind(executor).update(ID, { title: 'sixsix' }))).toEqual([
      'title',
    ])
    expect(await definition.bind(world.as(ALICE)).create({ slug: 'trim', title: '  t ' })).toMatchObject({
      title: 't',
    })
  })

  it('do not let through what the columns refuse', async () => {
    const careless = defineRepository(notes, {
      tenant: 'ownerId',
      schema: { create: z.looseObject({}).transform((input) => ({ ...input, ownerId: BOB })) },
    })
    expect(await refusal((executor) => careless.bind(executor).create({ slug: 's', title: 't' }))).toEqual([
      'ownerId',
    ])
  })
})

function cycle(): unknown {
  const self: { self?: unknown } = {}
  self.self = self
  return self
}
