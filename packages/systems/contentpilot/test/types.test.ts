import { describe, expect, expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import type * as schema from '../src/schema/index.ts'
import * as types from '../src/types.ts'

const uuid = '0d0c37a1-6a8a-4c5c-9a55-0a52a6d1a1fb'

describe('@tenantry/contentpilot/types', () => {
  test('describes each row exactly as the schema does, once JSON has made text of its dates', () => {
    type Json<T> = {
      [K in keyof T]: T[K] extends Date ? string : T[K] extends Date | null ? string | null : T[K]
    }
    type Row<T extends keyof typeof schema> = (typeof schema)[T] extends { $inferSelect: infer R }
      ? Json<R>
      : never
    expectTypeOf<types.UserJson>().toEqualTypeOf<Row<'users'>>()
    expectTypeOf<types.ProfileJson>().toEqualTypeOf<Row<'profiles'>>()
    expectTypeOf<types.SubscriptionJson>().toEqualTypeOf<Row<'subscriptions'>>()
    expectTypeOf<types.PillarJson>().toEqualTypeOf<Row<'pillars'>>()
    expectTypeOf<types.VoiceExampleJson>().toEqualTypeOf<Row<'voiceExamples'>>()
    expectTypeOf<types.RawTopicJson>().toEqualTypeOf<Row<'rawTopics'>>()
    expectTypeOf<types.ClassifiedTopicJson>().toEqualTypeOf<Row<'classifiedTopics'>>()
    expectTypeOf<types.GeneratedDraftJson>().toEqualTypeOf<Row<'generatedDrafts'>>()
    expectTypeOf<types.UsageRecordJson>().toEqualTypeOf<Row<'usageTracking'>>()
    expectTypeOf<types.UsageMonthJson>().toEqualTypeOf<Row<'usageMonthly'>>()
    expectTypeOf<types.AuditLogJson>().toEqualTypeOf<Row<'auditLogs'>>()
    expectTypeOf<types.UserSecretJson>().toEqualTypeOf<Omit<Row<'userSecrets'>, 'ciphertext'>>()
  })

  test('reads a row that went over JSON, keeps keys of metadata that it does not know, drops unknown columns', () => {
    const now = new Date('2026-02-09T10:30:00Z')
    const row = {
      id: uuid,
      userId: uuid,
      source: 'reddit',
      content: 'text',
      url: null,
      metadata: { subreddit: 'r/startups', upvotes: 423, flair: ['a', null] },
      status: 'new',
      createdAt: now,
      updatedAt: now,
    }
    const read = types.rawTopicJson.parse(JSON.parse(JSON.stringify({ ...row, addedLater: true })))
    expect(read).toEqual({ ...row, createdAt: now.toISOString(), updatedAt: now.toISOString() })
  })

  test('never lets a secret through, not even encrypted', () => {
    expect(Object.keys(types.userSecretJson.shape)).not.toContain('ciphertext')
  })
})

describe('inputs', () => {
  /** The fields that a schema complains of; empty when it accepts. */
  const complaints = (input: z.ZodType, value: unknown): string[] => {
    const { error } = input.safeParse(value)
    return error === undefined ? [] : error.issues.map((issue) => issue.path.join('.') || issue.code)
  }
  const variant = { variantLetter: 'A', hook: 'h', body: 'b' }

  test.each<[string, z.ZodType, unknown, string[]]>([
    ['an unknown field', types.pillarInput, { name: 'a', user_id: uuid }, ['unrecognized_keys']],
    [
      'a tenant of its own choosing',
      types.discoverTopicInput,
      { source: 'manual', content: 'x', userId: uuid },
      ['unrecognized_keys'],
    ],
    ['a source not on the list', types.discoverTopicInput, { source: 'rss', content: 'x' }, ['source']],
    ['blank content', types.discoverTopicInput, { source: 'manual', content: ' \n' }, ['content']],
    [
      'over-long content',
      types.discoverTopicInput,
      { source: 'manual', content: 'x'.repeat(100_001) },
      ['content'],
    ],
    ['a NUL in text', types.discoverTopicInput, { source: 'manual', content: 'a\0b' }, ['content']],
    [
      'half a surrogate pair in text',
      types.discoverTopicInput,
      { source: 'manual', content: 'a\ud83d' },
      ['content'],
    ],
    [
      'a NUL in metadata',
      types.discoverTopicInput,
      { source: 'manual', content: 'x', metadata: { a: ['\0'] } },
      ['metadata'],
    ],
    [
      'a script for an address',
      types.discoverTopicInput,
      { source: 'manual', content: 'x', url: 'javascript:alert(1)' },
      ['url'],
    ],
    [
      'a score above 100',
      types.classifyTopicInput,
      { rawTopicId: uuid, pillarId: uuid, aiScore: 101 },
      ['aiScore'],
    ],
    [
      'a score with a fraction',
      types.classifyTopicInput,
      { rawTopicId: uuid, pillarId: uuid, aiScore: 70.5 },
      ['aiScore'],
    ],
    [
      'an id that is none',
      types.classifyTopicInput,
      { rawTopicId: "'; --", pillarId: uuid, aiScore: 70 },
      ['rawTopicId'],
    ],
    [
      'a vector of another dimension',
      types.voiceExampleInput,
      { postText: 'x', vectorEmbedding: [1, 2] },
      ['vectorEmbedding'],
    ],
    [
      'a vector without direction',
      types.voiceExampleInput,
      { postText: 'x', vectorEmbedding: Array(1536).fill(0) },
      ['vectorEmbedding'],
    ],
    [
      'a vector with NaN',
      types.voiceExampleInput,
      { postText: 'x', vectorEmbedding: [NaN, ...Array(1535).fill(1)] },
      ['vectorEmbedding.0'],
    ],
    [
      'a fourth variant',
      types.generateVariantsInput,
      { topicId: uuid, variants: [{ ...variant, variantLetter: 'D' }] },
      ['variants.0.variantLetter'],
    ],
    [
      'a letter twice',
      types.generateVariantsInput,
      { topicId: uuid, variants: [variant, variant] },
      ['variants'],
    ],
    ['no variant', types.generateVariantsInput, { topicId: uuid, variants: [] }, ['variants']],
    ['an edit of nothing', types.editDraftInput, {}, ['custom']],
    [
      'a moment without a zone',
      types.scheduleDraftInput,
      { scheduledFor: '2030-01-01T00:00:00' },
      ['scheduledFor'],
    ],
    ['no date', types.scheduleDraftInput, { scheduledFor: new Date(NaN) }, ['scheduledFor']],
    ['null for a date', types.scheduleDraftInput, { scheduledFor: null }, ['scheduledFor']],
    [
      'a period that ends before it starts',
      types.subscriptionInput,
      {
        planType: 'starter',
        status: 'active',
        currentPeriodStart: '2026-02-01T00:00:00Z',
        currentPeriodEnd: '2026-01-01T00:00:00Z',
      },
      ['currentPeriodEnd'],
    ],
    [
      'a plan not on the list',
      types.signUpInput,
      { clerkId: 'c', email: 'a@example.com', planType: 'free' },
      ['planType'],
    ],
    ['a slug with spaces', types.pillarInput, { name: 'a', slug: 'Founder Journey' }, ['slug']],
    ['a name that gives no slug', types.pillarInput, { name: '🙂' }, ['slug']],
    ['a name too long', types.pillarInput, { name: 'x'.repeat(256), slug: 'x' }, ['name']],
    [
      'a cost that the column cannot hold',
      types.usageInput,
      { resourceType: 'generation', costCents: 2 ** 31 },
      ['costCents'],
    ],
  ])('refuse %s, and name the field', (_, input, value, fields) => {
    expect(complaints(input, value)).toEqual(fields)
  })

  test('count characters as varchar does, so an emoji is one', () => {
    expect(complaints(types.pillarInput, { name: '🙂'.repeat(255), slug: 'x' })).toEqual([])
    expect(complaints(types.pillarInput, { name: '🙂'.repeat(256), slug: 'x' })).toEqual(['name'])
  })

  test('make a slug from the name, in any script, unless one is given', () => {
    expect(types.pillarInput.parse({ name: 'Founder Journey' })).toMatchObject({ slug: 'founder_journey' })
    expect(types.pillarInput.parse({ name: ' Über—uns! ' })).toMatchObject({
      name: 'Über—uns!',
      slug: 'über_uns',
    })
    expect(types.pillarInput.parse({ name: '創業の道' })).toMatchObject({ slug: '創業の道' })
    expect(types.pillarInput.parse({ name: 'Founder Journey', slug: 'own-one' })).toMatchObject({
      slug: 'own-one',
    })
  })

  test('take a moment as a Date or as ISO text with a zone, and hand on a Date', () => {
    const scheduledFor = new Date('2030-01-01T10:00:00Z')
    expect(types.scheduleDraftInput.parse({ scheduledFor })).toEqual({ scheduledFor })
    expect(types.scheduleDraftInput.parse({ scheduledFor: '2030-01-01T12:00:00+02:00' })).toEqual({
      scheduledFor,
    })
  })

  test('sign up on the smallest plan with a trial of two weeks, under a lower-case address', () => {
    expect(types.signUpInput.parse({ clerkId: 'c1', email: 'Ann@Example.com' })).toEqual({
      clerkId: 'c1',
      email: 'ann@example.com',
      planType: 'starter',
      trialDays: 14,
      postsPer: 'calendar_month',
    })
  })

  test('keep the blanks of a post, and leave out what was left out', () => {
    expect(types.voiceExampleInput.parse({ postText: '  a\n\n b ' })).toEqual({ postText: '  a\n\n b ' })
    expect(types.pillarChanges.parse({ tone: null })).toEqual({ tone: null })
  })
})
