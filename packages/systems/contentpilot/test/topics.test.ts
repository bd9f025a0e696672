import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { customer, NOBODY, type PilotDatabase, pilotDatabase, topicOf } from './support/pilot.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
})
afterAll(() => place?.close())

describe('discovering', () => {
  test('keeps topics as they came, in their order, and meters the call that found them once', async () => {
    const { scope, userId } = await customer(place.pilot)
    const found = await scope.rawTopics.discoverMany(
      [
        { source: 'reddit', content: 'first', url: 'https://example.com/1', metadata: { upvotes: 423 } },
        { source: 'manual', content: 'second' },
      ],
      { costCents: 4, metadata: { model: 'finder' } },
    )
    expect(found).toMatchObject([
      { content: 'first', source: 'reddit', metadata: { upvotes: 423 }, status: 'new', userId },
      { content: 'second', url: null, metadata: {} },
    ])
    const { items } = await scope.usage.list()
    expect(items).toMatchObject([
      { resourceType: 'topic_discovery', costCents: 4, metadata: { model: 'finder' }, resourceId: null },
    ])
  })

  test('of a topic that somebody typed in meters nothing; of one that a call found, that call', async () => {
    const { scope } = await customer(place.pilot)
    await scope.rawTopics.discover({ source: 'manual', content: 'typed' })
    expect(await scope.usage.count()).toBe(0)
    const raw = await scope.rawTopics.discover({ source: 'perplexity', content: 'found' }, { costCents: 1 })
    expect(await scope.usage.find()).toMatchObject({ resourceId: raw.id, costCents: 1 })
  })

  test('keeps no topic when the call can’t be metered', async () => {
    const { scope } = await customer(place.pilot)
    const topic = { source: 'reddit' as const, content: 'x' }
    await expect(scope.rawTopics.discover(topic, { costCents: -1 })).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
      issues: [{ path: 'costCents' }],
    })
    await expect(scope.rawTopics.discoverMany([topic], { costCents: 0.5 })).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
    })
    expect(await scope.rawTopics.count()).toBe(0)
  })
})

describe('classifying', () => {
  test('takes content and address from the raw topic, moves it on, and meters the call', async () => {
    const { scope, pillar } = await customer(place.pilot)
    const raw = await scope.rawTopics.discover({
      source: 'reddit',
      content: 'found',
      url: 'https://example.com/1',
    })
    const topic = await scope.topics.classify(
      { rawTopicId: raw.id, pillarId: pillar.id, aiScore: 70, hookAngle: 'rational', reasoning: 'fits' },
      { costCents: 2 },
    )
    expect(topic).toMatchObject({
      rawTopicId: raw.id,
      content: 'found',
      url: 'https://example.com/1',
      aiScore: 70,
      status: 'classified',
    })
    expect(await scope.rawTopics.get(raw.id)).toMatchObject({ status: 'classified' })
    expect(await scope.usage.find()).toMatchObject({
      resourceType: 'classification',
      resourceId: topic.id,
      costCents: 2,
    })
  })

  test('keeps its own content and address where they are given', async () => {
    const { scope, pillar } = await customer(place.pilot)
    const raw = await scope.rawTopics.discover({
      source: 'reddit',
      content: 'a',
      url: 'https://example.com/1',
    })
    expect(
      await scope.topics.classify({
        rawTopicId: raw.id,
        pillarId: pillar.id,
        aiScore: 90,
        content: 'better',
        url: null,
      }),
    ).toMatchObject({ content: 'better', url: null })
  })

  test('twice is a typed conflict, and so is an archived raw topic; nothing is written', async () => {
    const { scope, pillar } = await customer(place.pilot)
    const raw = await scope.rawTopics.discover({ source: 'reddit', content: 'a' })
    const verdict = { pillarId: pillar.id, aiScore: 90 }
    await scope.topics.classify({ rawTopicId: raw.id, ...verdict })
    const put = await scope.rawTopics.discover({ source: 'reddit', content: 'b' })
    await scope.rawTopics.archive(put.id)
    for (const { id } of [raw, put]) {
      await expect(scope.topics.classify({ rawTopicId: id, ...verdict })).rejects.toMatchObject({
        code: 'TENANTRY_STALE_TRANSITION',
        table: 'raw_topics',
      })
    }
    expect(await scope.topics.count()).toBe(1)
    expect(await scope.usage.count()).toBe(1)
  })

  test('with another customer’s raw topic or pillar is as with a missing one, and nothing moves', async () => {
    const [ann, ben] = [await customer(place.pilot), await customer(place.pilot)]
    const raw = await ann.scope.rawTopics.discover({ source: 'reddit', content: 'a' })
    const own = await ben.scope.rawTopics.discover({ source: 'reddit', content: 'b' })
    for (const rawTopicId of [raw.id, NOBODY]) {
      await expect(
        ben.scope.topics.classify({ rawTopicId, pillarId: ben.pillar.id, aiScore: 90 }),
      ).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND', table: 'raw_topics' })
    }
    for (const pillarId of [ann.pillar.id, NOBODY]) {
      await expect(
        ben.scope.topics.classify({ rawTopicId: own.id, pillarId, aiScore: 90 }),
      ).rejects.toMatchObject({
        code: 'TENANTRY_FOREIGN_KEY',
        constraint: 'classified_topics_pillar_id_fkey',
      })
    }
    expect(await ann.scope.rawTopics.get(raw.id)).toMatchObject({ status: 'new' })
    expect(await ben.scope.rawTopics.get(own.id)).toMatchObject({ status: 'new' })
    expect(await ben.scope.topics.count()).toBe(0)
  })

  test('in a transaction that is undone leaves the raw topic new', async () => {
    const { scope, pillar } = await customer(place.pilot)
    const raw = await scope.rawTopics.discover({ source: 'reddit', content: 'a' })
    await expect(
      scope.transaction(async ({ topics }) => {
        await topics.classify({ rawTopicId: raw.id, pillarId: pillar.id, aiScore: 90 })
        throw new Error('undo')
      }),
    ).rejects.toThrow('undo')
    expect(await scope.rawTopics.get(raw.id)).toMatchObject({ status: 'new' })
    expect(await scope.topics.count()).toBe(0)
  })
})

