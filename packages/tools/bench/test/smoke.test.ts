import { describeOnServer } from '@tenantry/testing/vitest'
import { testServer } from '@tenantry/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Clients, openClients } from '../src/clients.ts'
import { type BenchDatabase, createBenchDatabase } from '../src/database.ts'
import type { SideName } from '../src/scenario.ts'
import { scenarios } from '../src/scenarios/index.ts'
import { type Seed, seedDatabase } from '../src/seed.ts'

describeOnServer('every scenario', () => {
  let database: BenchDatabase
  let clients: Clients
  let seed: Seed

  beforeAll(async () => {
    database = await createBenchDatabase(testServer().url)
    seed = await seedDatabase(database.ownerUrl, {
      tenants: 2,
      pillarsPerTenant: 2,
      topicsPerTenant: 100,
      largeTenantTopics: 200,
      voiceExamplesPerTenant: 6,
    })
    clients = await openClients(database, 2)
  })

  afterAll(async () => {
    await clients?.close()
    await database?.remove()
  })

  it.each(scenarios)('runs on every side, and compares sides that it has: $name', async (scenario) => {
    const sides = scenario.sides(clients, seed)
    const names = Object.keys(sides) as SideName[]
    expect(names).toEqual(expect.arrayContaining(['ours', 'raw']))
    for (const name of names) await expect(sides[name]?.(1)).resolves.toBeDefined()
    for (const { of = 'ours', against } of scenario.targets) {
      expect(names).toContain(of)
      expect(names).toContain(against)
    }
  })
})
