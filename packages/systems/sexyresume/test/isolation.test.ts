/** The walk over the whole catalog, with rows of two customers in every table; and proof that it would notice. */
import { expect, it } from 'vitest'
import { expectIsolated, isolationMutations, seedTenants } from '@tenantry/testing'
import { admin, placeOf } from './support/place.ts'

const nextYear = new Date(Date.now() + 365 * 86_400_000)

async function setup() {
  const place = await placeOf()
  return {
    ...place,
    async seed() {
      const user = await place.make('users')
      // Only its functions write the ledger; these credits are in all of its tables.
      await place.service.tenant(user.id).credits.award({ amount: 1, source: 'welcome', expiresAt: nextYear })
      await place.makeEach(user.id)
      // Nobody here is an admin whose rows to read.
      await place.rows(`update admin_users set role = 'moderator'`)
      return { userId: user.id }
    },
    reader: async () => ({ userId: (await admin(place)).userId }),
  }
}

it(
  'no table, view or function tells one customer of another, by any command; admins read, and write nothing',
  { timeout: 240_000 },
  async () => {
    await using place = await setup()
    await expectIsolated(place.system, { seed: place.seed, reader: place.reader })
  },
)

it('every policy that is dropped or loosened is noticed', { timeout: 300_000 }, async () => {
  await using place = await setup()
  const seeded = await seedTenants(place.system, { seed: place.seed, reader: place.reader })
  expect(await isolationMutations(place.system, seeded)).toEqual([])
})
