/** Organizations apart from each other, and people who are in two of them, or in none any more. */
import { expectIsolated, isolationMutations, seedTenants } from '@tenantry/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ContentDatabase, contentDatabase } from './support/content.ts'
import { seedEverything } from './support/rows.ts'

let place: ContentDatabase
beforeAll(async () => {
  place = await contentDatabase()
})
afterAll(() => place?.close())

test('nothing departs from what is declared', async () => {
  expect(await place.content.verify()).toEqual([])
})

test.each([
  ['owner', 'owner'],
  ['admin', 'member'],
] as const)(
  'no %s, and no %s of another organization, reaches what is the other’s',
  async (first, second) => {
    await expectIsolated(place.content, {
      seed: (tenant) => seedEverything(place, tenant === 1 ? first : second),
    })
  },
)

test('no policy can be dropped or loosened unnoticed', { timeout: 300_000 }, async () => {
  const seeded = await seedTenants(place.content, { seed: () => seedEverything(place) })
  expect(await isolationMutations(place.content, seeded)).toEqual([
    // Besides policies, a trigger refuses every transition that isn't the record of a step.
    'public.workflow_transitions, open for INSERT: expectIsolated found nothing',
  ])
})