describeOnServer('two who classify one raw topic', () => {
  test('at once: one gets the topic, the other a typed conflict', async () => {
    const { scope, pillar } = await customer(place.pilot)
    for (let round = 0; round < 10; round += 1) {
      const raw = await scope.rawTopics.discover({ source: 'reddit', content: 'a' })
      const outcomes = await Promise.allSettled(
        [80, 90].map((aiScore) =>
          scope.topics.classify({ rawTopicId: raw.id, pillarId: pillar.id, aiScore }),
        ),
      )
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
      expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { code: 'TENANTRY_STALE_TRANSITION' },
      })
    }
    expect(await scope.topics.count()).toBe(10)
    expect(await scope.usage.count()).toBe(10)
  })
})

describe('a topic that scores below 70', () => {
  test('is stored as archived, whoever writes it and whatever they say', async () => {
    const customers = await customer(place.pilot)
    const { scope, userId, pillar } = customers
    expect(await topicOf(customers, 'low', 69)).toMatchObject({ status: 'archived', aiScore: 69 })
    expect(await topicOf(customers, 'enough', 70)).toMatchObject({ status: 'classified' })
    expect(await scope.topics.create({ pillarId: pillar.id, content: 'x', aiScore: 0 })).toMatchObject({
      status: 'archived',
    })
    const insert = `insert into classified_topics (user_id, pillar_id, content, ai_score, status)
      values ($1, $2, 'raw', $3, $4) returning status`
    for (const status of ['classified', 'drafted', 'archived']) {
      expect(await place.rowsAs(userId, insert, [userId, pillar.id, 69, status])).toEqual([
        { status: 'archived' },
      ])
      expect(await place.rows(insert, [userId, pillar.id, 69, status])).toEqual([{ status: 'archived' }])
      expect(await place.rowsAs(userId, insert, [userId, pillar.id, 70, status])).toEqual([{ status }])
    }
  })

  test('becomes archived by an update of its score, and no update of its status brings it back', async () => {
    const customers = await customer(place.pilot)
    const { scope, userId } = customers
    const topic = await topicOf(customers)
    expect(await scope.topics.update(topic.id, { aiScore: 10 })).toMatchObject({ status: 'archived' })
    const update = `update classified_topics set status = 'classified' where id = $1 returning status`
    expect(await place.rowsAs(userId, update, [topic.id])).toEqual([{ status: 'archived' }])
    expect(await place.rows(update, [topic.id])).toEqual([{ status: 'archived' }])
  })

  test('can’t be drafted', async () => {
    const customers = await customer(place.pilot)
    const low = await topicOf(customers, 'low', 1)
    await expect(
      customers.scope.drafts.generate({
        topicId: low.id,
        variants: [{ variantLetter: 'A', hook: 'h', body: 'b' }],
      }),
    ).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION', table: 'classified_topics' })
    expect(await customers.scope.drafts.count()).toBe(0)
  })
})

test('archiving is idempotent, and a foreign topic is a missing one', async () => {
  const [ann, ben] = [await customer(place.pilot), await customer(place.pilot)]
  const topic = await topicOf(ann)
  const raw = await ann.scope.rawTopics.discover({ source: 'manual', content: 'x' })
  for (const id of [topic.id, NOBODY]) {
    await expect(ben.scope.topics.archive(id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  }
  await expect(ben.scope.rawTopics.archive(raw.id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  expect(await ann.scope.topics.get(topic.id)).toMatchObject({ status: 'classified' })
  for (let time = 0; time < 2; time += 1) {
    expect(await ann.scope.topics.archive(topic.id)).toMatchObject({ status: 'archived' })
    expect(await ann.scope.rawTopics.archive(raw.id)).toMatchObject({ status: 'archived' })
  }
})

test('topics by score come best first, page after page, and only those that wait unless asked otherwise', async () => {
  const customers = await customer(place.pilot)
  const { topics } = customers.scope
  for (const score of [71, 99, 85, 85, 12]) await topicOf(customers, `scored ${score}`, score)
  const first = await topics.listByScore({ limit: 2 })
  const second = await topics.listByScore({ limit: 2, cursor: first.nextCursor })
  expect([...first.items, ...second.items].map(({ aiScore }) => aiScore)).toEqual([99, 85, 85, 71])
  expect(second.nextCursor).toBeNull()
  expect((await topics.listByScore({ where: { status: 'archived' } })).items).toMatchObject([{ aiScore: 12 }])
})

test('the newest comes first in every list', async () => {
  const customers = await customer(place.pilot)
  for (const content of ['one', 'two', 'three']) await topicOf(customers, content)
  const { rawTopics, topics, usage } = customers.scope
  expect((await rawTopics.list()).items.map(({ content }) => content)).toEqual(['three', 'two', 'one'])
  expect((await topics.list()).items.map(({ content }) => content)).toEqual(['three', 'two', 'one'])
  const dates = (await usage.list()).items.map(({ createdAt }) => createdAt.getTime())
  expect(dates).toEqual(dates.toSorted((a, b) => b - a))
})
