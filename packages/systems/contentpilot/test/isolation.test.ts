/** The walk over the whole catalog, with rows of two customers in every table; and proof that it would notice. */
import { expect, it } from 'vitest'
import { createTestSystem, expectIsolated, isolationMutations, seedTenants } from '@tenantry/testing'
import { contentpilot } from '../src/index.ts'

async function setup() {
  const test = await createTestSystem(contentpilot, {
    rows: {
      pillars: (n) => ({ slug: `pillar_${n}` }),
      usageMonthly: () => ({ month: '2026-01-01' }),
      auditLogs: () => ({ recordId: crypto.randomUUID() }),
    },
  })
  return {
    ...test,
    async seed() {
      const user = await test.make('users')
      await test.make('subscriptions', { userId: user.id, planType: 'agency' })
      await test.makeEach(user.id)
      return { userId: user.id }
    },
  }
}

it(
  'no table, view or function tells one customer of another, by any command',
  { timeout: 120_000 },
  async () => {
    await using test = await setup()
    await expectIsolated(test.system, { seed: test.seed })
  },
)

it('every policy that is dropped or loosened is noticed', { timeout: 240_000 }, async () => {
  await using test = await setup()
  const seeded = await seedTenants(test.system, { seed: test.seed })
  expect(await isolationMutations(test.system, seeded)).toEqual([])
})
