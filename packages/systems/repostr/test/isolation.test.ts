import { expectIsolated, isolationMutations, seedTenants } from '@tenantry/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Place, repostrDatabase } from './support/place.ts'

let place: Place
beforeAll(async () => {
  place = await repostrDatabase()
})
afterAll(() => place?.close())

/** A user with a row in every table, and a template of the system. */
async function seed(tenant: 1 | 2) {
  const userId = `user_${tenant}${crypto.randomUUID().replaceAll('-', '')}`
  const scope = place.repostr.as({ userId })
  const service = place.repostr.asService().tenant(userId)
  await service.templates.provide({ name: `House style ${tenant}`, type: 'blog', prompt: 'Write on {topic}' })
  await scope.profiles.upsert({ name: `Name ${userId}`, toneOfVoice: `tone of ${userId}` })
  await scope.templates.create({ name: `Own ${userId}`, type: 'email', prompt: `Prompt of ${userId}` })
  await service.subscriptions.sync({ plan: 'pro', status: 'active', stripeCustomerId: `cus_${userId}` })
  const { id: projectId } = await scope.projects.create({ title: `Title of ${userId}` })
  await scope.files.register({ projectId, extension: 'mp3', mimeType: 'audio/mpeg', sizeBytes: 10 })
  for (const topic of ['old', 'new']) {
    await scope.outputs.request({ projectId, kind: 'blog', request: { topic: `${topic} of ${userId}` } })
  }
  const [claim] = await service.outputs.claim()
  if (claim === undefined) throw new Error('nothing to claim')
  await service.outputs.complete(claim, { body: `Body of ${userId}` })
  await place.rows(`update outputs set created_at = now() - interval '91 days' where id = $1`, [claim.id])
  await place.repostr.runJob('retention outputs')
  expect(await scope.archivedOutputs.count()).toBe(1)
  return { userId }
}

test('no user gets to what is another’s, nor to the system’s templates but to read them', async () => {
  const target = { database: place.database, definition: place.repostr.definition }
  await expectIsolated(target, { seed })
  const seeded = await seedTenants(target, { seed })
  expect(await isolationMutations(target, seeded)).toEqual([])
}, 120_000)
