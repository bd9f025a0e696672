import { describe, expect, expectTypeOf, test } from 'vitest'
import type * as schema from '../src/schema/index.ts'
import * as types from '../src/types.ts'
import { instagramSimilar, tiktokKeyword, tiktokSimilar, youtubeKeyword } from './support/creators.ts'

describe('@tenantry/usegemz/types', () => {
  test('describes each row as the schema does, once JSON has made text of its dates', () => {
    type Json<T> = {
      [K in keyof T]: T[K] extends Date ? string : T[K] extends Date | null ? string | null : T[K]
    }
    type Row<T extends keyof typeof schema> = (typeof schema)[T] extends { $inferSelect: infer R }
      ? Json<R>
      : never
    expectTypeOf<types.UserProfileJson>().toEqualTypeOf<Row<'userProfiles'>>()
    expectTypeOf<types.CampaignJson>().toEqualTypeOf<Row<'campaigns'>>()
    expectTypeOf<keyof types.ScrapingJobJson>().toEqualTypeOf<
      Exclude<keyof Row<'scrapingJobs'>, 'leaseToken' | 'attempts' | 'availableAt'>
    >()
    expectTypeOf<keyof types.ScrapingResultJson>().toEqualTypeOf<keyof Row<'scrapingResults'>>()
    expectTypeOf<types.ScrapingResultJson['creators']>().toEqualTypeOf<types.Creator[]>()
    expectTypeOf<types.SystemConfigurationJson>().toEqualTypeOf<Row<'systemConfigurations'>>()
    expectTypeOf<types.SearchJobJson>().toEqualTypeOf<Row<'searchJobs'>>()
    expectTypeOf<keyof types.SearchResultJson>().toEqualTypeOf<keyof Row<'searchResults'>>()
  })
})

describe('creators', () => {
  const shapes = {
    'TikTok by keyword': [tiktokKeyword(), types.tiktokKeywordCreator],
    'TikTok by likeness': [tiktokSimilar(), types.tiktokSimilarCreator],
    'Instagram by likeness': [instagramSimilar(), types.instagramSimilarCreator],
    'YouTube by keyword': [youtubeKeyword(), types.youtubeKeywordCreator],
  } as const

  test.each(Object.entries(shapes))('of %s are told by what they say of themselves', (kind, [value]) => {
    expect(types.creator.parse(value)).toEqual(value)
    for (const [other, [, shape]] of Object.entries(shapes)) {
      expect(shape.safeParse(value).success, other).toBe(other === kind)
    }
  })

  test.each(Object.entries(shapes))('of %s need every documented key, and keep others', (_, [value]) => {
    expect(types.creator.parse({ ...value, extra: [1] })).toEqual({ ...value, extra: [1] })
    for (const key of Object.keys(value)) {
      const { [key]: _left, ...rest } = value as Record<string, unknown>
      const { error } = types.creator.safeParse(rest)
      expect(error, key).toBeDefined()
    }
  })

  test('of a search that there isn’t have no shape', () => {
    expect(types.creatorShape('Instagram', 'keyword')).toBeNull()
    expect(types.creatorShape('YouTube', 'similar')).toBeNull()
    expect(types.creatorShape('TikTok', 'similar')).toBe(types.tiktokSimilarCreator)
  })
})

test.each([
  ['0 seconds', 0],
  ['1 second', 1],
  ['90 minutes', 5400],
  ['1 hour 30 minutes', 5400],
  ['2 days', 172_800],
  ['2 weeks 1 day', 1_296_000],
])('a duration of %s has %i seconds', (text, seconds) => {
  expect(types.durationSeconds(text)).toBe(seconds)
})

test.each(['', '2', 'days', '2days', '2  days', '1 month', '-1 day', '1.5 hours', '2 days,'])(
  '"%s" is no duration',
  (text) => {
    expect(() => types.durationSeconds(text)).toThrow(RangeError)
  },
)
