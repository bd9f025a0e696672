import { connect } from '@tenantry/core'
import { describeOnServer, describeThroughPooler } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contentpilot } from '../src/index.ts'
import {
  embedding,
  type Pilot,
  type PilotDatabase,
  pilotDatabase,
  tomorrow,
  variant,
  withLogin,
} from './support/pilot.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
})
afterAll(() => place?.close())

/** From sign-up to a published post, next to a customer who sees none of it. */
async function wholeJob(pilot: Pilot): Promise<void> {
  const someone = () => ({ clerkId: crypto.randomUUID(), email: `${crypto.randomUUID()}@example.com` })
  const [ann, ben] = await pilot.system(async ({ users }) => [
    await users.signUp({ ...someone(), profile: { writingStyle: 'plain' } }),
    await users.signUp({ ...someone(), planType: 'growth', trialDays: 30 }),
  ])
  if (ann === undefined || ben === undefined) throw new Error('no accounts')
  const me = pilot.as({ userId: ann.user.id })
  const other = pilot.as({ userId: ben.user.id })

  const journey = await me.pillars.define({ name: 'Founder Journey', tone: 'plain' })
  expect(journey).toMatchObject({ slug: 'founder_journey', status: 'active', userId: ann.user.id })

  await me.voiceExamples.createMany(
    [1, 2, 3, 4, 5].map((axis) => ({
      postText: `Post ${axis}`,
      pillarId: journey.id,
      vectorEmbedding: embedding(axis),
    })),
  )
  expect(await me.profiles.trainVoice()).toMatchObject({ voiceConfidenceScore: 50, writingStyle: 'plain' })
  const [nearest] = await me.voiceExamples.findSimilar(embedding(3, 0.2), { limit: 2 })
  expect(nearest?.postText).toBe('Post 3')

  const found = await me.rawTopics.discoverMany(
    ['How we hired our first engineer', 'Weather in the capital', 'A payroll run that failed'].map(
      (content) => ({
        source: 'reddit' as const,
        content,
      }),
    ),
    { costCents: 3, metadata: { model: 'finder' } },
  )
  const scores = [91, 20, 77]
  for (const [at, raw] of found.entries()) {
    await me.topics.classify(
      { rawTopicId: raw.id, pillarId: journey.id, aiScore: scores[at] ?? 0, hookAngle: 'emotional' },
      { costCents: 1 },
    )
  }
  const best = await me.topics.listByScore()
  expect(best.items.map(({ aiScore }) => aiScore)).toEqual([91, 77])
  expect((await me.topics.search('hiring engineers')).map(({ content }) => content)).toEqual([
    'How we hired our first engineer',
  ])

  const topic = best.items[0]
  if (topic === undefined) throw new Error('no topic')
  const variants = await me.drafts.generate(
    { topicId: topic.id, variants: [variant('A'), variant('B'), variant('C')] },
    { costCents: 5, metadata: { tokens_used: 1234 } },
  )
  const [a, b, c] = variants.map(({ id }) => id)
  if (a === undefined || b === undefined || c === undefined) throw new Error('no drafts')
  expect(variants[0]?.fullText).toBe('Hook A\n\nBody\n\nAsk me\n\n#one #two')
  await me.drafts.regenerate({ topicId: topic.id, ...variant('B', 'Another hook') }, { costCents: 2 })
  await me.drafts.edit(a, { editedText: 'In my own words', userNotes: 'shorter' })
  await me.drafts.approve(a)
  await me.drafts.schedule(a, { scheduledFor: tomorrow() })
  await me.drafts.reject(c)
  const posted = await me.drafts.publish(a)
  expect(posted).toMatchObject({ status: 'posted', editedText: 'In my own words' })
  expect(posted.postedAt).toBeInstanceOf(Date)

  expect(await me.usage.totals()).toMatchObject([
    { resourceType: 'classification', count: 3, costCents: 3 },
    { resourceType: 'generation', count: 1, costCents: 5 },
    { resourceType: 'regeneration', count: 1, costCents: 2 },
    { resourceType: 'topic_discovery', count: 1, costCents: 3 },
  ])
  expect(await me.dashboard.live()).toMatchObject({
    userId: ann.user.id,
    pendingTopics: 1,
    draftsPending: 1,
    draftsApproved: 0,
    postsPublished: 1,
  })

  for (const repository of ['pillars', 'voiceExamples', 'rawTopics', 'topics', 'drafts', 'usage'] as const) {
    expect(await other[repository].count()).toBe(0)
  }
  expect(await other.topics.search('hiring engineers')).toEqual([])
  expect(await other.voiceExamples.findSimilar(embedding(3))).toEqual([])
  await expect(other.drafts.get(a)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
}

test('migrating again changes nothing, and the whole job runs on the server of the tests', async () => {
  expect((await place.pilot.migrate()).applied).toEqual([])
  await wholeJob(place.pilot)
})

describeOnServer('with a login of its own, which row security holds', () => {
  test('the whole job runs', () => withLogin(place, (database) => wholeJob(contentpilot(database))))
})

describeThroughPooler('through a pooler in transaction mode', () => {
  test('the whole job runs', async () => {
    const database = await connect({ url: place.poolerUrl ?? '', situation: 'pooler' })
    await wholeJob(contentpilot(database)).finally(() => database.close())
  })
})
