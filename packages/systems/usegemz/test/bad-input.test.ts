/** Wrong input: an error that names each field, and nothing written. */
import type { TenantryError } from '@tenantry/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { byKeyword, type GemsDatabase, gemsDatabase, NOBODY, person, type Person } from './support/gems.ts'

let place: GemsDatabase
let ann: Person
beforeAll(async () => {
  place = await gemsDatabase()
  ann = await person(place)
})
afterAll(() => place?.close())

/** As a caller without types would. */
type Untyped = Record<string, Record<string, (...args: unknown[]) => Promise<unknown>>>
const scope = () => ann.scope as unknown as Untyped
const service = () => ann.service as unknown as Untyped

const WRONG: readonly [string, () => Promise<unknown> | undefined, string[]][] = [
  [
    'a campaign without a name',
    () => scope()['campaigns']?.['create']?.({ searchType: 'keyword' }),
    ['name'],
  ],
  [
    'a campaign of an unknown kind',
    () => scope()['campaigns']?.['create']?.({ name: 'x', searchType: 'hashtag' }),
    ['searchType'],
  ],
  [
    'a campaign of somebody else',
    () => scope()['campaigns']?.['create']?.({ name: 'x', searchType: 'keyword', userId: 'user_b' }),
    ['userId'],
  ],
  [
    'a campaign that begins completed',
    () => scope()['campaigns']?.['create']?.({ name: 'x', searchType: 'keyword', status: 'completed' }),
    ['status'],
  ],
  ['a launch without a search', () => scope()['campaigns']?.['launch']?.({ name: 'x' }), ['search']],
  [
    'a platform in another case',
    () => scope()['campaigns']?.['launch']?.({ name: 'x', search: { ...byKeyword, platform: 'Tiktok' } }),
    ['search.platform'],
  ],
  [
    'Instagram by keyword',
    () => scope()['campaigns']?.['launch']?.({ name: 'x', search: { ...byKeyword, platform: 'Instagram' } }),
    ['search.platform'],
  ],
  [
    'YouTube by likeness',
    () =>
      scope()['campaigns']?.['launch']?.({
        name: 'x',
        search: { searchType: 'similar', platform: 'YouTube', targetUsername: '@x' },
      }),
    ['search.platform'],
  ],
  [
    'no keywords',
    () => scope()['campaigns']?.['launch']?.({ name: 'x', search: { ...byKeyword, keywords: [] } }),
    ['search.keywords'],
  ],
  [
    'a blank keyword',
    () => scope()['campaigns']?.['launch']?.({ name: 'x', search: { ...byKeyword, keywords: ['a', ' '] } }),
    ['search.keywords.1'],
  ],
  [
    'a target of nothing',
    () => scope()['campaigns']?.['launch']?.({ name: 'x', search: { ...byKeyword, targetResults: 0 } }),
    ['search.targetResults'],
  ],
  [
    'a region that is none',
    () => scope()['campaigns']?.['launch']?.({ name: 'x', search: { ...byKeyword, region: 'Germany' } }),
    ['search.region'],
  ],
  [
    'a NUL in the parameters of a search',
    () =>
      scope()['campaigns']?.['launch']?.({ name: 'x', search: { ...byKeyword, searchParams: { a: '\0' } } }),
    ['search.searchParams'],
  ],
  [
    'a search for both',
    () => scope()['jobs']?.['create']?.({ platform: 'TikTok', keywords: ['x'], targetUsername: '@y' }),
    ['keywords'],
  ],
  ['a search for nothing', () => scope()['jobs']?.['create']?.({ platform: 'TikTok' }), ['keywords']],
  [
    'a search that is done already',
    () => scope()['jobs']?.['create']?.({ keywords: ['x'], status: 'completed', processedResults: 9 }),
    ['processedResults', 'status'],
  ],
  [
    'a campaign’s id that is none',
    () => scope()['jobs']?.['start']?.({ campaignId: "'; --", search: byKeyword }),
    ['campaignId'],
  ],
  ['an id that is none', () => scope()['jobs']?.['detail']?.('x'), ['id']],
  [
    'an onboarding without a name',
    () => scope()['profiles']?.['captureInfo']?.({ fullName: ' ', businessName: 'x' }),
    ['fullName'],
  ],
  ['a description of nothing', () => scope()['profiles']?.['describe']?.({}), ['']],
  [
    'a description that makes an administrator',
    () => scope()['profiles']?.['describe']?.({ isAdmin: true }),
    ['', 'isAdmin'],
  ],
  [
    'a change that makes an administrator',
    () => scope()['profiles']?.['update']?.(ann.profile.id, { isAdmin: true }),
    ['isAdmin'],
  ],
  ['a sign-up without an id', () => service()['profiles']?.['signUp']?.({ userId: '' }), ['userId']],
  [
    'a sign-up with a wrong address',
    () => service()['profiles']?.['signUp']?.({ userId: 'user_x', email: 'x' }),
    ['email'],
  ],
  [
    'a sign-up that begins a trial',
    () => service()['profiles']?.['signUp']?.({ userId: 'user_x', trialStatus: 'active' }),
    ['trialStatus'],
  ],
  [
    'an unknown status of a subscription',
    () => service()['profiles']?.['syncSubscription']?.({ subscriptionStatus: 'cancelled' }),
    ['subscriptionStatus'],
  ],
  [
    'an e-mail without a status',
    () => service()['profiles']?.['noteEmail']?.('welcome', { sentAt: 'yesterday' }),
    ['sentAt', 'status'],
  ],
  [
    'results of no shape',
    () => service()['results']?.['create']?.({ jobId: NOBODY, creators: [{ platform: 'TikTok' }] }),
    ['creators.0.creator', 'creators.0.hashtags', 'creators.0.video'],
  ],
  [
    'results of an unknown platform',
    () => service()['results']?.['create']?.({ creators: [{ platform: 'Vimeo' }] }),
    ['creators.0.platform'],
  ],
  ['results that are no list', () => service()['results']?.['create']?.({ creators: {} }), ['creators']],
  ['nobody as an administrator', () => service()['admins']?.['promote']?.(' '), ['']],
]

