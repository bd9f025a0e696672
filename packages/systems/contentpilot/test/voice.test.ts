import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { customer, embedding, NOBODY, type PilotDatabase, pilotDatabase } from './support/pilot.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
})
afterAll(() => place?.close())

test('examples are added all or none, counted by the database, and point to a pillar of the same customer', async () => {
  const [ann, ben] = [await customer(place.pilot), await customer(place.pilot)]
  const made = await ann.scope.voiceExamples.createMany([
    { postText: 'naïve 🙂', pillarId: ann.pillar.id, engagementMetrics: { likes: 3 } },
    { postText: 'second', postUrl: 'https://linkedin.com/p/2' },
  ])
  expect(made).toMatchObject([
    { characterCount: 7, pillarId: ann.pillar.id, engagementMetrics: { likes: 3 }, status: 'active' },
    { characterCount: 6, vectorEmbedding: null },
  ])
  await expect(
    ben.scope.voiceExamples.createMany([{ postText: 'own' }, { postText: 'x', pillarId: ann.pillar.id }]),
  ).rejects.toMatchObject({ code: 'TENANTRY_FOREIGN_KEY' })
  expect(await ben.scope.voiceExamples.count()).toBe(0)
})

describe('training', () => {
  test.each([
    [0, 0],
    [1, 17],
    [5, 50],
    [10, 67],
    [20, 80],
    [50, 91],
  ])('with %i examples gives a confidence of %i, at the database’s time', async (examples, confidence) => {
    const { scope, userId } = await customer(place.pilot)
    await scope.voiceExamples.createMany(
      Array.from({ length: examples }, (_, axis) => ({ postText: 'x', vectorEmbedding: embedding(axis) })),
    )
    const profile = await scope.profiles.trainVoice()
    expect(profile).toMatchObject({ userId, voiceConfidenceScore: confidence })
    expect(
      await place.rows('select last_voice_training_at = updated_at as now from profiles where user_id = $1', [
        userId,
      ]),
    ).toEqual([{ now: true }])
  })

  test('counts only active examples that have an embedding, and only the customer’s own', async () => {
    const [ann, ben] = [await customer(place.pilot), await customer(place.pilot)]
    await ben.scope.voiceExamples.createMany([{ postText: 'x', vectorEmbedding: embedding(1) }])
    await ann.scope.voiceExamples.createMany([
      { postText: 'x', vectorEmbedding: embedding(1) },
      { postText: 'x', vectorEmbedding: embedding(2), status: 'inactive' },
      { postText: 'x', vectorEmbedding: embedding(3), status: 'archived' },
      { postText: 'x' },
    ])
    expect(await ann.scope.profiles.trainVoice()).toMatchObject({ voiceConfidenceScore: 17 })
    expect(await ben.scope.profiles.mine()).toMatchObject({
      voiceConfidenceScore: 0,
      lastVoiceTrainingAt: null,
    })
    expect(await ann.service.profiles.trainVoice()).toMatchObject({ voiceConfidenceScore: 17 })
  })
})

describe('similar examples', () => {
  async function setup() {
    const [ann, ben] = [await customer(place.pilot), await customer(place.pilot)]
    const example = (postText: string, lean: number) => ({ postText, vectorEmbedding: embedding(7, lean) })
    await ann.scope.voiceExamples.createMany([
      example('far', 5),
      example('near', 0.1),
      { ...example('put away', 0), status: 'archived' },
      { postText: 'without' },
      { postText: 'opposite', vectorEmbedding: embedding(7).map((value) => -value) },
    ])
    await ben.scope.voiceExamples.createMany([example('theirs', 0)])
    return { ann, ben }
  }

  test('come nearest first, with their cosine distance, as customer and as service role', async () => {
    const { ann } = await setup()
    const found = await ann.scope.voiceExamples.findSimilar(embedding(7))
    expect(found.map(({ postText }) => postText)).toEqual(['near', 'far', 'opposite'])
    expect(found[0]?.distance).toBeCloseTo(1 - 1 / Math.hypot(1, 0.1), 6)
    expect(found[2]?.distance).toBeCloseTo(2, 6)
    expect(found[0]?.vectorEmbedding).toHaveLength(1536)
    expect(await ann.service.voiceExamples.findSimilar(embedding(7))).toEqual(found)
    expect(await ann.scope.voiceExamples.findSimilar(embedding(7), { limit: 1 })).toEqual(found.slice(0, 1))
    expect(await ann.service.voiceExamples.findSimilar(embedding(7), { limit: 1 })).toEqual(found.slice(0, 1))
    await ann.scope.transaction(async ({ voiceExamples }) => {
      expect(await voiceExamples.findSimilar(embedding(7))).toEqual(found)
    })
  })

  test('are never another customer’s, by raw SQL either; without a context there are none', async () => {
    const { ann, ben } = await setup()
    const call = 'select id from tenantry.similar_voice_examples($1, 100)'
    const params = [JSON.stringify(embedding(7))]
    const own = async (userId: string) =>
      (await place.rows(`select id from voice_examples where user_id = $1`, [userId])).map(({ id }) => id)
    for (const { userId } of [ann, ben]) {
      const ids = (await place.rowsAs(userId, call, params)).map(({ id }) => id)
      expect(ids.length).toBeGreaterThan(0)
      expect(await own(userId)).toEqual(expect.arrayContaining(ids))
    }
    for (const context of [null, '', 'not-a-uuid', NOBODY]) {
      expect(await place.rowsIn('tenantry_tenant', context, call, params)).toEqual([])
    }
    await expect(place.rowsIn('tenantry_service', ann.userId, call, params)).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
  })
})
