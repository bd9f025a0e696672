/** People apart from each other, and administrators, who read everything and write what is theirs. */
import { expectIsolated, isolationMutations, seedTenants } from '@tenantry/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { campaigns } from '../src/schema/index.ts'
import { tiktokKeyword } from './support/creators.ts'
import {
  byKeyword,
  claimed,
  type GemsDatabase,
  gemsDatabase,
  launched,
  NOBODY,
  person,
} from './support/gems.ts'
import { seedEverything } from './support/rows.ts'

let place: GemsDatabase
beforeAll(async () => {
  place = await gemsDatabase()
})
afterAll(() => place?.close())

test('nothing departs from what is declared', async () => {
  expect(await place.gems.verify()).toEqual([])
})

const walk = {
  seed: () => seedEverything(place),
  /** An administrator. */
  async reader() {
    const { userId } = await person(place)
    await place.gems.asService().admins.promote(userId)
    return { userId }
  },
}

test('nobody reaches what is another’s, by any table, command or function; administrators read it, and write nothing', async () => {
  await expectIsolated(place.gems, walk)
})

test('no policy can be dropped or loosened unnoticed', { timeout: 120_000 }, async () => {
  const seeded = await seedTenants(place.gems, walk)
  expect(await isolationMutations(place.gems, seeded)).toEqual([])
})

describe('an administrator', () => {
  async function setup() {
    const [boss, ann] = [await person(place), await person(place)]
    await place.gems.asService().admins.promote(boss.userId)
    const { campaign, job } = await launched(ann)
    await ann.service.jobs.record(await claimed(place, ann), { creators: [tiktokKeyword()] })
    return { boss, ann, campaign, job }
  }

  test('reads everything of everybody, by raw SQL and by the repositories of whom they read', async () => {
    const { boss, ann, job } = await setup()
    for (const table of ['user_profiles', 'campaigns', 'scraping_jobs', 'scraping_results']) {
      const [row] = await place.rowsAs(
        boss.userId,
        `select count(*)::int as rows from ${table} where user_id = $1`,
        [ann.userId],
      )
      expect(row, table).toEqual({ rows: 1 })
    }
    const reading = boss.scope.reading(ann.userId)
    expect(await reading.profiles.mine()).toMatchObject({ userId: ann.userId })
    expect(await reading.jobs.detail(job.id)).toMatchObject({ processedResults: 1, results: [{}] })
    expect(await reading.results.creatorsOf(job.id)).toHaveLength(1)
  })

  test('reads the settings, which nobody else does', async () => {
    const { boss, ann } = await setup()
    await place.gems
      .asService()
      .configuration.set({ category: 'api', key: 'read_by_admins', valueType: 'boolean', value: true })
    expect(await boss.scope.configuration.read('api', 'read_by_admins')).toMatchObject({ value: true })
    await expect(ann.scope.configuration.read('api', 'read_by_admins')).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    expect(await ann.scope.configuration.readAll()).toEqual([])
  })

  test('writes nothing of anybody else’s, nor a setting', async () => {
    const { boss, ann, campaign, job } = await setup()
    const reading = boss.scope.reading(ann.userId)
    await expect(reading.campaigns.archive(campaign.id)).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
    await expect(reading.campaigns.update(campaign.id, { name: 'x' })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    await expect(reading.jobs.start({ campaignId: campaign.id, search: byKeyword })).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
    expect(await place.rowsAs(boss.userId, `update campaigns set name = 'x' returning id`)).toEqual([])
    expect(await place.rowsAs(boss.userId, 'delete from campaigns returning id')).toEqual([])
    await expect(
      place.rowsAs(boss.userId, `update system_configurations set value = 'x'`),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await expect(
      boss.scope.configuration.set({ category: 'a', key: 'b', valueType: 'boolean', value: true }),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    expect(await ann.scope.jobs.get(job.id)).toMatchObject({ processedResults: 1 })
  })

  test('makes others administrators and ends it, from the next statement on', async () => {
    const { boss, ann } = await setup()
    const others = async () => (await ann.scope.db.select().from(campaigns)).length
    const own = await others()
    await boss.scope.admins.promote(ann.userId)
    expect(await ann.scope.admins.isAdmin()).toBe(true)
    expect(await others()).toBeGreaterThan(own)
    expect((await boss.scope.admins.list()).map(({ userId }) => userId)).toEqual(
      expect.arrayContaining([ann.userId, boss.userId]),
    )
    await boss.scope.admins.demote(ann.userId)
    expect(await ann.scope.admins.isAdmin()).toBe(false)
    expect(await others()).toBe(own)
    expect(await ann.scope.admins.list()).toEqual([])
  })

  test('is never made by themselves, by whatever way, nor by one who is none', async () => {
    const { boss, ann } = await setup()
    const refused = { code: 'TENANTRY_ISOLATION' }
    await expect(ann.scope.admins.promote(ann.userId)).rejects.toMatchObject(refused)
    await expect(ann.scope.admins.promote(boss.userId)).rejects.toMatchObject(refused)
    await expect(boss.scope.admins.promote(boss.userId)).rejects.toMatchObject(refused)
    await expect(boss.scope.admins.demote(boss.userId)).rejects.toMatchObject(refused)
    for (const userId of [ann.userId, boss.userId]) {
      await expect(
        place.rowsAs(userId, 'update user_profiles set is_admin = true where user_id = $1', [userId]),
      ).rejects.toMatchObject(refused)
    }
    expect(await ann.scope.admins.isAdmin()).toBe(false)
    await expect(boss.scope.admins.promote('user_unknown')).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    await expect(place.gems.asService().admins.promote('user_unknown')).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
  })

  test('sees nothing beyond without their context, or after having been struck off', async () => {
    const { boss, ann } = await setup()
    await place.gems.asService().admins.demote(boss.userId)
    expect(
      await place.rowsAs(boss.userId, 'select 1 from campaigns where user_id = $1', [ann.userId]),
    ).toEqual([])
    await expect(boss.scope.reading(ann.userId).profiles.mine()).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
  })
})

test('a reference into another person’s rows is refused as a missing one is', async () => {
  const [ann, ben] = [await person(place), await person(place)]
  const { campaign } = await launched(ann)
  for (const campaignId of [campaign.id, NOBODY]) {
    await expect(
      ben.scope.jobs.create({ campaignId, platform: 'TikTok', keywords: ['x'] }),
    ).rejects.toMatchObject({ code: 'TENANTRY_FOREIGN_KEY', constraint: 'scraping_jobs_campaign_id_fkey' })
    await expect(ben.scope.jobs.start({ campaignId, search: byKeyword })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
  }
})
