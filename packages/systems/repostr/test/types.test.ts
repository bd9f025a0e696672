import { describe, expect, expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import type * as schema from '../src/schema/index.ts'
import * as types from '../src/types.ts'

const uuid = '0d0c37a1-6a8a-4c5c-9a55-0a52a6d1a1fb'

describe('@tenantry/repostr/types', () => {
  test('describes each row exactly as the schema does, once JSON has made text of its dates', () => {
    type Json<T> = {
      [K in keyof T]: T[K] extends Date ? string : T[K] extends Date | null ? string | null : T[K]
    }
    type Row<T extends keyof typeof schema> = (typeof schema)[T] extends { $inferSelect: infer R }
      ? Json<R>
      : never
    expectTypeOf<types.ProfileJson>().toEqualTypeOf<Row<'profiles'>>()
    expectTypeOf<types.ProjectJson>().toEqualTypeOf<Row<'projects'>>()
    expectTypeOf<types.FileJson>().toEqualTypeOf<Row<'files'>>()
    expectTypeOf<types.OutputJson>().toEqualTypeOf<Omit<Row<'outputs'>, 'leaseToken'>>()
    expectTypeOf<types.ArchivedOutputJson>().toEqualTypeOf<Omit<Row<'outputsArchive'>, 'leaseToken'>>()
    expectTypeOf<types.SubscriptionJson>().toEqualTypeOf<Row<'subscriptions'>>()
    expectTypeOf<types.TemplateJson>().toEqualTypeOf<Row<'templates'>>()
  })

  test('reads the documented examples, and keeps keys of metadata that it does not know', () => {
    const output = {
      id: uuid,
      userId: 'user_2abcdef123456',
      projectId: uuid,
      kind: 'blog',
      status: 'completed',
      request: { topic: 'AI and Content Creation', tone_of_voice: 'professional', target_length: 1500 },
      body: '# AI and Content Creation',
      metadata: {
        word_count: 1523,
        reading_time: 6,
        keywords: ['AI', 'content', 'automation'],
        generated_at: '2024-01-01T10:30:00Z',
        model: { name: 'm' },
      },
      createdAt: '2024-01-01T10:00:00.000Z',
      updatedAt: '2024-01-01T10:30:00.000Z',
      attempts: 1,
      availableAt: '2024-01-01T11:00:00.000Z',
      lastError: null,
    }
    expect(types.outputJson.parse(output)).toEqual(output)
    expect(types.outputJson.parse({ ...output, leaseToken: uuid })).not.toHaveProperty('leaseToken')
    const preferences = { language: 'en', timezone: 'America/New_York', email_notifications: true }
    expect(types.preferences.parse(preferences)).toEqual(preferences)
  })
})

describe('inputs', () => {
  /** The fields that a schema complains of; empty when it accepts. */
  const complaints = (input: z.ZodType, value: unknown): string[] => {
    const { error } = input.safeParse(value)
    return error === undefined ? [] : error.issues.map((issue) => issue.path.join('.') || issue.code)
  }

  test.each<[string, z.ZodType, unknown, string[]]>([
    ['an unknown field', types.projectInput, { title: 'a', user_id: uuid }, ['unrecognized_keys']],
    ['a project without a title', types.projectInput, { title: '  ' }, ['title']],
    ['a change of nothing', types.projectChanges, {}, ['custom']],
    ['a kind not on the list', types.requestOutputInput, { projectId: uuid, kind: 'video' }, ['kind']],
    [
      'a request that is a list',
      types.requestOutputInput,
      { projectId: uuid, kind: 'blog', request: [] },
      ['request'],
    ],
    [
      'a length of nothing',
      types.requestOutputInput,
      { projectId: uuid, kind: 'blog', request: { target_length: 0 } },
      ['request.target_length'],
    ],
    [
      'a NUL in a request',
      types.requestOutputInput,
      { projectId: uuid, kind: 'blog', request: { topic: '\0' } },
      ['request'],
    ],
    ['an id that is none', types.requestOutputInput, { projectId: "'; --", kind: 'blog' }, ['projectId']],
    [
      'an extension with a path in it',
      types.uploadInput,
      { projectId: uuid, extension: '../a' },
      ['extension'],
    ],
    [
      'a size below nothing',
      types.uploadInput,
      { projectId: uuid, extension: 'a', sizeBytes: -1 },
      ['sizeBytes'],
    ],
    [
      'a media type that is none',
      types.uploadInput,
      { projectId: uuid, extension: 'a', mimeType: 'mp3' },
      ['mimeType'],
    ],
    ['a script for an address', types.fileChanges, { publicUrl: 'javascript:alert(1)' }, ['publicUrl']],
    [
      'a template type not on the list',
      types.templateInput,
      { name: 'a', type: 'fax', prompt: 'x' },
      ['type'],
    ],
    ['a blank prompt', types.templateInput, { name: 'a', type: 'blog', prompt: ' ' }, ['prompt']],
    [
      'a template of the system',
      types.templateInput,
      { name: 'a', type: 'blog', prompt: 'x', isCustom: false },
      ['unrecognized_keys'],
    ],
    ['an empty text as a result', types.generatedOutputInput, { body: '' }, ['body']],
    [
      'words counted below nothing',
      types.generatedOutputInput,
      { body: 'x', metadata: { word_count: -1 } },
      ['metadata.word_count'],
    ],
    ['a plan not on the list', types.subscriptionInput, { plan: 'gold', status: 'active' }, ['plan']],
    [
      'a cancellation without an end',
      types.subscriptionInput,
      { plan: 'pro', status: 'canceled' },
      ['endsAt'],
    ],
    ['days below nothing', types.activityInput, { days: 0 }, ['days']],
  ])('refuse %s, and name the field', (_, input, value, fields) => {
    expect(complaints(input, value)).toEqual(fields)
  })
})
