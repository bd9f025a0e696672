/** The walk over the whole catalog, with rows of two customers in every table; and proof that it would notice. */
import { expect, it } from 'vitest'
import { expectIsolated, isolationMutations, seedTenants } from '@tenantry/testing'
import { placeOf } from './support/place.ts'

async function setup() {
  const place = await placeOf()
  return {
    ...place,
    async seed() {
      const user = await place.make('users')
      await place.makeEach(user.id)
      // Nobody here is an admin whose rows to read.
      await place.rows(`update admin_users set role = 'moderator'`)
      return { userId: user.id }
    },
  }
}

it(
  'no table, view or function tells one customer of another, by any command',
  { timeout: 120_000 },
  async () => {
    await using place = await setup()
    await expectIsolated(place.system, { seed: place.seed })
  },
)

it('every policy that is dropped or loosened is noticed', { timeout: 240_000 }, async () => {
  await using place = await setup()
  const seeded = await seedTenants(place.system, { seed: place.seed })
  expect(await isolationMutations(place.system, seeded)).toEqual([])
})
