import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  customer,
  type Customer,
  NOBODY,
  type PilotDatabase,
  pilotDatabase,
  topicOf,
} from './support/pilot.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
})
afterAll(() => place?.close())

const add = {
  rawTopics: ({ scope }: Customer, content: string) =>
    scope.rawTopics.discover({ source: 'manual', content }),
  topics: (of: Customer, content: string) => topicOf(of, content),
}
const TABLES = { rawTopics: 'raw_topics', topics: 'classified_topics' }
const FUNCTIONS = { rawTopics: 'search_raw_topics', topics: 'search_classified_topics' }

describe.each(['rawTopics', 'topics'] as const)('searching %s', (repository) => {
  async function setup(...contents: string[]) {
    const [ann, ben] = [await customer(place.pilot), await customer(place.pilot)]
    for (const content of contents) await add[repository](ann, content)
    await add[repository](ben, 'Engineers are theirs, engineers')
    return { ann, ben }
  }
  const contents = (found: readonly { readonly content: string }[]) => found.map(({ content }) => content)

  test('finds words in their forms, best first, with their rank, as customer and as service role', async () => {
    const { ann } = await setup('One engineer and much else', 'Engineers hire engineers', 'Nothing of it')
    const found = await ann.scope[repository].search('engineering')
    expect(contents(found)).toEqual(['Engineers hire engineers', 'One engineer and much else'])
    expect(found[0]?.rank).toBeGreaterThan(found[1]?.rank ?? 0)
    expect(found[0]).toMatchObject({ userId: ann.userId })
    expect(await ann.service[repository].search('engineering')).toEqual(found)
    expect(await ann.scope[repository].search('engineering', { limit: 1 })).toEqual(found.slice(0, 1))
    expect(await ann.service[repository].search('engineering', { limit: 1 })).toEqual(found.slice(0, 1))
    await ann.scope.transaction(async (scope) => {
      expect(await scope[repository].search('engineering')).toEqual(found)
    })
  })

  test('takes phrases, alternatives and exclusions, and nothing breaks it', async () => {
    const { ann } = await setup('the first engineer', 'engineer the first', 'a designer')
    const search = async (query: string) => contents(await ann.scope[repository].search(query)).toSorted()
    expect(await search('"first engineer"')).toEqual(['the first engineer'])
    expect(await search('designer or "first engineer"')).toEqual(['a designer', 'the first engineer'])
    expect(await search('engineer -first')).toEqual([])
    for (const text of [
      '',
      '   ',
      'the',
      `'; drop table users; --`,
      '"',
      '!!& | <->',
      '$1',
      '\\',
      '$statement$',
    ]) {
      expect(await search(text), text).toEqual([])
    }
  })

  test('never finds another customer’s, by raw SQL either; without a context it finds nothing', async () => {
    const { ann, ben } = await setup('engineers')
    const call = `select id from tenantry.${FUNCTIONS[repository]}('engineers', 100)`
    for (const { userId, scope } of [ann, ben]) {
      const own = await place.rows(`select id from ${TABLES[repository]} where user_id = $1`, [userId])
      expect(own).toHaveLength(1)
      expect(await place.rowsAs(userId, call)).toEqual(own)
      expect(await scope[repository].search('engineers')).toMatchObject(own)
    }
    for (const context of [null, '', 'not-a-uuid', `${ann.userId}'`, NOBODY]) {
      expect(await place.rowsIn('tenantry_tenant', context, call)).toEqual([])
    }
    await expect(place.rowsIn('tenantry_service', ann.userId, call)).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
  })
})
