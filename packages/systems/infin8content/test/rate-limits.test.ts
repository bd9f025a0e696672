/** The documented rate_limits: sliding windows whose rows hold their own calls. */
import { connect, NotFoundError } from '@tenantry/core'
import { RateLimitError, WINDOW_LIMIT_MAX } from '@tenantry/limits'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { infin8content } from '../src/index.ts'
import { RATE_LIMIT_MAX } from '../src/types.ts'
import { type ContentDatabase, contentDatabase, team, type Team } from './support/content.ts'

let place: ContentDatabase
beforeAll(async () => {
  place = await contentDatabase()
})
afterAll(() => place?.close())

const limit = ({ service }: Team, key: string, limitCount: number, windowMinutes = 60) =>
  service.rateLimits.upsert({ key, limitCount, windowMinutes })

/** The row as it is stored, and its version: it changes with every write. */
const stored = async ({ organization }: Team) =>
  (
    await place.rows<{ xmin: string; row: string }>(
      'select xmin::text, row(l.*)::text as row from rate_limits l where organization_id = $1',
      [organization.id],
    )
  )[0]

/** As if the calls so far had been made so much earlier. */
const earlier = ({ organization }: Team, span: string) =>
  place.rows(
    `update rate_limits set instants = (select array_agg(i - $2::interval order by i) from unnest(instants) i) where organization_id = $1`,
    [organization.id, span],
  )

describe('a rate limit', () => {
  test('admits what fits in any span of its minutes, says when the next call may come, and keeps its row told', async () => {
    const acme = await team(place.content)
    await limit(acme, 'serp', 3)
    expect(await acme.scope.rateLimits.take({ key: 'serp', amount: 2 })).toMatchObject({
      quota: 3,
      remaining: 1,
    })
    await earlier(acme, '59 minutes 59 seconds')
    await acme.scope.rateLimits.take({ key: 'serp' })
    const refusal: unknown = await acme.scope.rateLimits
      .take({ key: 'serp' })
      .catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(RateLimitError)
    expect(refusal).toMatchObject({ httpStatus: 429, quota: 3, remaining: 0, requested: 1 })
    const { retryAfterMs } = refusal as RateLimitError
    expect(retryAfterMs).toBeGreaterThan(0)
    expect(retryAfterMs).toBeLessThanOrEqual(1000)
    // It slides: what was called an hour ago is past, the third call isn't.
    await earlier(acme, '1 second')
    expect(await acme.scope.rateLimits.status('serp')).toMatchObject({ remaining: 2 })
    await acme.service.rateLimits.take({ key: 'serp' })
    const { items } = await acme.scope.rateLimits.list()
    expect(items).toMatchObject([{ key: 'serp', limitCount: 3, windowMinutes: 60, currentCount: 2 }])
  })

  test('writes nothing when it refuses, and when it is only looked at', async () => {
    const acme = await team(place.content)
    await limit(acme, 'serp', 1)
    await acme.scope.rateLimits.take({ key: 'serp' })
    const before = await stored(acme)
    await expect(acme.scope.rateLimits.take({ key: 'serp' })).rejects.toThrow(RateLimitError)
    await acme.scope.rateLimits.status('serp')
    expect(await stored(acme)).toEqual(before)
  })

  test('that is raised or lowered counts the calls that were made', async () => {
    const acme = await team(place.content)
    await limit(acme, 'serp', 2)
    await acme.scope.rateLimits.take({ key: 'serp', amount: 2 })
    await limit(acme, 'serp', 3)
    expect(await acme.scope.rateLimits.take({ key: 'serp' })).toMatchObject({ remaining: 0 })
    await limit(acme, 'serp', 1)
    await expect(acme.scope.rateLimits.take({ key: 'serp' })).rejects.toThrow(RateLimitError)
  })

  test('is its own organization’s, by key, and nobody’s to write', async () => {
    const [acme, bolt] = [await team(place.content), await team(place.content)]
    await limit(acme, 'serp', 1)
    await limit(bolt, 'serp', 1)
    await limit(acme, 'wordpress', 1)
    for (const { scope } of [acme, bolt]) await scope.rateLimits.take({ key: 'serp' })
    await acme.scope.rateLimits.take({ key: 'wordpress' })
    await expect(acme.scope.rateLimits.take({ key: 'unknown' })).rejects.toThrow(NotFoundError)
    await expect(acme.scope.rateLimits.upsert({ key: 'serp', limitCount: 100 })).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
    for (const [text, params] of [
      [`update rate_limits set instants = '{}'`, []],
      ['select * from tenantry.take_rate_limits($1::uuid, $2, $3, 1)', [bolt.organization.id, 'serp', '']],
    ] as const) {
      await expect(place.rowsAs(acme.principal, text, params), text).rejects.toMatchObject({
        code: 'TENANTRY_ISOLATION',
      })
    }
  })

  test.each([
    ['none', 0],
    ['half a call', 0.5],
    ['more than a window holds', RATE_LIMIT_MAX + 1],
  ])('refuses %s, and a limit that it couldn’t keep', async (_what, amount) => {
    const acme = await team(place.content)
    await limit(acme, 'serp', 1)
    await expect(acme.scope.rateLimits.take({ key: 'serp', amount })).rejects.toMatchObject({
      issues: [{ path: 'amount' }],
    })
    expect(RATE_LIMIT_MAX).toBe(WINDOW_LIMIT_MAX)
    await expect(limit(acme, 'large', RATE_LIMIT_MAX + 1)).rejects.toMatchObject({ code: 'TENANTRY_CHECK' })
  })
})

describeOnServer('callers at once', () => {
  test('take exactly as many calls as there are', async () => {
    const acme = await team(place.content)
    await limit(acme, 'serp', 13)
    const database = await connect({ url: place.url, maxConnections: 20 })
    const scope = infin8content(database).as(acme.principal)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 60 }, () => scope.rateLimits.take({ key: 'serp' })),
    ).finally(() => database.close())
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(13)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(RateLimitError)
    }
  })
})
