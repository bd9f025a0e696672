import { describe, expect, expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import { quasiIdentifierHash } from '../src/index.ts'
import type * as schema from '../src/schema/index.ts'
import * as types from '../src/types.ts'

const uuid = '0d0c37a1-6a8a-4c5c-9a55-0a52a6d1a1fb'

describe('@tenantry/sexyresume/types', () => {
  test('describes each row exactly as the schema does, once JSON has made text of its dates', () => {
    type Json<T> = {
      [K in keyof T]: T[K] extends Date ? string : T[K] extends Date | null ? string | null : T[K]
    }
    type Row<T extends keyof typeof schema> = (typeof schema)[T] extends { $inferSelect: infer R }
      ? Json<R>
      : never
    expectTypeOf<types.UserJson>().toEqualTypeOf<Row<'users'>>()
    expectTypeOf<types.ResumeJson>().toEqualTypeOf<Row<'resumes'>>()
    expectTypeOf<types.ExportJson>().toEqualTypeOf<Row<'exports'>>()
    expectTypeOf<types.CoverLetterJson>().toEqualTypeOf<Row<'coverLetters'>>()
    expectTypeOf<types.CoverLetterDraftJson>().toEqualTypeOf<Row<'coverLetterDrafts'>>()
    expectTypeOf<types.EnhancementRequestJson>().toEqualTypeOf<Row<'enhancementRequests'>>()
    expectTypeOf<types.EnhancementSuggestionJson>().toEqualTypeOf<Row<'enhancementSuggestions'>>()
    expectTypeOf<types.JobRoleJson>().toEqualTypeOf<Row<'jobRoles'>>()
    expectTypeOf<types.TemplateRoleMappingJson>().toEqualTypeOf<Row<'templateRoleMappings'>>()
    expectTypeOf<types.RoleRecommendationJson>().toEqualTypeOf<Row<'roleRecommendations'>>()
    expectTypeOf<types.UserEntitlementJson>().toEqualTypeOf<Row<'userEntitlements'>>()
    expectTypeOf<types.PaymentReceiptJson>().toEqualTypeOf<Row<'paymentReceipts'>>()
    expectTypeOf<types.CreditBalanceJson>().toEqualTypeOf<Row<'creditBalances'>>()
    expectTypeOf<types.CreditTransactionJson>().toEqualTypeOf<Row<'creditTransactions'>>()
    expectTypeOf<types.ReferralCodeJson>().toEqualTypeOf<Row<'referralCodes'>>()
    expectTypeOf<types.ReferralConversionJson>().toEqualTypeOf<Row<'referralConversions'>>()
    expectTypeOf<types.AchievementDefinitionJson>().toEqualTypeOf<Row<'achievementDefinitions'>>()
    expectTypeOf<types.UserAchievementJson>().toEqualTypeOf<Row<'userAchievements'>>()
    expectTypeOf<types.AdminUserJson>().toEqualTypeOf<Row<'adminUsers'>>()
    expectTypeOf<types.UserSessionJson>().toEqualTypeOf<Omit<Row<'userSessions'>, 'tokenHash'>>()
    expectTypeOf<types.AuditLogJson>().toEqualTypeOf<Row<'auditLogs'>>()
    expectTypeOf<types.AnalyticsEventJson>().toEqualTypeOf<Row<'analyticsEvents'>>()
    expectTypeOf<types.CohortAnalysisJson>().toEqualTypeOf<Row<'cohortAnalysis'>>()
    expectTypeOf<types.ConversionFunnelJson>().toEqualTypeOf<Row<'conversionFunnels'>>()
    expectTypeOf<types.FunnelAnalyticsJson>().toEqualTypeOf<Row<'funnelAnalytics'>>()
    expectTypeOf<types.MetricAnomalyJson>().toEqualTypeOf<Row<'metricAnomalies'>>()
    expectTypeOf<types.DataRetentionPolicyJson>().toEqualTypeOf<Row<'dataRetentionPolicies'>>()
  })

  test('reads a row that went over JSON, and drops columns that it does not know', () => {
    const now = new Date('2026-02-09T10:30:00Z')
    const row = {
      id: uuid,
      userId: uuid,
      title: 'My Resume',
      data: {},
      template: 'modern',
      isActive: true,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
    }
    const read = types.resumeJson.parse(JSON.parse(JSON.stringify({ ...row, addedLater: 1 })))
    expect(read).toEqual({ ...row, createdAt: now.toISOString(), updatedAt: now.toISOString() })
    expect(types.isFilled(read.data)).toBe(false)
  })

  test('never lets the hash of a session’s token through', () => {
    expect(Object.keys(types.userSessionJson.shape)).not.toContain('tokenHash')
  })
})

describe('inputs', () => {
  const complaints = (input: z.ZodType, value: unknown): string[] =>
    input.safeParse(value).error?.issues.map((issue) => issue.path.join('.') || issue.code) ?? []

  test.each<[string, z.ZodType, unknown, string[]]>([
    ['an unknown field', types.exportInput, { resumeId: uuid, userId: uuid }, ['unrecognized_keys']],
    ['a change of nothing', types.resumeChanges, {}, ['custom']],
    ['an id that is none', types.exportInput, { resumeId: "' or true" }, ['resumeId']],
    [
      'a file of less than nothing',
      types.exportedFileInput,
      { storagePath: 'a', fileSizeBytes: -1 },
      ['fileSizeBytes'],
    ],
    [
      'a cost that the column cannot hold',
      types.failedInput,
      { errorMessage: 'x', tokenUsage: 2 ** 31 },
      ['tokenUsage'],
    ],
    [
      'criteria that ask for nothing',
      types.achievementInput,
      { achievementKey: 'a', title: 'a', criteria: {} },
      ['criteria'],
    ],
    ['a reward of nothing', types.referralCodeInput, { rewardAmount: 0 }, ['rewardAmount']],
    [
      'a currency of four letters',
      types.paymentInput,
      { stripePaymentIntentId: 'a', product: 'a', amount: 1, currency: 'euro', status: 'pending' },
      ['currency'],
    ],
    ['a role that is none', types.adminInput, { role: 'owner' }, ['role']],
    [
      'an address that is none',
      types.sessionInput,
      { tokenHash: 'x'.repeat(32), ipAddress: '1.2.3', expiresAt: new Date() },
      ['ipAddress'],
    ],
    [
      'a moment without a zone',
      types.sessionInput,
      { tokenHash: 'x'.repeat(32), expiresAt: '2030-01-01T00:00:00' },
      ['expiresAt'],
    ],
    [
      'a confidence above one',
      types.suggestionInput,
      {
        sectionType: 'a',
        sectionId: 'a',
        fieldPath: 'a',
        originalText: '',
        suggestedText: 'a',
        improvementType: 'a',
        confidence: 1.5,
      },
      ['confidence'],
    ],
  ])('refuse %s, and name the field', (_, input, value, fields) => {
    expect(complaints(input, value)).toEqual(fields)
  })

  test('round scores to what the column holds, and take each name once', () => {
    expect(
      types.recommendationInput.parse({
        jobRoleId: uuid,
        matchScore: 0.456,
        confidenceLevel: 'low',
        reasoning: 'x',
        skillGaps: [' Go ', 'Go'],
      }),
    ).toMatchObject({ matchScore: 0.46, skillGaps: ['Go'] })
  })

  test('normalize titles, in any script', () => {
    expect(types.normalizedTitleOf(' Sr.  Back-End Engineer (C#)')).toBe('sr back end engineer c#')
    expect(types.normalizedTitleOf('Größe – Leitung')).toBe('größe leitung')
  })
})

describe('sanitizeAnalyticsProperties', () => {
  const { sanitizeAnalyticsProperties: sanitize, PII_FIELDS, PII_CLASSIFICATION } = types

  test('removes every listed field at the top, in an object, in an array, in any case and style', () => {
    const listed = [
      ...PII_FIELDS,
      ...PII_CLASSIFICATION.direct,
      ...PII_CLASSIFICATION.sensitive,
      ...PII_CLASSIFICATION.quasi,
    ]
    const styles = [
      (key: string) => key,
      (key: string) => key.toUpperCase(),
      (key: string) => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      (key: string) => key.replaceAll(/[A-Z]/g, (letter) => `-${letter}`),
      (key: string) => `user.${key}`,
      (key: string) => `people[0].${key}`,
    ]
    for (const field of listed) {
      for (const style of styles) {
        const key = style(field)
        expect(sanitize({ [key]: 'x', keep: 1 }), key).toEqual({ keep: 1 })
        expect(sanitize({ a: { b: [{ [key]: { deep: 'x' } }, [{ [key]: 'x' }]] } }), key).toEqual({
          a: { b: [{}, [{}]] },
        })
      }
    }
  })

  test('keeps what is not listed, arrays as arrays, and its input as it was', () => {
    const input = {
      event_name: 'a',
      template_name: 'modern',
      counts: [1, 2, null],
      nested: { on: true, list: ['a', { b: 'c' }] },
      empty: null,
    }
    const before = structuredClone(input)
    expect(sanitize(input)).toEqual(before)
    expect(sanitize({ email: 'x', nested: { phone: 1 } })).toEqual({ nested: {} })
    expect(input).toEqual(before)
  })

  test('takes e-mail addresses out of other texts, in time that grows with the text alone', () => {
    expect(sanitize({ note: 'ask ann.o+x@mail.example.com, or b@c.de!' })).toEqual({
      note: 'ask [removed], or [removed]!',
    })
    const long = 'x'.repeat(200_000)
    const started = performance.now()
    expect(sanitize({ long })).toEqual({ long })
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('hashes quasi-identifiers by key and field: the same value alike, another key or field otherwise', () => {
    const hash = quasiIdentifierHash('0123456789abcdef')
    const other = quasiIdentifierHash(new Uint8Array(32))
    const out = sanitize(
      { ipAddress: '203.0.113.7', ip_address: '203.0.113.7', deviceId: '203.0.113.7', birth_date: null },
      hash,
    )
    expect(out['ipAddress']).toMatch(/^[0-9a-f]{64}$/)
    expect(out['ip_address']).toBe(out['ipAddress'])
    expect(out['deviceId']).not.toBe(out['ipAddress'])
    expect(out).not.toHaveProperty('birth_date')
    expect(sanitize({ ipAddress: '203.0.113.7' }, other)['ipAddress']).not.toBe(out['ipAddress'])
    expect(() => quasiIdentifierHash('short')).toThrow('16 bytes')
  })
})
