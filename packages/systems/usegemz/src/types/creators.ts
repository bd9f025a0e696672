/**
 * What a search finds: one shape for each kind of search that there is. The documented keys are required;
 * further keys are kept, since platforms add their own.
 */
import { z } from 'zod'
import type { Platform, SearchType } from './enums.ts'

const count = z.number().int().min(0)
const texts = z.array(z.string())

const open = <S extends z.ZodRawShape>(shape: S) => z.object(shape).catchall(z.json())

const person = {
  name: z.string(),
  followers: count,
  avatarUrl: z.string(),
}

const tiktokPerson = {
  ...person,
  bio: z.string(),
  emails: texts,
  /** The handle, such as `@creator`. */
  uniqueId: z.string().min(1),
}

/** A creator whose video came up for a keyword. */
export const tiktokKeywordCreator = open({
  platform: z.literal('TikTok'),
  /** Documented for similar creators alone; here it may be left out. */
  searchType: z.literal('keyword').optional(),
  creator: open({ ...tiktokPerson, profilePicUrl: z.string(), verified: z.boolean() }),
  video: open({
    description: z.string(),
    url: z.string().min(1),
    statistics: open({ likes: count, comments: count, shares: count, views: count }),
  }),
  hashtags: texts,
})

/** A creator like `targetUsername`. */
export const tiktokSimilarCreator = open({
  platform: z.literal('TikTok'),
  searchType: z.literal('similar'),
  targetUsername: z.string().min(1),
  creator: open(tiktokPerson),
})

/** An account like the one that was asked for. Instagram's own names. */
export const instagramSimilarCreator = open({
  platform: z.literal('Instagram'),
  id: z.string().min(1),
  username: z.string().min(1),
  full_name: z.string(),
  is_private: z.boolean(),
  is_verified: z.boolean(),
  profile_pic_url: z.string(),
})

/** A channel whose video came up for a keyword. */
export const youtubeKeywordCreator = open({
  platform: z.literal('YouTube'),
  creator: open(person),
  video: open({
    description: z.string(),
    url: z.string().min(1),
    statistics: open({ views: count, likes: count, comments: count }),
  }),
  hashtags: texts,
  /** As YouTube says it, often a day. */
  publishedTime: z.string(),
  lengthSeconds: count,
})

/** Any creator: told apart by `platform`, and on TikTok by `searchType`. */
export const creator = z.discriminatedUnion('platform', [
  z.discriminatedUnion('searchType', [tiktokSimilarCreator, tiktokKeywordCreator]),
  instagramSimilarCreator,
  youtubeKeywordCreator,
])

const SHAPES = {
  TikTok: { keyword: tiktokKeywordCreator, similar: tiktokSimilarCreator },
  Instagram: { keyword: null, similar: instagramSimilarCreator },
  YouTube: { keyword: youtubeKeywordCreator, similar: null },
} as const satisfies Record<Platform, Record<SearchType, z.ZodType | null>>

/** The shape of what a search finds; null where the platform has no such search. */
export function creatorShape(platform: Platform, searchType: SearchType): z.ZodType<Creator> | null {
  return SHAPES[platform][searchType]
}

export type TiktokKeywordCreator = z.infer<typeof tiktokKeywordCreator>
export type TiktokSimilarCreator = z.infer<typeof tiktokSimilarCreator>
export type InstagramSimilarCreator = z.infer<typeof instagramSimilarCreator>
export type YoutubeKeywordCreator = z.infer<typeof youtubeKeywordCreator>
export type Creator = z.infer<typeof creator>
