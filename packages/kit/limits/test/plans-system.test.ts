/** Plans in a system: what they add is isolated and verified as everything else, and undone by nobody unseen. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { defineTenancy, isolationCheck, tenancyObjects } from '@tenantry/rls'
import { createTestDatabase, expectIsolated, rowFactory } from '@tenantry/testing'
import { getTableName } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { classes, createStudio, plans, schema, type Studio } from './support/studio.ts'

const objectsOf = ({ tenancy }: Studio) => [...tenancyObjects(tenancy), ...plans.module.objects]

async function codes(test: Studio): Promise<readonly string[]> {
  const checks = [isolationCheck(test.tenancy, objectsOf(test)), ...(plans.module.checks ?? [])]
  return test.database.driver.transaction({}, async (connection) => {
    const found: string[] = []
    for (const check of checks) found.push(...(await check.run(connection)).map(({ code }) => code))
    return found
  })
}

it('are verified, and nothing of another tenant is reached through them', async () => {
  await using test = await createStudio()
  expect(await codes(test)).toEqual([])
  const target = {
    database: test.database,
    definition: { tenancy: test.tenancy, objects: objectsOf(test), schema },
  }
  const { make, makeEach } = rowFactory(target)
  await expectIsolated(target, {
    seed: async () => {
      const userId = crypto.randomUUID()
      await make('subscriptions', { userId, plan: 'agency', status: 'active' })
      await makeEach(userId)
      return { userId }
    },
  })
})

it('are missed when a trigger, a counter or a grant is tampered with', async () => {
  await using test = await createStudio()
  await test.raw('grant update (plan) on subscriptions to tenantry_tenant')
  expect(await codes(test)).toContain('limit-plan-writable')
  await test.raw('revoke update (plan) on subscriptions from tenantry_tenant')
  await test.raw('alter table pillars disable trigger limit_guard_insert')
  await test.raw(`insert into pillars (user_id) values (gen_random_uuid())`)
  expect(await codes(test)).toEqual(expect.arrayContaining(['trigger-disabled', 'limit-counter-differs']))
  await test.raw('alter table pillars enable always trigger limit_guard_insert')
  const job = plans.module.jobs?.find(({ name }) => name === 'limits-recount-pillars')
  await test.database.driver.session(async (session) => job?.run(session))
  expect(await codes(test)).toEqual([])
})

it('count what a table holds already when they come to it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'tenantry-plans-'))
  await using test = await createTestDatabase()
  const { driver } = test.database
  const next = async (
    all: Readonly<Record<string, unknown>>,
    objects: Parameters<typeof generateMigration>[0]['objects'],
  ) => {
    await generateMigration({ name: 'studio', schema: all, objects, directory })
    await migrate(driver, { system: 'studio', migrations: directory })
  }
  try {
    await next(schema, tenancyObjects(defineTenancy({ kind: 'user-uuid', schema, tables: classes })))
    const owner = crypto.randomUUID()
    const insert = {
      text: 'insert into pillars (user_id) select $1::uuid from generate_series(1, $2::integer)',
    }
    await driver.query({ ...insert, params: [owner, 3] })
    const drafts = (text: string) => driver.query({ text, params: [owner] })
    await drafts(`insert into drafts (user_id, status) select $1::uuid, 'posted' from generate_series(1, 3)`)
    await drafts('insert into drafts (user_id) values ($1::uuid)')

    await using whole = await createStudio()
    const tables = (plans.module.tables ?? []).map(({ table }) => [getTableName(table), table] as const)
    await next({ ...schema, ...Object.fromEntries(tables) }, objectsOf(whole))
    const { rows } = await driver.query({
      text: `select used::float8 from tenantry.limit_counters where account = $1 and feature = 'pillars'`,
      params: [owner],
    })
    expect(rows).toEqual([[3]])
    await expect(driver.query({ ...insert, params: [owner, 1] })).rejects.toMatchObject({ used: 3, limit: 1 })
    // The free plan has no post: what was posted before costs none, what is posted from now on does.
    await drafts(`update drafts set status = 'approved' where user_id = $1::uuid and status = 'posted'`)
    await expect(
      drafts(`update drafts set status = 'posted' where user_id = $1::uuid and status = 'draft'`),
    ).rejects.toMatchObject({ feature: 'posts', limit: 0 })
  } finally {
    rmSync(directory, { recursive: true })
  }
})
