/** Rows that all tenants read and none writes; policies that a host gives one name. */
import { sql } from 'drizzle-orm'
import { boolean, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectIsolated, isolationMutations, seedTenants, type TestDatabase } from '@tenantry/testing'
import {
  bindReading,
  bindTenant,
  defineTenancy,
  serviceExecutor,
  tenantExecutor,
  verifyIsolation,
} from '../src/index.ts'
import { tablePolicies } from '../src/policies.ts'
import * as recipes from './support/recipes.ts'
import { asOwner, createSystem } from './support/setup.ts'

describe('shared rows', () => {
  let place: TestDatabase
  beforeAll(async () => {
    place = await createSystem('recipes', recipes)
    await asOwner(place.database, recipes.seed(recipes.SHARED, 'Bread'), recipes.seed('ann', 'Soup'))
  })
  afterAll(() => place?.close())

  const executor = (userId: string) => tenantExecutor(place.database, recipes.tenancy, { userId })
  const ask = (userId: string, query: string, params: readonly unknown[] = []) =>
    executor(userId).run({ text: query, params, gated: false, once: true })
  const titles = async (userId: string) =>
    (await ask(userId, 'select title from recipes order by title')).rows.map(([title]) => title)

  test('are seen by every tenant beside their own rows', async () => {
    expect(await titles('ann')).toEqual(['Bread', 'Soup'])
    expect(await titles('ben')).toEqual(['Bread'])
  })

  test('are seen by nobody without a context', async () => {
    const seen = await place.database.driver.transaction({}, async (connection) => {
      await connection.query({ text: 'set local role tenantry_tenant', params: [] })
      return (await connection.query({ text: 'select from recipes', params: [] })).rows
    })
    expect(seen).toEqual([])
  })

  // Whoever calls themselves by the tenant of shared rows is no exception.
  test.each(['ann', recipes.SHARED])('are written by no tenant, such as %s', async (userId) => {
    await ask(userId, `update recipes set title = 'Stone'`)
    await ask(userId, `delete from recipes where title = 'Bread'`)
    expect((await ask(userId, `select from recipes where title = 'Bread' for update`)).rows).toEqual([])
    for (const statement of [
      `insert into recipes (cook, title) values ('${recipes.SHARED}', 'Stone')`,
      `update recipes set cook = '${recipes.SHARED}'`,
      `merge into recipes using (select 1) as one on true when matched then delete`,
    ]) {
      await expect(ask(userId, statement), statement).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
    await asOwner(place.database, sql`update public.recipes set title = 'Soup' where cook = 'ann'`)
    expect(await titles('ben')).toEqual(['Bread'])
  })

  test('are read by name through a bound executor, and written by the service role', async () => {
    expect(bindReading(executor('ann'), recipes.tenancy, recipes.SHARED)).toMatchObject({
      role: 'tenant',
      tenant: recipes.SHARED,
    })
    expect(() => bindReading(executor('ann'), recipes.tenancy, 'ben')).toThrow('Nobody reads')
    const service = bindTenant(serviceExecutor(place.database), recipes.SHARED)
    const insert = `insert into recipes (cook, title) values ('${recipes.SHARED}', 'Cake')`
    await service.run({ text: insert, params: [], gated: false })
    expect(await titles('ben')).toEqual(['Bread', 'Cake'])
  })

  test('are found by an index that leads with the tenant, with the context evaluated once', async () => {
    await asOwner(
      place.database,
      sql`insert into public.recipes (cook, title) select 'cook ' || n, 'x' from generate_series(1, 5000) as n`,
      sql`analyze public.recipes`,
    )
    const { rows } = await ask('ann', 'explain (costs off) select * from recipes')
    const plan = rows.map(([line]) => String(line)).join('\n')
    expect(plan).toMatch(/Index Cond: \(cook = ANY \(ARRAY\[.*InitPlan.*InitPlan.*\]\)\)/)
    await asOwner(place.database, sql`delete from public.recipes where title = 'x'`)
  })

  test('are verified, tried by expectIsolated, and every loosened policy is noticed', async () => {
    const target = { database: place.database, definition: recipes }
    const verify = () =>
      place.database.driver.transaction({}, (connection) => verifyIsolation(connection, recipes))
    expect(await verify()).toEqual([])
    const seed = async (tenant: 1 | 2) => {
      const userId = `seeded ${tenant} ${crypto.randomUUID()}`
      await asOwner(place.database, recipes.seed(userId, `Recipe of tenant ${tenant}`))
      return { userId }
    }
    await expectIsolated(target, { seed })
    expect(await isolationMutations(target, await seedTenants(target, { seed }))).toEqual([])
  })

  test('that a tenant could write are a leak to expectIsolated', async () => {
    const opened = `drop policy recipes_isolation_update on recipes;
      create policy open on recipes for update to tenantry_tenant using (true) with check (true)`
    const closed = `drop policy open on recipes;
      create policy recipes_isolation_update on recipes as restrictive for update to tenantry_tenant
        using (cook = (select tenantry.current_user_text()) and cook <> '${recipes.SHARED}')
        with check (cook = (select tenantry.current_user_text()) and cook <> '${recipes.SHARED}')`
    const { driver } = place.database
    await driver.transaction({}, (connection) => connection.script(opened))
    try {
      const seed = async (tenant: 1 | 2) => {
        const userId = `leaking ${tenant}`
        await asOwner(place.database, recipes.seed(userId, `Recipe ${tenant} of one who leaks`))
        return { userId }
      }
      await expect(
        expectIsolated({ database: place.database, definition: recipes }, { seed }),
      ).rejects.toThrow(/of shared rows, update/)
    } finally {
      await driver.transaction({}, (connection) => connection.script(closed))
    }
  })
})

describe('policies of one name', () => {
  test('are one policy for all commands, beside the restrictive ones', async () => {
    const [classified] = recipes.tenancy.tables
    if (classified === undefined) throw new Error('no table')
    const own = `"cook" = (select tenantry.current_user_text()) and "cook" <> 'house'`
    expect(
      tablePolicies(recipes.tenancy, classified)
        .filter(({ name }) => name === 'recipes_all')
        .map(({ command, as, using, check }) => ({ command, as, using, check })),
    ).toEqual([{ command: 'all', as: 'permissive', using: own, check: own }])
  })

  test('are refused where readers see more than they may write', () => {
    const people = pgTable('people', { id: uuid('id').primaryKey(), admin: boolean('admin').notNull() })
    const tenancy = defineTenancy({
      kind: 'user-uuid',
      schema: { people },
      readers: { table: people, user: people.id, condition: 'reader.admin' },
      policyName: (table, policy) => (/^(select|update|delete)$/.test(policy) ? `${table}_all` : policy),
      tables: { people: { class: 'tenant', column: 'id' } },
    })
    const [classified] = tenancy.tables
    expect(() => classified && tablePolicies(tenancy, classified)).toThrow('give `select` a name of its own')
  })
})

describe('a declaration of shared rows', () => {
  const notes = pgTable('notes', { id: uuid('id').primaryKey(), userId: uuid('user_id').notNull() })
  const labels = pgTable('labels', { id: uuid('id').primaryKey(), userId: text('user_id').notNull() })

  test.each([['house'], ['']])('needs an id of the tenancy’s kind, which "%s" is not', (shared) => {
    expect(() =>
      defineTenancy({
        kind: 'user-uuid',
        schema: { notes },
        tables: { notes: { class: 'tenant', column: 'userId', shared } },
      }),
    ).toThrow('the tenant is a uuid')
  })

  test('is refused for rows that nobody may read', () => {
    expect(() =>
      defineTenancy({
        kind: 'user-text',
        schema: { labels },
        tables: { labels: { class: 'tenant', column: 'userId', shared: 'house', select: false } },
      }),
    ).toThrow('no tenant may read')
  })
})
