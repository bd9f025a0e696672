/** Plans in a system: what they add is isolated and verified as everything else, and undone by nobody unseen. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { generateMigration } from '@tenantry/ddl/generate'
import { defineTenancy } from '@tenantry/rls'
// By path: it stands above this package.
import { defineSystem } from '../../system/src/index.ts'
import { createTestSystem, expectIsolated } from '@tenantry/testing'
import { beforeAll, expect, it } from 'vitest'
import { plans, schema } from './support/studio.ts'

const own = { class: 'tenant', column: 'userId' } as const
const readOnly = { ...own, insert: false, update: false, delete: false } as const
const directory = mkdtempSync(join(tmpdir(), 'tenantry-plans-'))

const studio = defineSystem({
  name: 'studio',
  schema,
  tenancy: defineTenancy({
    kind: 'user-uuid',
    schema,
    tables: { subscriptions: readOnly, drafts: own, pillars: own, files: own, requests: own },
  }),
  modules: [plans.module],
  repositories: {},
  migrations: pathToFileURL(`${directory}/`),
})

beforeAll(async () => {
  const { name, schema: all, objects } = studio.definition
  await generateMigration({ name, schema: all, objects, directory })
})

it('are verified, and nothing of another tenant is reached through them', async () => {
  await using test = await createTestSystem(studio)
  expect(await test.system.verify()).toEqual([])
  await expectIsolated(test.system, {
    seed: async () => {
      const userId = crypto.randomUUID()
      await test.make('subscriptions', { userId, plan: 'agency', status: 'active' })
      await test.makeEach(userId)
      return { userId }
    },
  })
})

it('are missed when a trigger or a counter is tampered with', async () => {
  await using test = await createTestSystem(studio)
  const codes = async () => (await test.system.verify()).map(({ code }) => code)
  await test.rows('grant update (plan) on subscriptions to tenantry_tenant')
  expect(await codes()).toContain('limit-plan-writable')
  await test.rows('revoke update (plan) on subscriptions from tenantry_tenant')
  await test.rows('alter table pillars disable trigger limit_guard_insert')
  await test.rows(`insert into pillars (user_id) values (gen_random_uuid())`)
  expect(await codes()).toEqual(expect.arrayContaining(['trigger-disabled', 'limit-counter-differs']))
  await test.rows('alter table pillars enable always trigger limit_guard_insert')
  await test.system.runJob('limits-recount-pillars')
  expect(await codes()).toEqual([])
})

it('count what a table holds already when they come to it', async () => {
  const owner = crypto.randomUUID()
  const before = mkdtempSync(join(tmpdir(), 'tenantry-plans-'))
  const definition = { name: 'studio', schema, tenancy: studio.definition.tenancy, repositories: {} }
  const plain = defineSystem({
    ...definition,
    tenancy: defineTenancy({
      kind: 'user-uuid',
      schema,
      tables: { subscriptions: readOnly, drafts: own, pillars: own, files: own, requests: own },
    }),
    migrations: pathToFileURL(`${before}/`),
  })
  const next = async (objects: typeof plain.definition.objects, all: Readonly<Record<string, unknown>>) =>
    generateMigration({ name: 'studio', schema: all, objects, directory: before })
  await next(plain.definition.objects, plain.definition.schema)
  await using test = await createTestSystem(plain)
  await test.rows('insert into pillars (user_id) select $1::uuid from generate_series(1, 3)', [owner])
  await next(studio.definition.objects, studio.definition.schema)
  await test.system.migrate()
  expect(
    await test.rows('select used::int from tenantry.limit_counters where account = $1 and feature = $2', [
      owner,
      'pillars',
    ]),
  ).toEqual([{ used: 3 }])
  await expect(test.rows('insert into pillars (user_id) values ($1)', [owner])).rejects.toMatchObject({
    used: 3,
    limit: 1,
  })
})
