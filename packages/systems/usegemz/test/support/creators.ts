/** Creators of each documented shape. */
import type {
  InstagramSimilarCreator,
  TiktokKeywordCreator,
  TiktokSimilarCreator,
  YoutubeKeywordCreator,
} from '../../src/types/creators.ts'

export const tiktokKeyword = (uniqueId = '@creator'): TiktokKeywordCreator => ({
  creator: {
    name: 'Mara',
    followers: 150_000,
    avatarUrl: '/api/proxy/image?url=a',
    profilePicUrl: '/api/proxy/image?url=p',
    bio: 'Write to mara@example.com',
    emails: ['mara@example.com'],
    uniqueId,
    verified: true,
  },
  video: {
    description: 'Ten minutes of stretching',
    url: 'https://tiktok.example/@creator/video/123',
    statistics: { likes: 5000, comments: 150, shares: 75, views: 50_000 },
  },
  hashtags: ['#fitness'],
  platform: 'TikTok',
})

export const tiktokSimilar = (uniqueId = '@similar'): TiktokSimilarCreator => ({
  creator: {
    name: 'Nils',
    followers: 75_000,
    avatarUrl: '/api/proxy/image?url=a',
    bio: '',
    emails: [],
    uniqueId,
  },
  platform: 'TikTok',
  searchType: 'similar',
  targetUsername: '@creator',
})

export const instagramSimilar = (username = 'ines'): InstagramSimilarCreator => ({
  id: '17841400000000000',
  username,
  full_name: 'Ines',
  is_private: false,
  is_verified: true,
  profile_pic_url: 'https://instagram.example/ines.jpg',
  platform: 'Instagram',
})

export const youtubeKeyword = (name = 'Yara builds'): YoutubeKeywordCreator => ({
  creator: { name, followers: 0, avatarUrl: 'https://youtube.example/yara.jpg' },
  video: {
    description: 'A desk from one board',
    url: 'https://youtube.example/watch?v=1',
    statistics: { views: 100_000, likes: 0, comments: 0 },
  },
  hashtags: ['#woodwork'],
  publishedTime: '2024-01-15',
  lengthSeconds: 300,
  platform: 'YouTube',
})
