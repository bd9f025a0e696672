/** Plans: what an organization may use in a month, however it tries, and what its subscription makes of that. */
import { connect, PlanLimitError } from '@tenantry/core'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { infin8content } from '../src/index.ts'
import {
  type ContentDatabase,
  contentDatabase,
  draftsOf,
  newKeywords,
  setClock,
  team,
  type Team,
} from './support/content.ts'

let place: ContentDatabase
beforeAll(async () => {
  place = await contentDatabase()
})
afterEach(() => setClock(place, null))
afterAll(() => place?.close())

const refused = { code: 'TENANTRY_LIMIT', reason: 'limit' }

/** What of a metric is used and allowed in this month. */
async function of({ scope }: Team, metric: string): Promise<readonly [used: number, limit: number | null]> {
  const found = (await scope.usage.current()).find(({ feature }) => feature === metric)
  return [found?.used ?? -1, found?.limit ?? null]
}

/** Generates drafts until the plan refuses; answers how many it admitted. */
async function generated({ scope }: Team, drafts: readonly string[]): Promise<number> {
  let admitted = 0
  for (const id of drafts) {
    const [outcome] = await Promise.allSettled([scope.articles.startGenerating(id)])
    if (outcome.status === 'fulfilled') admitted += 1
    else expect(outcome.reason).toMatchObject({ code: 'TENANTRY_LIMIT' })
  }
  return admitted
}

const stateOf = async (id: string) =>
  (await place.rows<{ status: string }>('select status from articles where id = $1', [id]))[0]?.status

