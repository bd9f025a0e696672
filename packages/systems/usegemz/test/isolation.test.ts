/** People apart from each other, and administrators, who read everything and write what is theirs. */
import { expectIsolated, isolationMutations, seedTenants } from '@tenantry/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GemsDatabase, gemsDatabase } from './support/gems.ts'
import { seedEverything } from './support/rows.ts'

let place: GemsDatabase
beforeAll(async () => {
  place = await gemsDatabase()
})
afterAll(() => place?.close())

test('nothing departs from what is declared', async () => {
  expect(await place.gems.verify()).toEqual([])
})

test('nobody reaches what is another’s, by any table, command or function', async () => {
  await expectIsolated(place.gems, { seed: () => seedEverything(place) })
})

test('no policy can be dropped or loosened unnoticed', { timeout: 120_000 }, async () => {
  const seeded = await seedTenants(place.gems, { seed: () => seedEverything(place) })
  expect(await isolationMutations(place.gems, seeded)).toEqual([])
})
