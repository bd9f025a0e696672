/** The research cache: found by what is asked and not by how, forgotten in time, filled once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ContentDatabase, contentDatabase, deferred, team } from './support/content.ts'

let place: ContentDatabase
beforeAll(async () => {
  place = await contentDatabase()
})
afterAll(() => place?.close())

const expire = (organization: string) =>
  place.rows('update tavily_research_cache set cached_until = now() where organization_id = $1', [
    organization,
  ])

describe('an entry', () => {
  test('is found by its query in any case and with any space, by its own organization, until it expires', async () => {
    const acme = await team(place.content)
    const bolt = await team(place.content)
    const kept = await acme.scope.research.remember({
      query: '  Best   Running\tShoes ',
      results: [1, { a: null }],
      sourceCount: 3,
    })
    expect(kept).toMatchObject({
      researchQuery: 'best running shoes',
      researchResults: [1, { a: null }],
      sourceCount: 3,
    })
    expect(await acme.scope.research.lookup('BEST running\n shoes')).toEqual(kept)
    expect(await acme.service.research.lookup('best running shoes')).toEqual(kept)
    expect(await bolt.scope.research.lookup('best running shoes')).toBeNull()
    const [left] = await place.rows<{ hours: number }>(
      'select round(extract(epoch from cached_until - now()) / 3600)::int as hours from tavily_research_cache where id = $1',
      [kept.id],
    )
    expect(left).toEqual({ hours: 24 })
    await expire(acme.organization.id)
    expect(await acme.scope.research.lookup('best running shoes')).toBeNull()
    expect(
      await acme.scope.research.remember({ query: 'Best running shoes', results: [2], hours: 1 }),
    ).toMatchObject({ id: kept.id })
    expect(await acme.scope.research.forget('best RUNNING shoes')).toBe(true)
    expect(await acme.scope.research.forget('best running shoes')).toBe(false)
  })

  test('has one key whoever writes it', async () => {
    const acme = await team(place.content)
    const insert = (query: string) =>
      place.rowsAs(
        acme.principal,
        `insert into tavily_research_cache (organization_id, research_query, research_results, cached_until)
         values ($1, $2, '[]', now() + interval '1 hour')`,
        [acme.organization.id, query],
      )
    await insert(' Raw  SQL ')
    await expect(insert('raw sql')).rejects.toMatchObject({ code: 'TENANTRY_UNIQUE' })
    await expect(insert(' \n ')).rejects.toMatchObject({ code: 'TENANTRY_CHECK' })
    expect(await acme.scope.research.lookup('RAW SQL')).not.toBeNull()
  })
})

describe('cached', () => {
  test('asks when nothing is known, and again when it has expired', async () => {
    const acme = await team(place.content)
    let asked = 0
    const ask = async () => ({ results: { answer: ++asked }, sourceCount: 1 })
    const { research } = acme.scope
    expect(await research.cached('Query', ask)).toEqual({ answer: 1 })
    expect(await research.cached(' query ', ask)).toEqual({ answer: 1 })
    await expire(acme.organization.id)
    expect(await research.cached('query', ask)).toEqual({ answer: 2 })
    expect(await research.lookup('query')).toMatchObject({ fillToken: null, sourceCount: 1 })
  })

  test('of twenty callers one asks, and all get its answer', async () => {
    const acme = await team(place.content)
    let asked = 0
    const asking = deferred<void>()
    const answer = deferred<void>()
    const call = () =>
      acme.scope.research.cached('the same', async () => {
        asked += 1
        asking.resolve()
        await answer.promise
        return { results: ['one answer'] }
      })
    const first = call()
    await asking.promise
    const others = Array.from({ length: 19 }, call)
    // Each of the others has looked and tried by the time that as many later questions are answered, twice.
    for (let round = 1; round <= 2; round += 1) {
      const looks = await Promise.all(others.map(() => acme.scope.research.lookup('the same')))
      // Nobody has a hit while it is being filled.
      expect(looks.every((hit) => hit === null)).toBe(true)
    }
    expect(asked).toBe(1)
    answer.resolve()
    expect(await Promise.all([first, ...others])).toEqual(Array.from({ length: 20 }, () => ['one answer']))
    expect(asked).toBe(1)
  })

  test('leaves the asking to the next one when it failed, at once', async () => {
    const acme = await team(place.content)
    const { research } = acme.scope
    await expect(research.cached('down', () => Promise.reject(new Error('service is down')))).rejects.toThrow(
      'service is down',
    )
    expect(await research.cached('down', async () => ({ results: 'up' }), { leaseSeconds: 3600 })).toBe('up')
  })

  test('is taken over when it takes too long, and the late answer doesn’t overwrite', async () => {
    const acme = await team(place.content)
    const { research } = acme.scope
    const slow = deferred<{ results: string }>()
    const taken = deferred<void>()
    const late = research.cached('slow', () => {
      taken.resolve()
      return slow.promise
    })
    await taken.promise
    await place.rows(`update tavily_research_cache set fill_until = now() where organization_id = $1`, [
      acme.organization.id,
    ])
    expect(await research.cached('slow', async () => ({ results: 'quick' }))).toBe('quick')
    slow.resolve({ results: 'late' })
    expect(await late).toBe('late')
    expect(await research.cached('slow', () => Promise.reject(new Error('not asked')))).toBe('quick')
  })

  test.each([
    ['a blank query', ' ', {}, 'query'],
    ['a time below zero', 'q', { hours: -1 }, 'hours'],
    ['an unknown option', 'q', { ttl: 1 }, 'ttl'],
  ])('refuses %s and asks nobody', async (_what, query, options, path) => {
    const acme = await team(place.content)
    await expect(
      acme.scope.research.cached(query, () => Promise.reject(new Error('asked')), options as object),
    ).rejects.toMatchObject({ issues: [{ path }] })
    expect(await acme.scope.research.count()).toBe(0)
  })
})
