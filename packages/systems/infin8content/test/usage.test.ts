/** Usage and its cost: held, committed or given back around work elsewhere, and told by the documented table. */
import { IdempotencyError, PlanLimitError, StaleTransitionError } from '@tenantry/core'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PLAN_CAPS, type UsageMetric } from '../src/types.ts'
import {
  articleOf,
  type ContentDatabase,
  contentDatabase,
  keywordsOf,
  newKeywords,
  NOBODY,
  setClock,
  team,
  type Team,
} from './support/content.ts'

let place: ContentDatabase
beforeAll(async () => {
  place = await contentDatabase()
})
afterAll(() => place?.close())

/** What of a feature is used, held and delivered beyond the limit. */
async function of({ scope }: Team, feature: string) {
  const found = (await scope.usage.current()).find((each) => each.feature === feature)
  return found === undefined ? [] : [found.used, found.reserved, found.overage]
}

/** The documented row of this month. */
async function row({ scope }: Team, metric: UsageMetric) {
  const { items } = await scope.usage.list({ where: { metricType: metric } })
  const [found, ...others] = items
  expect(others).toEqual([])
  return found === undefined ? null : [found.usageCount, found.limitCount, found.costAmount]
}

/** What the table says that the counters don't. */
async function departures(): Promise<string[]> {
  const check = place.content.definition.checks.find(({ name }) => name === 'usage-follows-counters')
  const found = await place.database.driver.transaction({}, async (connection) => check?.run(connection))
  return (found ?? [{ code: 'no such check' }]).map(({ code }) => code)
}

const research = { metric: 'research_queries', count: 2, costUsd: 0.5, ttlMs: 60_000 } as const

