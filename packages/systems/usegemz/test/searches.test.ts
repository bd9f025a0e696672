/** Campaigns, their searches, and what workers find. */
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jobClaims } from '../src/index.ts'
import type { SearchInput } from '../src/types.ts'
import { instagramSimilar, tiktokKeyword, tiktokSimilar, youtubeKeyword } from './support/creators.ts'
import {
  byKeyword,
  claimed,
  type GemsDatabase,
  gemsDatabase,
  launched,
  NOBODY,
  person,
} from './support/gems.ts'

let place: GemsDatabase
beforeAll(async () => {
  place = await gemsDatabase()
})
afterAll(() => place?.close())

const similar = (platform: 'TikTok' | 'Instagram'): SearchInput => ({
  searchType: 'similar',
  platform,
  targetUsername: '@creator',
})
const KINDS = [
  ['TikTok by keyword', byKeyword, tiktokKeyword()],
  ['TikTok by likeness', similar('TikTok'), tiktokSimilar()],
  ['Instagram by likeness', similar('Instagram'), instagramSimilar()],
  [
    'YouTube by keyword',
    { searchType: 'keyword', platform: 'YouTube', keywords: ['desk'] } satisfies SearchInput,
    youtubeKeyword(),
  ],
] as const

describe('a campaign', () => {
  test('is launched with its first search, which has what was said and the documented defaults', async () => {
    const ann = await person(place)
    const { campaign, job } = await ann.scope.campaigns.launch({
      name: 'TikTok Keyword Search',
      search: { ...byKeyword, searchParams: { sort: 'likes' } },
    })
    expect(campaign).toMatchObject({ status: 'active', searchType: 'keyword', description: null })
    expect(job).toMatchObject({
      campaignId: campaign.id,
      platform: 'TikTok',
      keywords: ['fitness'],
      targetUsername: null,
      searchParams: { sort: 'likes' },
      region: 'US',
      status: 'pending',
      targetResults: 1000,
      progress: 0,
    })
  })

  test('is not there when its search can’t be: both or neither', async () => {
    const ann = await person(place)
    const search = { ...byKeyword, keywords: ['a'] }
    // What passes the input's check and is refused by the database.
    await place.rows(`alter table scraping_jobs add constraint refuse check (keywords <> '["a"]')`)
    await expect(ann.scope.campaigns.launch({ name: 'x', search })).rejects.toMatchObject({
      code: 'TENANTRY_CHECK',
    })
    await place.rows('alter table scraping_jobs drop constraint refuse')
    expect(await ann.scope.campaigns.count()).toBe(0)
    const launchedOne = ann.scope.campaigns.launch({ name: 'x', search })
    expect(await launchedOne).toMatchObject({ job: { keywords: ['a'] } })
  })

  test('goes from draft to active, completed, archived and back, and never elsewhere', async () => {
    const { scope } = await person(place)
    const draft = await scope.campaigns.create({ name: 'x', searchType: 'similar' })
    expect(draft.status).toBe('draft')
    const stale = { code: 'TENANTRY_STALE_TRANSITION' }
    await expect(scope.campaigns.complete(draft.id)).rejects.toMatchObject(stale)
    expect(await scope.campaigns.activate(draft.id)).toMatchObject({ status: 'active' })
    await expect(scope.campaigns.activate(draft.id)).rejects.toMatchObject(stale)
    expect(await scope.campaigns.complete(draft.id)).toMatchObject({ status: 'completed' })
    expect(await scope.campaigns.archive(draft.id)).toMatchObject({ status: 'archived' })
    expect(await scope.campaigns.activate(draft.id)).toMatchObject({ status: 'active' })
    await expect(scope.campaigns.activate(NOBODY)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  })

  test('takes another search of its kind while it is active', async () => {
    const ann = await person(place)
    const { campaign } = await launched(ann)
    const start = (search: SearchInput) => ann.scope.jobs.start({ campaignId: campaign.id, search })
    expect(await start({ ...byKeyword, platform: 'YouTube' })).toMatchObject({
      campaignId: campaign.id,
      platform: 'YouTube',
    })
    await expect(start(similar('TikTok'))).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION' })
    await ann.scope.campaigns.complete(campaign.id)
    await expect(start(byKeyword)).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
    expect(await ann.scope.jobs.count({ where: { campaignId: campaign.id } })).toBe(2)
  })

  test('with searches can’t be removed, one without can', async () => {
    const ann = await person(place)
    const { campaign } = await launched(ann)
    await expect(ann.scope.campaigns.remove(campaign.id)).rejects.toMatchObject({
      code: 'TENANTRY_FOREIGN_KEY',
    })
    const empty = await ann.scope.campaigns.create({ name: 'x', searchType: 'keyword' })
    expect(await ann.scope.campaigns.remove(empty.id)).toEqual(empty)
  })
})

describe('a search', () => {
  test.each(KINDS)('on %s keeps what it finds, and is read with its campaign', async (_, search, creator) => {
    const ann = await person(place)
    const { campaign, job } = await launched(ann, search)
    await ann.service.jobs.record(await claimed(place, ann), { creators: [creator], cursor: 20 })
    const detail = await ann.scope.jobs.detail(job.id)
    expect(detail).toMatchObject({ cursor: 20, processedResults: 1, processedRuns: 1, progress: 0.1 })
    expect(detail.campaign).toEqual(campaign)
    expect(detail.results).toEqual(await ann.scope.results.list().then(({ items }) => items))
    expect(detail.results.map(({ creators }) => creators)).toEqual([[creator]])
  })

  test('is read with all it has found, the newest first, in one statement', async () => {
    const ann = await person(place)
    const { job } = await launched(ann)
    const claim = await claimed(place, ann)
    for (const batch of [['@a', '@b'], ['@c'], []]) {
      await ann.service.jobs.record(claim, { creators: batch.map(tiktokKeyword), cursor: batch.length })
    }
    const { results, processedRuns, cursor } = await ann.scope.jobs.detail(job.id)
    expect([processedRuns, cursor]).toEqual([3, 0])
    const handles = (creators: readonly object[]) =>
      creators.map((creator) => (creator as ReturnType<typeof tiktokKeyword>).creator.uniqueId)
    expect(results.map(({ creators }) => handles(creators))).toEqual([['@c'], ['@a', '@b']])
    expect(handles(await ann.scope.results.creatorsOf(job.id))).toEqual(['@c', '@a', '@b'])
    await expect(ann.scope.jobs.detail(NOBODY)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  })

  test('without a campaign is read without one', async () => {
    const ann = await person(place)
    const job = await ann.scope.jobs.create({ platform: 'TikTok', keywords: ['x'] })
    expect(await ann.scope.jobs.detail(job.id)).toMatchObject({ campaign: null, results: [] })
  })

  test('has its progress from the counts, and never more than a hundred', async () => {
    const ann = await person(place)
    const { job } = await launched(ann, { ...byKeyword, targetResults: 3 })
    const claim = await claimed(place, ann)
    const progress = []
    for (let page = 0; page < 4; page += 1) {
      const { progress: now } = await ann.service.jobs.record(claim, { creators: [tiktokKeyword()] })
      progress.push(now)
    }
    expect(progress).toEqual([33.33, 66.67, 100, 100])
    await expect(
      place.rowsAs(ann.userId, 'update scraping_jobs set processed_results = 50 where id = $1', [job.id]),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await expect(place.rows('update scraping_jobs set progress = 50')).rejects.toThrow()
  })

  test('remembers where it runs outside', async () => {
    const ann = await person(place)
    const { job } = await launched(ann)
    await ann.service.jobs.track(job.id, { qstashMessageId: 'msg_1' })
    expect(await ann.service.jobs.track(job.id, { runId: 'run_1' })).toMatchObject({
      qstashMessageId: 'msg_1',
      runId: 'run_1',
    })
    await expect(ann.scope.jobs.track(job.id, { runId: 'x' })).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
    await expect(ann.service.jobs.track(NOBODY, { runId: 'x' })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
  })
})

describe('a worker’s find', () => {
  test('of another shape than the search’s is refused, each field named, and nothing is kept or counted', async () => {
    for (const [kind, search, own] of KINDS) {
      const ann = await person(place)
      const { job } = await launched(ann, search)
      const claim = await claimed(place, ann)
      const foreign = KINDS.map(([, , creator]) => creator).filter((creator) => creator !== own)
      for (const creator of [...foreign, { ...own, platform: 'Tiktok' }, {}, null, 'x', [own]]) {
        await expect(
          ann.service.jobs.record(claim, { creators: [own, creator] }),
          kind,
        ).rejects.toMatchObject({
          code: 'TENANTRY_VALIDATION',
          issues: expect.arrayContaining([
            expect.objectContaining({ path: expect.stringMatching(/^creators\.1/) }),
          ]),
        })
      }
      expect(await ann.scope.jobs.get(job.id)).toMatchObject({ processedResults: 0, processedRuns: 0 })
      expect(await ann.scope.results.count()).toBe(0)
    }
  })

  test('of another shape is refused by the database too, by raw SQL', async () => {
    const ann = await person(place)
    const insert = (creators: unknown, jobId: string | null = null) =>
      place.rows('insert into scraping_results (user_id, job_id, creators) values ($1, $2, $3)', [
        ann.userId,
        jobId,
        JSON.stringify(creators),
      ])
    const bad: readonly unknown[] = [
      {},
      'x',
      null,
      [null],
      ['TikTok'],
      [[tiktokKeyword()]],
      [{}],
      [{ ...tiktokKeyword(), platform: 'Tiktok' }],
      [{ ...tiktokKeyword(), platform: ['TikTok'] }],
      [{ ...tiktokKeyword(), platform: 1 }],
      [{ ...tiktokKeyword(), creator: 'Mara' }],
      [{ ...tiktokKeyword(), creator: [tiktokKeyword().creator] }],
      [{ ...tiktokKeyword(), video: [tiktokKeyword().video] }],
      [{ ...tiktokSimilar(), searchType: ['similar'] }],
      [{ ...tiktokKeyword(), creator: { ...tiktokKeyword().creator, uniqueId: 1 } }],
      [{ ...tiktokKeyword(), video: null }],
      [{ ...tiktokKeyword(), searchType: 'other' }],
      [{ ...tiktokSimilar(), targetUsername: null }],
      [{ ...instagramSimilar(), username: undefined }],
      [{ ...instagramSimilar(), id: 1 }],
      [{ ...youtubeKeyword(), video: { description: 'x' } }],
      [{ ...youtubeKeyword(), creator: {} }],
      [tiktokKeyword(), {}],
    ]
    for (const creators of bad) {
      await expect(insert(creators), JSON.stringify(creators)).rejects.toMatchObject({
        code: 'TENANTRY_CHECK',
        constraint: 'scraping_results_creators_check',
      })
    }
    for (const [, , creator] of KINDS) await insert([creator])
    await insert([])
    expect(await ann.scope.results.count()).toBe(KINDS.length + 1)
  })

  test('of another search’s kind is refused by the database, whoever writes it', async () => {
    for (const [, search, own] of KINDS) {
      const ann = await person(place)
      const { job } = await launched(ann, search)
      for (const [, , creator] of KINDS) {
        const write = place.rows(
          'insert into scraping_results (user_id, job_id, creators) values ($1, $2, $3)',
          [ann.userId, job.id, JSON.stringify([creator])],
        )
        if (creator === own) await write
        else await expect(write).rejects.toMatchObject({ constraint: 'scraping_results_creators_of_job' })
      }
      await expect(
        ann.service.results.create({
          jobId: job.id,
          creators: [KINDS.find(([, , c]) => c !== own)?.[2] ?? own],
        }),
      ).rejects.toMatchObject({ code: 'TENANTRY_CHECK' })
    }
  })

  test('without the claim’s token, or after it, is refused and not kept', async () => {
    const ann = await person(place)
    const { job } = await launched(ann)
    const claim = await claimed(place, ann)
    const stale = { code: 'TENANTRY_STALE_TRANSITION' }
    await expect(
      ann.service.jobs.record({ ...claim, token: NOBODY }, { creators: [tiktokKeyword()] }),
    ).rejects.toMatchObject(stale)
    await jobClaims.finish(place.gems.serviceExecutor(), claim)
    await expect(ann.service.jobs.record(claim, { creators: [tiktokKeyword()] })).rejects.toMatchObject(stale)
    expect(await ann.scope.jobs.get(job.id)).toMatchObject({ status: 'completed', processedResults: 0 })
    expect(await ann.scope.results.count()).toBe(0)
    await expect(ann.scope.jobs.record(claim, { creators: [] })).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
  })
})

describeOnServer('searches under load', () => {
  test('no count is lost when many find at once', async () => {
    const ann = await person(place)
    const { job } = await launched(ann, { ...byKeyword, targetResults: 200 })
    const claim = await claimed(place, ann)
    await Promise.all(
      Array.from({ length: 25 }, (_, page) =>
        ann.service.jobs.record(claim, {
          creators: [tiktokKeyword(), tiktokKeyword()],
          cursor: page,
          runs: 2,
        }),
      ),
    )
    expect(await ann.scope.jobs.get(job.id)).toMatchObject({
      processedRuns: 50,
      processedResults: 50,
      progress: 25,
    })
    expect(await ann.scope.results.creatorsOf(job.id)).toHaveLength(50)
  })
})