describe('the cap of articles', () => {
  test('counts an article once, when it is first generated, and says what would fit', async () => {
    const acme = await team(place.content)
    const [first = '', ...drafts] = await draftsOf(acme, 4)
    await acme.scope.articles.startGenerating(first)
    await acme.scope.articles.outline({ articleId: first, sections: [{}] })
    const [claim] = (await acme.service.sections.claim()).claims
    if (claim === undefined) throw new Error('nothing to write')
    await acme.service.sections.written(claim, { content: 'Text.' })
    await acme.scope.articles.finishGenerating(first)
    expect(await of(acme, 'articles')).toEqual([1, 3])
    // Anew, and its failure: the article was delivered once, and nothing is given back.
    await acme.scope.articles.startGenerating(first)
    await acme.scope.articles.failGenerating(first)
    expect(await of(acme, 'articles')).toEqual([1, 3])
    expect(await generated(acme, drafts)).toBe(2)
    const error: unknown = await acme.scope.articles.startGenerating(drafts[2] ?? '').catch((e: unknown) => e)
    expect(error).toBeInstanceOf(PlanLimitError)
    expect(error).toMatchObject({
      ...refused,
      feature: 'articles',
      plan: 'free',
      limit: 3,
      used: 3,
      requested: 1,
      smallestPlan: 'starter',
      httpStatus: 402,
    })
    expect(await stateOf(drafts[2] ?? '')).toBe('draft')
  })

  test('gives back what failed before it was ever completed', async () => {
    const acme = await team(place.content)
    const drafts = await draftsOf(acme, 4)
    expect(await generated(acme, drafts)).toBe(3)
    await acme.scope.articles.failGenerating(drafts[0] ?? '')
    expect(await of(acme, 'articles')).toEqual([2, 3])
    await acme.scope.articles.startGenerating(drafts[0] ?? '')
    await expect(acme.scope.articles.startGenerating(drafts[3] ?? '')).rejects.toMatchObject(refused)
  })

  test.each([
    ['emptied', 'update article_sections set content = null where article_id = $1'],
    ['deleted', 'delete from article_sections where article_id = $1'],
  ])('gives nothing back for a text that was read and %s', async (_how, statement) => {
    const acme = await team(place.content)
    const [first = ''] = await draftsOf(acme, 1)
    await acme.scope.articles.startGenerating(first)
    await acme.scope.articles.outline({ articleId: first, sections: [{}] })
    const [claim] = (await acme.service.sections.claim()).claims
    if (claim === undefined) throw new Error('nothing to write')
    await acme.service.sections.written(claim, { content: 'Text.' })
    await expect(
      place.rowsAs(acme.principal, 'update articles set delivered_at = null where id = $1', [first]),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await place.rowsAs(acme.principal, statement, [first])
    await place.rowsAs(acme.principal, `update articles set status = 'failed' where id = $1`, [first])
    expect(await of(acme, 'articles')).toEqual([1, 3])
  })

  test('gives nothing back once a section can be read; trying again counts nothing', async () => {
    const acme = await team(place.content)
    const [first = ''] = await draftsOf(acme, 1)
    await acme.scope.articles.startGenerating(first)
    await acme.scope.articles.outline({ articleId: first, sections: [{}, {}] })
    const [claim] = (await acme.service.sections.claim()).claims
    if (claim === undefined) throw new Error('nothing to write')
    await acme.service.sections.written(claim, { content: 'Text.' })
    await place.rowsAs(acme.principal, `update articles set status = 'failed' where id = $1`, [first])
    expect(await of(acme, 'articles')).toEqual([1, 3])
    await acme.scope.articles.startGenerating(first)
    expect(await of(acme, 'articles')).toEqual([1, 3])
  })

  test('doesn’t count what was written elsewhere, nor what is deleted', async () => {
    const acme = await team(place.content)
    await place.rowsAs(
      acme.principal,
      `insert into articles (organization_id, title, status) select $1, 'Imported ' || n, 'completed' from generate_series(1, 10) n`,
      [acme.organization.id],
    )
    expect(await of(acme, 'articles')).toEqual([0, 3])
    const drafts = await draftsOf(acme, 5)
    expect(await generated(acme, drafts)).toBe(3)
    for (const id of drafts) await acme.scope.articles.remove(id)
    expect(await generated(acme, await draftsOf(acme, 1))).toBe(0)
  })
})

describe('raw SQL', () => {
  test.each([
    [
      'a member',
      (acme: Team) => (text: string, params: unknown[]) => place.rowsAs(acme.principal, text, params),
    ],
    ['a superuser', () => (text: string, params: unknown[]) => place.rows(text, params)],
    [
      'a session whose triggers are off',
      () => (text: string, params: unknown[]) =>
        place.database.driver.transaction({}, async (connection) => {
          await connection.script('set local session_replication_role = replica')
          return connection.query({ text, params })
        }),
    ],
  ])('of %s gets past no cap: a statement is admitted whole or not at all', async (_who, as) => {
    const acme = await team(place.content)
    const run = as(acme)
    const drafts = await draftsOf(acme, 4)
    const generate = `update articles set status = 'generating' where organization_id = $1 and id = any ($2::uuid[])`
    await expect(run(generate, [acme.organization.id, `{${drafts.join()}}`])).rejects.toMatchObject({
      ...refused,
      requested: 4,
    })
    await run(generate, [acme.organization.id, `{${drafts.slice(1).join()}}`])
    expect(await of(acme, 'articles')).toEqual([3, 3])
    const insert = `insert into keywords (organization_id, keyword, keyword_type)
      select $1, 'keyword ' || n, 'seed' from generate_series(1, $2::integer) n on conflict do nothing`
    await expect(run(insert, [acme.organization.id, 251])).rejects.toMatchObject(refused)
    expect(await acme.scope.keywords.count()).toBe(0)
    await run(insert, [acme.organization.id, 250])
    // The same ones once more are none.
    await run(insert, [acme.organization.id, 250])
    await expect(run(insert, [acme.organization.id, 251])).rejects.toMatchObject({ ...refused, requested: 1 })
    expect(await of(acme, 'keywords')).toEqual([250, 250])
  })

  test('of a member writes no counter, no plan, no usage and no subscription', async () => {
    const acme = await team(place.content)
    await acme.service.subscriptions.change({ plan: 'starter' })
    await generated(acme, await draftsOf(acme, 1))
    for (const statement of [
      'update tenantry.limit_counters set used = 0',
      'update tenantry.limit_caps set cap = null',
      `insert into tenantry.limit_overrides (account, feature) values ('${acme.organization.id}', 'articles')`,
      'delete from tenantry.limit_marks',
      'update usage_tracking set usage_count = 0',
      `update organization_subscriptions set plan = 'agency'`,
      'delete from organization_subscriptions',
      'update articles set completed_at = now()',
    ]) {
      await expect(place.rowsAs(acme.principal, statement), statement).rejects.toMatchObject({
        code: 'TENANTRY_ISOLATION',
      })
    }
    expect(await of(acme, 'articles')).toEqual([1, 10])
  })
})

describe('a subscription', () => {
  test('that is upgraded in mid-month has room at once, and keeps what was used', async () => {
    const acme = await team(place.content)
    const drafts = await draftsOf(acme, 12)
    expect(await generated(acme, drafts)).toBe(3)
    await acme.service.subscriptions.change({ plan: 'starter' })
    expect(await of(acme, 'articles')).toEqual([3, 10])
    expect(await generated(acme, drafts.slice(3))).toBe(7)
  })

  test('that is downgraded below what was used admits nothing more, and takes nothing away', async () => {
    const acme = await team(place.content)
    await acme.service.subscriptions.change({ plan: 'pro' })
    const drafts = await draftsOf(acme, 6)
    expect(await generated(acme, drafts.slice(0, 5))).toBe(5)
    await acme.service.subscriptions.change({ plan: 'free' })
    expect(await of(acme, 'articles')).toEqual([5, 3])
    await expect(acme.scope.articles.startGenerating(drafts[5] ?? '')).rejects.toMatchObject({
      ...refused,
      used: 5,
      limit: 3,
    })
    expect(await acme.scope.articles.count()).toBe(6)
    await acme.scope.articles.failGenerating(drafts[0] ?? '')
    await acme.scope.articles.remove(drafts[1] ?? '')
  })

  test('of which a payment is late keeps its plan for 14 days, however often that is told', async () => {
    const acme = await team(place.content)
    await acme.service.subscriptions.change({ plan: 'starter' })
    const { pastDueSince } = await acme.service.subscriptions.change({ plan: 'starter', status: 'past_due' })
    expect(await acme.service.subscriptions.change({ plan: 'starter', status: 'past_due' })).toMatchObject({
      pastDueSince,
    })
    const drafts = await draftsOf(acme, 3)
    // As text: a Date has no microseconds.
    const [late] = await place.rows<{ since: string }>(
      'select past_due_since::text as since from organization_subscriptions where organization_id = $1',
      [acme.organization.id],
    )
    const after = (span: string) => `timestamptz '${late?.since}' + interval '${span}'`
    await setClock(place, after('13 days 23:59:59'))
    expect(await generated(acme, drafts.slice(0, 1))).toBe(1)
    await setClock(place, after('14 days'))
    await expect(acme.scope.articles.startGenerating(drafts[1] ?? '')).rejects.toMatchObject({
      code: 'TENANTRY_LIMIT',
      reason: 'standing',
    })
    // It reads as before.
    expect(await acme.scope.articles.count()).toBe(3)
    expect(await acme.service.subscriptions.change({ plan: 'starter' })).toMatchObject({ pastDueSince: null })
    expect(await generated(acme, drafts.slice(1, 2))).toBe(1)
  })

  test('that is canceled keeps its plan to the end of what was paid, and has the free one from then on', async () => {
    const acme = await team(place.content)
    const endsAt = new Date('2030-06-15T12:00:00Z')
    await acme.service.subscriptions.change({ plan: 'starter', status: 'canceled', endsAt })
    const drafts = await draftsOf(acme, 9)
    await setClock(place, `timestamptz '2030-06-15 11:59:59+00'`)
    expect(await generated(acme, drafts.slice(0, 4))).toBe(4)
    await setClock(place, `timestamptz '2030-06-15 12:00:00+00'`)
    expect(await of(acme, 'articles')).toEqual([4, 3])
    expect(await generated(acme, drafts.slice(4))).toBe(0)
    await setClock(place, `timestamptz '2030-07-01 00:00:00+00'`)
    expect(await generated(acme, drafts.slice(4))).toBe(3)
  })

  test('that is a trial ends by itself, and one that is paused reads and uses nothing', async () => {
    const acme = await team(place.content)
    const endsAt = new Date('2030-06-15T00:00:00Z')
    await acme.service.subscriptions.change({ plan: 'pro', status: 'trialing', endsAt })
    await setClock(place, `timestamptz '2030-06-14 00:00:00+00'`)
    expect(await of(acme, 'articles')).toEqual([0, 50])
    await setClock(place, `timestamptz '2030-06-15 00:00:00+00'`)
    expect(await of(acme, 'articles')).toEqual([0, 3])
    await acme.service.subscriptions.change({ plan: 'pro', status: 'paused' })
    const [draft = ''] = await draftsOf(acme, 1)
    await expect(acme.scope.articles.startGenerating(draft)).rejects.toMatchObject({ reason: 'standing' })
    await expect(
      acme.scope.keywords.addSeeds({ workflowId: null, keywords: newKeywords(1) }),
    ).rejects.toMatchObject({ reason: 'standing' })
  })

  test('is the service role’s to change, and refused where it would never end', async () => {
    const acme = await team(place.content)
    expect(await acme.scope.subscriptions.current()).toBeNull()
    await expect(acme.scope.subscriptions.change({ plan: 'agency' })).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
    await expect(
      acme.service.subscriptions.change({ plan: 'pro', status: 'canceled' }),
    ).rejects.toMatchObject({ issues: [{ path: 'endsAt' }] })
    for (const row of [
      `'pro', 'past_due', null, null`,
      `'pro', 'trialing', null, null`,
      `'gold', 'active', null, null`,
    ]) {
      await expect(
        place.rows(
          `insert into organization_subscriptions (organization_id, plan, status, past_due_since, ends_at) values ($1, ${row})`,
          [acme.organization.id],
        ),
        row,
      ).rejects.toMatchObject({ code: 'TENANTRY_CHECK' })
    }
    await acme.service.subscriptions.change({ plan: 'agency' })
    expect(await acme.scope.subscriptions.current()).toMatchObject({ plan: 'agency', status: 'active' })
  })
})

test('a month begins with its first instant in UTC, whatever the length of the one before and the session’s time zone', async () => {
  const acme = await team(place.content)
  const drafts = await draftsOf(acme, 10)
  const months: readonly (readonly [at: string, period: string, zone: string])[] = [
    ['2031-01-31 23:59:59.999999+00', '2031-01', 'Pacific/Auckland'],
    ['2031-02-01 00:00:00+00', '2031-02', 'America/Los_Angeles'],
    ['2031-02-28 23:59:59.999999+00', '2031-02', 'Pacific/Auckland'],
    ['2031-03-01 00:00:00+00', '2031-03', 'UTC'],
  ]
  for (const [at, period, zone] of months) {
    await setClock(place, `timestamptz '${at}'`)
    await place.database.driver.transaction({}, async (connection) => {
      await connection.script(`set local timezone = '${zone}'`)
      await connection.query({
        text: `update articles set status = 'generating' where id = $1`,
        params: drafts.splice(0, 1),
      })
    })
    const [row] = (await acme.scope.usage.ofPeriod(period)).filter(
      ({ metricType }) => metricType === 'articles',
    )
    expect(row, at).toMatchObject({ billingPeriod: period, limitCount: 3 })
  }
  const used = await acme.scope.usage.list({ sort: [{ billingPeriod: 'asc' }] })
  expect(used.items.map(({ billingPeriod, usageCount }) => [billingPeriod, usageCount])).toEqual([
    ['2031-01', 1],
    ['2031-02', 2],
    ['2031-03', 1],
  ])
})

describeOnServer('callers at once', () => {
  test('of twenty who generate, as many succeed as there is room for; so of fifty who add keywords', async () => {
    const acme = await team(place.content)
    const drafts = await draftsOf(acme, 20)
    await using database = await connectTo(20)
    const scope = infin8content(database).as(acme.principal)
    const outcomes = await Promise.allSettled(drafts.map((id) => scope.articles.startGenerating(id)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(await acme.scope.articles.count({ where: { status: 'generating' } })).toBe(3)
    const added = await Promise.allSettled(
      Array.from({ length: 50 }, () =>
        scope.keywords.addSeeds({ workflowId: null, keywords: newKeywords(9) }),
      ),
    )
    expect(added.filter(({ status }) => status === 'fulfilled')).toHaveLength(Math.floor(250 / 9))
    expect(await acme.scope.keywords.count()).toBe(Math.floor(250 / 9) * 9)
  })

  async function connectTo(maxConnections: number) {
    const database = await connect({ url: place.url, maxConnections })
    return Object.assign(database, { [Symbol.asyncDispose]: () => database.close() })
  }
})