async function everything(): Promise<unknown> {
  const tables = ['user_profiles', 'campaigns', 'scraping_jobs', 'scraping_results', 'system_configurations']
  return Promise.all(tables.map((table) => place.rows(`select * from ${table} order by id`)))
}

test.each(WRONG)('%s is refused, each field named, and nothing is written', async (_, call, fields) => {
  const before = await everything()
  const error = await (call() ?? Promise.reject(new Error('no such verb'))).then(
    () => null,
    (thrown: TenantryError) => thrown,
  )
  expect(error).toMatchObject({ code: 'TENANTRY_VALIDATION' })
  const { issues = [] } = error as unknown as { issues?: { path: string }[] }
  expect(issues.map(({ path }) => path).toSorted()).toEqual(fields)
  expect(await everything()).toEqual(before)
})

describe('by raw SQL', () => {
  const insertJob = (columns: string, values: string) =>
    place.rows(`insert into scraping_jobs (user_id, ${columns}) values ('${ann.userId}', ${values})`)

  test.each([
    ['Instagram by keyword', 'platform, keywords', `'Instagram', '["x"]'`, 'scraping_jobs_search_check'],
    ['YouTube by likeness', 'platform, target_username', `'YouTube', '@x'`, 'scraping_jobs_search_check'],
    ['a search for both', 'keywords, target_username', `'["x"]', '@x'`, 'scraping_jobs_search_check'],
    ['a search for nothing', 'platform', `'TikTok'`, 'scraping_jobs_search_check'],
    ['the documented typo', 'platform, keywords', `'Tiktok', '["x"]'`, 'scraping_jobs_platform_check'],
    ['no keywords', 'keywords', `'[]'`, 'scraping_jobs_keywords_check'],
    ['keywords that are none', 'keywords', `'{"a": 1}'`, 'scraping_jobs_keywords_check'],
    ['a keyword that is a number', 'keywords', `'["a", 1]'`, 'scraping_jobs_keywords_check'],
    ['a blank keyword', 'keywords', `'["a", ""]'`, 'scraping_jobs_keywords_check'],
    ['a list in the list', 'keywords', `'[["a"]]'`, 'scraping_jobs_keywords_check'],
    ['a target of nothing', 'keywords, target_results', `'["x"]', 0`, 'scraping_jobs_target_results_check'],
    [
      'counts below zero',
      'keywords, processed_results',
      `'["x"]', -1`,
      'scraping_jobs_processed_results_check',
    ],
  ])('%s is refused', async (_, columns, values, constraint) => {
    await expect(insertJob(columns, values)).rejects.toMatchObject({ code: 'TENANTRY_CHECK', constraint })
  })

  test('the platform is TikTok unless it is said', async () => {
    await insertJob('keywords', `'["default"]'`)
    expect(await place.rows(`select platform from scraping_jobs where keywords = '["default"]'`)).toEqual([
      { platform: 'TikTok' },
    ])
  })
})