describe('a hold', () => {
  test('of count and cost is committed with what the work took, and only that is usage', async () => {
    const acme = await team(place.content)
    const hold = await acme.scope.usage.reserve({ ...research, key: 'a' })
    expect([await of(acme, 'research_queries'), await of(acme, 'research_cost')]).toEqual([
      [0, 2, 0],
      [0, 0.5, 0],
    ])
    expect(await row(acme, 'research_queries')).toBeNull()
    await acme.scope.usage.commit(hold, { costUsd: 0.123456 })
    // The same again changes nothing, and other values are a conflict.
    await acme.scope.usage.commit(hold, { costUsd: 0.123456 })
    await expect(acme.scope.usage.commit(hold, { costUsd: 0.2 })).rejects.toThrow(IdempotencyError)
    expect(await row(acme, 'research_queries')).toEqual([2, 50, 0.123456])
    await expect(acme.scope.usage.release(hold)).rejects.toThrow(StaleTransitionError)
  })

  test('is of both or of none', async () => {
    const acme = await team(place.content)
    await expect(acme.scope.usage.reserve({ ...research, count: 51, key: 'a' })).rejects.toMatchObject({
      feature: 'research_queries',
    })
    await expect(acme.scope.usage.reserve({ ...research, costUsd: 1.01, key: 'a' })).rejects.toMatchObject({
      feature: 'research_cost',
      limit: PLAN_CAPS.free.research_cost,
    })
    expect([await of(acme, 'research_queries'), await of(acme, 'research_cost')]).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ])
    // A call that was refused leaves its key free.
    const hold = await acme.scope.usage.reserve({ ...research, key: 'a' })
    expect(await acme.scope.usage.reserve({ ...research, key: 'a' })).toMatchObject({
      count: { id: hold.count?.id, replayed: true },
      cost: { id: hold.cost?.id, replayed: true },
    })
    await expect(acme.scope.usage.reserve({ ...research, count: 3, key: 'a' })).rejects.toThrow(
      IdempotencyError,
    )
    await acme.scope.usage.release(hold)
    expect(await row(acme, 'research_queries')).toBeNull()
  })

  test('that has run out gives its room to others, and a late commit is overage, not lost', async () => {
    const acme = await team(place.content)
    const late = await acme.scope.usage.reserve({ ...research, count: 50, key: 'late' })
    await expect(acme.scope.usage.reserve({ ...research, key: 'next' })).rejects.toMatchObject({
      reason: 'holds',
      retryable: true,
    })
    await setClock(place, `pg_catalog.statement_timestamp() + interval '2 minutes'`)
    await acme.scope.usage.commit(await acme.scope.usage.reserve({ ...research, key: 'next' }))
    await acme.scope.usage.commit(late)
    await setClock(place, null)
    expect(await of(acme, 'research_queries')).toEqual([2, 0, 50])
    expect(await row(acme, 'research_queries')).toEqual([52, 50, 1])
  })

  test('around work is committed when that is done, released when it fails, and is one piece of work', async () => {
    const acme = await team(place.content)
    const { usage } = acme.scope
    await expect(
      usage.withHold({ ...research, key: 'a' }, () => Promise.reject(new Error('down'))),
    ).rejects.toThrow('down')
    expect(await of(acme, 'research_queries')).toEqual([0, 0, 0])
    const took = () => ({ count: 1, costUsd: 0.01 })
    expect(await usage.withHold({ ...research, key: 'a' }, async () => 'done', took)).toBe('done')
    expect(await row(acme, 'research_queries')).toEqual([1, 50, 0.01])
    await expect(
      usage.withHold({ ...research, key: 'a' }, () => Promise.reject(new Error('ran'))),
    ).rejects.toThrow(IdempotencyError)
    await expect(
      acme.scope.transaction((inner) => inner.usage.withHold({ ...research, key: 'b' }, async () => 1)),
    ).rejects.toMatchObject({ code: 'TENANTRY_CONFIGURATION' })
  })

  test.each([
    ['an unknown metric', { metric: 'tokens' }, 'metric'],
    ['a negative cost', { costUsd: -1 }, 'costUsd'],
    ['a cost that is no number', { costUsd: Number.NaN }, 'costUsd'],
    ['half a query', { count: 0.5 }, 'count'],
    ['a blank key', { key: ' ' }, 'key'],
    ['no time to live', { ttlMs: 0 }, 'ttlMs'],
  ])('is refused for %s, and nothing is counted', async (_what, wrong, path) => {
    const acme = await team(place.content)
    await expect(
      acme.scope.usage.reserve({ ...research, key: 'k', ...wrong } as never),
    ).rejects.toMatchObject({ issues: [{ path }] })
    await expect(
      acme.scope.usage.commit({ metric: 'articles', count: null, cost: null }, { costUsd: 1 }),
    ).rejects.toMatchObject({ issues: [{ path: 'costUsd' }] })
    expect(await of(acme, 'research_queries')).toEqual([0, 0, 0])
  })

  test('is its own organization’s', async () => {
    const [acme, bolt] = [await team(place.content), await team(place.content)]
    const hold = await acme.scope.usage.reserve({ ...research, key: 'a' })
    await expect(bolt.scope.usage.commit(hold)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await expect(bolt.scope.usage.release(hold)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await expect(
      place.rowsAs(bolt.principal, `select tenantry.limit_reserve($1::uuid, 'articles', '', 1, 'k', 1000)`, [
        acme.organization.id,
      ]),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    expect(await of(acme, 'research_queries')).toEqual([0, 2, 0])
  })
})

describe('research', () => {
  const asked = (costUsd: number) => async () => ({ results: ['fact'], costUsd })

  test('costs a query when it is asked, and nothing when it is known or failed', async () => {
    const acme = await team(place.content)
    await acme.scope.research.cached('shoes', asked(0.02))
    await acme.scope.research.cached('Shoes', asked(0.02))
    await expect(
      acme.scope.research.cached('boots', () => Promise.reject(new Error('down'))),
    ).rejects.toThrow()
    expect(await row(acme, 'research_queries')).toEqual([1, 50, 0.02])
    expect(await of(acme, 'research_cost')).toEqual([0.02, 0, 0])
  })

  test('that the plan refuses isn’t asked, and leaves the question to whoever comes next', async () => {
    const acme = await team(place.content)
    const all = await acme.scope.usage.reserve({ metric: 'research_queries', count: 50, key: 'all' })
    const ask = { calls: 0 }
    const cached = () =>
      acme.scope.research.cached(
        'shoes',
        async () => {
          ask.calls += 1
          return { results: [] }
        },
        { leaseSeconds: 3600 },
      )
    await expect(cached()).rejects.toThrow(PlanLimitError)
    expect(ask.calls).toBe(0)
    await acme.scope.usage.release(all)
    // At once, and not after the lease of whoever was refused.
    await cached()
    expect(ask.calls).toBe(1)
    await expect(
      acme.scope.research.cached('dear', async () => ({ results: [] }), { estimatedCostUsd: 5 }),
    ).rejects.toMatchObject({ feature: 'research_cost' })
  })
})

describe('an expansion', () => {
  const ask = (id: string, max = 50) => ({ id, max, estimatedCostUsd: 0.2 })

  test('holds room for what it may find, counts what is new, and pays what it cost', async () => {
    const acme = await team(place.content)
    const { shoes, running } = await keywordsOf(acme)
    const found = await acme.scope.keywords.expandLongtails(ask(shoes.id, 3), async ({ keyword, max }) => {
      expect([keyword.keyword, max]).toEqual(['shoes', 3])
      expect(await of(acme, 'keywords')).toEqual([4, 3, 0])
      expect((await acme.scope.keywords.get(shoes.id)).longtailStatus).toBe('processing')
      // One is there already, and the fourth is more than was asked for.
      return { keywords: [{ keyword: ' Running SHOES' }, ...newKeywords(3)], costUsd: 0.05 }
    })
    expect(found).toHaveLength(2)
    expect((await acme.scope.keywords.get(shoes.id)).longtailStatus).toBe('complete')
    expect(await row(acme, 'keywords')).toEqual([6, 250, 0.05])
    await acme.scope.keywords.expandSubtopics(ask(running.id), async () => ({ keywords: [] }))
    expect(await row(acme, 'keywords')).toEqual([6, 250, 0.25])
    expect(await of(acme, 'keywords')).toEqual([6, 0, 0])
  })

  test('that fails costs nothing, but what the search had cost; and can be made again', async () => {
    const acme = await team(place.content)
    const { shoes } = await keywordsOf(acme)
    const { keywords } = acme.scope
    await expect(
      keywords.expandLongtails(ask(shoes.id), () => Promise.reject(new Error('down'))),
    ).rejects.toThrow('down')
    expect((await keywords.get(shoes.id)).longtailStatus).toBe('failed')
    expect(await row(acme, 'keywords')).toEqual([4, 250, null])
    await expect(
      keywords.expandLongtails(ask(shoes.id), async () => ({ keywords: [{ keyword: ' ' }], costUsd: 0.1 })),
    ).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION' })
    expect(await row(acme, 'keywords')).toEqual([4, 250, 0.1])
    expect(await of(acme, 'keywords')).toEqual([4, 0, 0])
    expect(
      await keywords.expandLongtails(ask(shoes.id), async () => ({ keywords: newKeywords(1) })),
    ).toHaveLength(1)
  })

  test('is one caller’s at a time, begins only where there is room, and only for a keyword of its kind', async () => {
    const acme = await team(place.content)
    const { shoes, running } = await keywordsOf(acme)
    const never = () => Promise.reject(new Error('asked'))
    const { keywords } = acme.scope
    await keywords.expandLongtails(ask(shoes.id), async () => {
      await expect(keywords.expandLongtails(ask(shoes.id), never)).rejects.toThrow(StaleTransitionError)
      return { keywords: [] }
    })
    await expect(keywords.expandLongtails(ask(shoes.id, 247), never)).rejects.toThrow(PlanLimitError)
    expect((await keywords.get(shoes.id)).longtailStatus).toBe('complete')
    await expect(keywords.expandLongtails(ask(running.id), never)).rejects.toMatchObject({
      issues: [{ path: 'id' }],
    })
    await expect(keywords.expandLongtails(ask(NOBODY), never)).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    await expect(
      acme.scope.transaction((inner) => inner.keywords.expandLongtails(ask(shoes.id), never)),
    ).rejects.toMatchObject({ code: 'TENANTRY_CONFIGURATION' })
    expect(await of(acme, 'keywords')).toEqual([4, 0, 0])
  })
})

describe('writing a section', () => {
  const claimed = async (acme: Team) => {
    await articleOf(acme, acme.service)
    const [claim] = (await acme.service.sections.claim()).claims
    if (claim === undefined) throw new Error('nothing to write')
    return claim
  }

  test('costs what the model took, once, and finishes the section', async () => {
    const acme = await team(place.content)
    const claim = await claimed(acme)
    // Not bound to an organization: a worker's claims are of all of them.
    await place.content
      .asService()
      .sections.write(claim, { estimatedCostUsd: 1 }, async () => ({ content: 'Text.', costUsd: 0.4 }))
    expect(await acme.scope.sections.get(claim.id)).toMatchObject({ status: 'completed', content: 'Text.' })
    expect(await row(acme, 'articles')).toEqual([1, 3, 0.4])
    await expect(
      acme.service.sections.write(claim, { estimatedCostUsd: 1 }, () => Promise.reject(new Error('asked'))),
    ).rejects.toThrow(StaleTransitionError)
    expect(await of(acme, 'article_cost')).toEqual([0.4, 0, 0])
  })

  test('puts it back when the model fails, or the month’s money is spent, which asks nobody', async () => {
    const acme = await team(place.content)
    const claim = await claimed(acme)
    await expect(
      acme.service.sections.write(claim, { estimatedCostUsd: 1 }, () => Promise.reject(new Error('down'))),
    ).rejects.toThrow('down')
    expect(await acme.scope.sections.get(claim.id)).toMatchObject({ status: 'pending', lastError: 'down' })
    const [other] = (await acme.service.sections.claim()).claims
    if (other === undefined) throw new Error('nothing to write')
    await expect(
      acme.service.sections.write(other, { estimatedCostUsd: 3.5 }, () => Promise.reject(new Error('asked'))),
    ).rejects.toMatchObject({ feature: 'article_cost', limit: 3, requested: 3.5 })
    expect(await acme.scope.sections.get(other.id)).toMatchObject({ status: 'pending' })
    expect(await of(acme, 'article_cost')).toEqual([0, 0, 0])
    await expect(
      acme.scope.sections.write(claim, { estimatedCostUsd: 1 }, () => Promise.reject(new Error('asked'))),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  })
})

describe('usage_tracking', () => {
  test('follows the counters in the same transaction, and keeps what a host meters itself', async () => {
    const acme = await team(place.content)
    const done = acme.scope.transaction(async (inner) => {
      await inner.keywords.addSeeds({ workflowId: null, keywords: newKeywords(5) })
      expect(await inner.usage.count()).toBe(1)
      throw new Error('undone')
    })
    await expect(done).rejects.toThrow('undone')
    expect(await row(acme, 'keywords')).toBeNull()
    await acme.scope.keywords.addSeeds({ workflowId: null, keywords: newKeywords(7) })
    await acme.service.subscriptions.change({ plan: 'agency' })
    expect(await row(acme, 'keywords')).toEqual([7, null, null])
    await acme.service.usage.create({ metricType: 'exports', billingPeriod: '2026-11', usageCount: 4 })
    expect((await acme.scope.usage.list()).items.map(({ metricType }) => metricType).toSorted()).toEqual([
      'exports',
      'keywords',
    ])
    expect(await departures()).toEqual([])
  })

  test('that was written by hand is found', async () => {
    const acme = await team(place.content)
    await acme.scope.keywords.addSeeds({ workflowId: null, keywords: newKeywords(1) })
    await place.rows('update usage_tracking set usage_count = 0 where organization_id = $1', [
      acme.organization.id,
    ])
    expect(await departures()).toEqual(['usage-differs'])
    await acme.scope.keywords.addSeeds({ workflowId: null, keywords: newKeywords(1) })
    expect(await departures()).toEqual([])
  })

  test('goes with its organization, and so does all that limits keep of it', async () => {
    const [acme, bolt] = [await team(place.content), await team(place.content)]
    const hold = await acme.service.usage.reserve({ ...research, key: 'a' })
    await bolt.service.usage.commit(await bolt.service.usage.reserve({ ...research, key: 'a' }))
    await acme.scope.keywords.addSeeds({ workflowId: null, keywords: newKeywords(2) })
    await acme.service.usage.override({ feature: 'keywords', cap: 9 })
    const kept = async ({ organization: { id } }: typeof acme) => {
      const tables = [
        'usage_tracking',
        ...['accounts', 'counters', 'holds', 'overrides'].map((of) => `tenantry.limit_${of}`),
      ]
      const found = await Promise.all(
        tables.map((table) =>
          place.rows(`select 1 from ${table} as kept where to_jsonb(kept)::text like '%' || $1 || '%'`, [id]),
        ),
      )
      return found.map((rows) => rows.length > 0)
    }
    expect(await kept(acme)).toEqual([true, true, true, true, true])
    await place.rows('delete from organizations where id = $1', [acme.organization.id])
    expect(await kept(acme)).toEqual([false, false, false, false, false])
    expect(await kept(bolt)).toEqual([true, true, true, true, false])
    await expect(acme.service.usage.commit(hold)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    expect(await departures()).toEqual([])
  })

  test('tells an operator who is near a limit, and what plans cost', async () => {
    const acme = await team(place.content)
    await acme.scope.keywords.addSeeds({ workflowId: null, keywords: newKeywords(200) })
    const service = place.content.asService()
    const near = await service.usage.nearLimits({ limit: 1000 })
    expect(near.filter(({ account }) => account === acme.organization.id)).toMatchObject([
      { feature: 'keywords', plan: 'free', used: 200, limit: 250, percentage: 80 },
    ])
    const month = new Date().toISOString().slice(0, 7)
    const keywords = (await service.usage.byPlan(month)).filter(({ feature }) => feature === 'keywords')
    expect(keywords.find(({ plan }) => plan === 'free')?.used).toBeGreaterThanOrEqual(200)
    await expect(acme.scope.usage.nearLimits()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await expect(acme.scope.usage.byPlan(month)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await expect(service.usage.byPlan('2026-13')).rejects.toMatchObject({ issues: [{ path: 'period' }] })
  })

  test('follows an exception for one organization', async () => {
    const acme = await team(place.content)
    await acme.service.usage.override({ feature: 'keywords', cap: 3 })
    await acme.scope.keywords.addSeeds({ workflowId: null, keywords: newKeywords(3) })
    await expect(
      acme.scope.keywords.addSeeds({ workflowId: null, keywords: newKeywords(1) }),
    ).rejects.toMatchObject({ feature: 'keywords', limit: 3, smallestPlan: null })
    await acme.service.usage.dropOverride('keywords')
    await acme.scope.keywords.addSeeds({ workflowId: null, keywords: newKeywords(1) })
    expect(await departures()).toEqual([])
    for (const forbidden of [
      () => acme.scope.usage.override({ feature: 'keywords', cap: null }),
      () => acme.scope.usage.dropOverride('keywords'),
      () => acme.scope.usage.forget(),
    ]) {
      await expect(forbidden()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
  })
})

describeOnServer('callers at once', () => {
  test('hold no more than there is, and the table says what the counters say', async () => {
    const acme = await team(place.content)
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, at) =>
        acme.scope.usage.withHold(
          { metric: 'research_queries', count: 2, costUsd: 0.05, key: `work ${at}` },
          async () => at,
          () => ({ costUsd: 0.05 }),
        ),
      ),
    )
    // A dollar pays for twenty of them; the queries would have sufficed for twenty-five. What others held meanwhile
    // was in the way of some, so as many as then still fit are made afterwards.
    const made = outcomes.filter(({ status }) => status === 'fulfilled').length
    expect(made).toBeLessThanOrEqual(20)
    for (let more = made; more < 20; more += 1) {
      await acme.scope.usage.withHold(
        { metric: 'research_queries', count: 2, costUsd: 0.05, key: `more ${more}` },
        async () => more,
      )
    }
    await expect(
      acme.scope.usage.reserve({ metric: 'research_queries', count: 1, costUsd: 0.01, key: 'beyond' }),
    ).rejects.toMatchObject({ reason: 'limit', feature: 'research_cost' })
    expect(await of(acme, 'research_cost')).toEqual([1, 0, 0])
    expect(await row(acme, 'research_queries')).toEqual([40, 50, 1])
    expect(await departures()).toEqual([])
  })

  test('who count, pay and change the plan in all orders never wait for each other in a circle', async () => {
    const acme = await team(place.content)
    await acme.service.subscriptions.change({ plan: 'agency' })
    const turns = Array.from({ length: 12 }, (_, at) => [
      acme.scope.keywords.addSeeds({ workflowId: null, keywords: newKeywords(2) }),
      acme.scope.usage.withHold({ metric: 'keywords', costUsd: 0.1, key: `cost ${at}` }, async () => at),
      acme.service.subscriptions.change({ plan: at % 2 === 0 ? 'pro' : 'agency' }),
    ])
    await Promise.all(turns.flat())
    expect((await row(acme, 'keywords'))?.[0]).toBe(24)
    expect((await row(acme, 'keywords'))?.[2]).toBeCloseTo(1.2)
    expect(await departures()).toEqual([])
  })
})
