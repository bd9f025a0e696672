import { describe, expect, expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import type * as schema from '../src/schema/index.ts'
import * as types from '../src/types.ts'

const uuid = '0d0c37a1-6a8a-4c5c-9a55-0a52a6d1a1fb'

describe('@tenantry/infin8content/types', () => {
  test('describes each row exactly as the schema does, once JSON has made text of its dates', () => {
    type Json<T> = {
      [K in keyof T]: T[K] extends Date ? string : T[K] extends Date | null ? string | null : T[K]
    }
    type Row<T extends keyof typeof schema> = (typeof schema)[T] extends { $inferSelect: infer R }
      ? Json<R>
      : never
    expectTypeOf<types.UserJson>().toEqualTypeOf<Row<'users'>>()
    expectTypeOf<types.OrganizationJson>().toEqualTypeOf<Row<'organizations'>>()
    expectTypeOf<types.MemberJson>().toEqualTypeOf<Row<'userOrganizations'>>()
    expectTypeOf<types.InvitationJson>().toEqualTypeOf<Omit<Row<'organizationInvitations'>, 'tokenHash'>>()
    expectTypeOf<types.SubscriptionJson>().toEqualTypeOf<Row<'organizationSubscriptions'>>()
    expectTypeOf<types.CompetitorJson>().toEqualTypeOf<Row<'organizationCompetitors'>>()
    expectTypeOf<types.WorkflowJson>().toEqualTypeOf<Row<'intentWorkflows'>>()
    expectTypeOf<types.TransitionJson>().toEqualTypeOf<Row<'workflowTransitions'>>()
    expectTypeOf<types.KeywordJson>().toEqualTypeOf<Row<'keywords'>>()
    expectTypeOf<types.TopicClusterJson>().toEqualTypeOf<Row<'topicClusters'>>()
    expectTypeOf<types.ClusterValidationJson>().toEqualTypeOf<Row<'clusterValidationResults'>>()
    expectTypeOf<types.ApprovalJson>().toEqualTypeOf<Row<'intentApprovals'>>()
    expectTypeOf<types.ArticleJson>().toEqualTypeOf<Row<'articles'>>()
    expectTypeOf<types.ArticleSectionJson>().toEqualTypeOf<Omit<Row<'articleSections'>, 'leaseToken'>>()
    expectTypeOf<types.PublishReferenceJson>().toEqualTypeOf<Omit<Row<'publishReferences'>, 'leaseToken'>>()
    expectTypeOf<types.ResearchJson>().toEqualTypeOf<Omit<Row<'tavilyResearchCache'>, 'fillToken'>>()
    expectTypeOf<types.RateLimitJson>().toEqualTypeOf<Omit<Row<'rateLimits'>, 'instants'>>()
    expectTypeOf<types.UsageJson>().toEqualTypeOf<Row<'usageTracking'>>()
    expectTypeOf<types.AuditLogJson>().toEqualTypeOf<Row<'auditLogs'>>()
  })

  test('lets no token of an invitation or a lease through', () => {
    expect(Object.keys(types.invitationJson.shape)).not.toContain('tokenHash')
    expect(Object.keys(types.articleSectionJson.shape)).not.toContain('leaseToken')
    expect(Object.keys(types.publishReferenceJson.shape)).not.toContain('leaseToken')
    expect(Object.keys(types.researchJson.shape)).not.toContain('fillToken')
  })

  test('knows the phase of each state', () => {
    expect(
      types.WORKFLOW_STATES.map((state) => types.stepOf(state)).filter((step) => step !== null),
    ).toHaveLength(27)
    expect([types.stepOf('CREATED'), types.stepOf('PUBLISH_FAILED'), types.stepOf('CANCELLED')]).toEqual([
      1,
      7,
      null,
    ])
  })
})

describe('inputs', () => {
  /** The fields that a schema complains of; empty when it accepts. */
  const complaints = (input: z.ZodType, value: unknown): string[] => {
    const { error } = input.safeParse(value)
    return error === undefined ? [] : error.issues.map((issue) => issue.path.join('.') || issue.code)
  }

  test.each<[string, z.ZodType, unknown, string[]]>([
    ['an address that is none', types.signUpInput, { email: 'nobody' }, ['email']],
    ['a blank name', types.foundOrganizationInput, { name: ' ', ownerId: uuid }, ['name']],
    ['a role that is none', types.inviteInput, { email: 'a@example.com', role: 'king' }, ['role']],
    ['a script for an address', types.competitorInput, { url: 'javascript:alert(1)' }, ['url']],
    [
      'an organization of its own choosing',
      types.workflowInput,
      { title: 'x', organizationId: uuid },
      ['unrecognized_keys'],
    ],
    [
      'a state of its own choosing',
      types.workflowChanges,
      { state: 'COMPLETED' },
      ['unrecognized_keys', 'custom'],
    ],
    ['nothing to change', types.articleChanges, {}, ['custom']],
    ['a NUL in metadata', types.workflowInput, { title: 'x', metadata: { a: '\0' } }, ['metadata']],
    [
      'a longtail without a seed',
      types.keywordInput,
      { keyword: 'x', keywordType: 'longtail' },
      ['parentSeedKeywordId'],
    ],
    [
      'a seed with a parent',
      types.keywordInput,
      { keyword: 'x', keywordType: 'seed', parentSeedKeywordId: uuid },
      ['parentSeedKeywordId'],
    ],
    [
      'a hub that is its own spoke',
      types.clusterInput,
      { workflowId: uuid, hubKeywordId: uuid, spokes: [{ keywordId: uuid }] },
      ['spokes'],
    ],
    ['no spokes', types.clusterInput, { workflowId: uuid, hubKeywordId: uuid, spokes: [] }, ['spokes']],
    [
      'a confidence above 1',
      types.decisionInput,
      { workflowId: uuid, entityType: 'clusters', decision: 'approved', confidenceScore: 1.5 },
      ['confidenceScore'],
    ],
    ['no sections', types.outlineInput, { articleId: uuid, sections: [] }, ['sections']],
    ['a section without content', types.writtenSectionInput, {}, ['content']],
    ['nothing to hold', types.reserveUsageInput, { metric: 'articles', key: 'k' }, ['count']],
    ['a metric that is none', types.reserveUsageInput, { metric: 'tokens', count: 1, key: 'k' }, ['metric']],
    ['a part of a query', types.reserveUsageInput, { metric: 'keywords', count: 0.5, key: 'k' }, ['count']],
    ['a trial without an end', types.subscriptionInput, { plan: 'pro', status: 'trialing' }, ['endsAt']],
    ['a plan that is none', types.subscriptionInput, { plan: 'gold' }, ['plan']],
    ['no calls', types.takeInput, { key: 'api', amount: 0 }, ['amount']],
    ['work that costs nothing', types.expandInput, { id: uuid, estimatedCostUsd: 0 }, ['estimatedCostUsd']],
    ['a month that is none', types.billingPeriodInput, { period: '2026-13' }, ['period']],
  ])('refuse %s', (_what, input, value, fields) => {
    expect(complaints(input, value)).toEqual(fields)
  })

  test('fill in what the product says', () => {
    expect(types.memberInput.parse({ userId: uuid })).toEqual({ userId: uuid, role: 'member' })
    expect(types.validateClustersInput.parse({ workflowId: uuid })).toEqual({
      workflowId: uuid,
      minSimilarity: 0.6,
      minSpokes: 2,
      maxSpokes: 8,
    })
    expect(types.rememberInput.parse({ query: 'q', results: [] })).toMatchObject({ hours: 24 })
    expect(types.signUpInput.parse({ email: 'Ada@Example.com' })).toEqual({ email: 'ada@example.com' })
  })
})
