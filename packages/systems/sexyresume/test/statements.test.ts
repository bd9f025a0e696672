/** Every statement that the repositories send names its tenant, on every customer's table in it. */
import { type Executor, type ObjectStore, TenantryError } from '@tenantry/core'
import { bindTenant, serviceExecutor, tenantExecutor } from '@tenantry/rls'
import { standardCalls, statementsOf, unnamedTenants, verbsOf } from '@tenantry/testing/statement-tenants'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repositories } from '../src/repositories/index.ts'
import { tenancy } from '../src/tenancy.ts'
import {
  claimed,
  customer,
  type Customer,
  embedding,
  enhanced,
  NOBODY,
  type Place,
  placeOf,
  resumeData,
} from './support/place.ts'

type Name = keyof typeof repositories
type Bound = { [N in Name]: ReturnType<(typeof repositories)[N]['bind']> }
type Call = (bound: Bound, of: Customer) => Promise<unknown>
/** Makes what the call needs, outside of its transaction. */
interface Prepared {
  readonly ready: (of: Customer) => Promise<Call>
}

const after = <T>(
  prepare: (of: Customer) => Promise<T>,
  call: (bound: Bound, made: T) => Promise<unknown>,
): Prepared => ({
  async ready(of) {
    const made = await prepare(of)
    return (bound) => call(bound, made)
  },
})

const exportClaim = async ({ scope, service }: Customer) => {
  const resume = await scope.resumes.create({})
  const { id } = await scope.exports.request({ resumeId: resume.id })
  const { claims } = await service.exports.claim({ limit: 50 })
  const claim = claims.find((each) => each.id === id)
  if (claim === undefined) throw new Error('not claimed')
  return claim
}

const payment = () => ({
  stripePaymentIntentId: crypto.randomUUID(),
  product: 'x',
  amount: 1,
  status: 'succeeded' as const,
})
/** A store of objects with nothing in it. */
const EMPTY: ObjectStore = { async *list() {}, delete: async () => {} }
const DAYS = { from: '2026-01-01', to: '2026-01-02' }
const RESULT = { enhancedContent: {}, overallConfidence: 1, processingTimeMs: 1, tokenUsage: 1 }
const resumeOf = ({ scope }: Customer) => scope.resumes.create({ data: resumeData() })
const letterOf = async ({ scope }: Customer) => {
  const { id } = await scope.coverLetters.create({})
  await scope.coverLetters.saveDraft(id, { content: 'x' })
  return id
}
const suggestionOf = async (of: Customer) => (await enhanced(of))[0]?.id ?? ''

/** The verbs of each repository, beside the standard methods: a new one that isn't called here fails the test. */
const VERBS: { readonly [N in Name]: Readonly<Record<string, Call | Prepared>> } = {
  users: {
    signUp: ({ users }) => users.signUp({ email: `${crypto.randomUUID()}@example.com` }),
    dashboard: ({ users }) => users.dashboard(),
    exportData: ({ users }) => users.exportData(),
    deleteData: ({ users }) => users.deleteData(),
  },
  resumes: {
    duplicate: after(resumeOf, ({ resumes }, { id }) => resumes.duplicate(id)),
  },
  exports: {
    request: after(resumeOf, ({ exports }, { id }) => exports.request({ resumeId: id })),
    file: ({ exports }) => expect(exports.file(NOBODY)).rejects.toThrow('no such file'),
    claim: ({ exports }) => exports.claim({ limit: 2 }),
    complete: after(exportClaim, ({ exports }, claim) =>
      exports.complete(claim, { storagePath: `${claim.tenant}/${crypto.randomUUID()}`, fileSizeBytes: 1 }),
    ),
    fail: after(exportClaim, ({ exports }, claim) => exports.fail(claim, 'x')),
    retry: ({ exports }) => expect(exports.retry(NOBODY)).rejects.toThrow('no such row'),
    removeOrphans: ({ exports }) => exports.removeOrphans(EMPTY),
  },
  coverLetters: {
    saveDraft: after(letterOf, ({ coverLetters }, id) => coverLetters.saveDraft(id, { content: 'x' })),
    restoreDraft: after(letterOf, ({ coverLetters }, id) => coverLetters.restoreDraft(id, 1)),
  },
  coverLetterDrafts: {},
  enhancements: {
    request: ({ enhancements }) => enhancements.request({ tonePreset: 'creative', originalContent: {} }),
    claim: ({ enhancements }) => enhancements.claim(),
    renew: after(claimed, ({ enhancements }, claim) => enhancements.renew(claim)),
    complete: after(claimed, ({ enhancements }, claim) => enhancements.complete(claim, RESULT)),
    fail: after(claimed, ({ enhancements }, claim) => enhancements.fail(claim, { errorMessage: 'x' })),
    retry: ({ enhancements }) => expect(enhancements.retry(NOBODY)).rejects.toThrow('no such row'),
  },
  suggestions: {
    accept: after(suggestionOf, ({ suggestions }, id) => suggestions.accept(id)),
    reject: after(suggestionOf, ({ suggestions }, id) => suggestions.reject(id)),
    modify: after(suggestionOf, ({ suggestions }, id) => suggestions.modify(id, { userModifiedText: 'x' })),
    acceptAll: ({ suggestions }) => suggestions.acceptAll(NOBODY),
  },
  jobRoles: {
    define: ({ jobRoles }) =>
      jobRoles.define({ title: 'x', industryCategory: 'x', seniorityLevel: 'mid', embedding: embedding(1) }),
    defineMany: ({ jobRoles }) =>
      jobRoles.defineMany([{ title: 'x', industryCategory: 'x', seniorityLevel: 'mid' }]),
    embed: ({ jobRoles }) =>
      expect(jobRoles.embed([{ id: NOBODY, embedding: embedding(1) }])).rejects.toThrow('not there'),
    match: ({ jobRoles }) => jobRoles.match(embedding(1)),
  },
  templateMappings: {},
  recommendations: {
    recommend: after(resumeOf, ({ recommendations }, { id }) =>
      recommendations.recommend({ resumeId: id, embedding: embedding(1) }),
    ),
    feedback: ({ recommendations }) =>
      expect(recommendations.feedback(NOBODY, { userFeedback: 'hired' })).rejects.toThrow('no such'),
  },
  entitlements: {
    mine: ({ entitlements }) => entitlements.mine(),
    isPremium: ({ entitlements }) => entitlements.isPremium(),
    grant: ({ entitlements }) => entitlements.grant({ exportUnlocked: true }),
  },
  limits: {
    usage: ({ limits }) => limits.usage(),
    nearLimits: ({ limits }) => limits.nearLimits(),
    usageByPlan: ({ limits }) => limits.usageByPlan(),
    override: ({ limits }) => limits.override({ feature: 'enhancement_tokens', cap: 3 }),
    dropOverride: ({ limits }) => limits.dropOverride('enhancement_tokens'),
    forget: ({ limits }) => limits.forget(),
  },
  payments: {
    record: async ({ payments }) => {
      const paid = payment()
      await payments.record(paid)
      return payments.record(paid)
    },
  },
  credits: {
    balance: ({ credits }) => credits.balance(),
    award: ({ credits }) => credits.award({ amount: 1, source: 'x' }),
    spend: after(
      ({ service }) => service.credits.award({ amount: 1, source: 'x' }),
      ({ credits }) => credits.spend({ amount: 1, source: 'x' }),
    ),
    refund: after(
      ({ service }) => service.credits.award({ amount: 1, source: 'x' }),
      ({ credits }) => credits.refund({ version: 1 }),
    ),
  },
  creditBalances: {},
  referralCodes: { issue: ({ referralCodes }) => referralCodes.issue() },
  referrals: { redeem: ({ referrals }) => referrals.redeem('NOSUCHCO') },
  achievements: {
    check: ({ achievements }) => achievements.check({ event: 'x' }),
    claim: ({ achievements }) => expect(achievements.claim('x')).rejects.toThrow('no such achievement'),
  },
  achievementDefinitions: {},
  admins: {
    promote: ({ admins }) => admins.promote(),
    demote: after(
      ({ service }) => service.admins.promote(),
      ({ admins }) => admins.demote(),
    ),
  },
  sessions: {
    open: ({ sessions }) => sessions.open({ tokenHash: crypto.randomUUID(), expiresAt: new Date() }),
  },
  auditLogs: {},
  analytics: {
    track: ({ analytics }, { userId }) => analytics.track({ eventName: 'x' }, { userId }),
    userGrowth: ({ analytics }) => analytics.userGrowth(),
    revenueAttribution: ({ analytics }) => analytics.revenueAttribution(),
    featureAdoption: ({ analytics }) => analytics.featureAdoption(),
    computeCohorts: ({ analytics }) => analytics.computeCohorts({ period: 'weekly', cohorts: 1 }),
    dailyMetrics: ({ analytics }) => analytics.dailyMetrics(DAYS),
    eventSummary: ({ analytics }) => analytics.eventSummary(DAYS),
  },
  subjects: {},
  funnels: {
    define: ({ funnels }) =>
      funnels.define({
        funnelName: 'x',
        steps: [
          { step: 'a', name: 'a' },
          { step: 'b', name: 'b' },
        ],
      }),
    reach: ({ funnels }, { userId }) =>
      funnels.reach({ funnelName: 'user_onboarding', stepName: 'signup' }, { userId }),
    conversion: ({ funnels }) => funnels.conversion('user_onboarding', DAYS),
  },
  funnelSteps: {},
  cohorts: {},
  anomalies: {},
  retention: {},
  slowQueries: {},
}

/** Verbs of the service role alone, as `repository.verb`; the others are tried as both. */
const SERVICE_ONLY = [
  'users.signUp',
  'exports.claim',
  'exports.complete',
  'exports.fail',
  'exports.retry',
  'exports.removeOrphans',
  'enhancements.claim',
  'enhancements.renew',
  'enhancements.complete',
  'enhancements.fail',
  'enhancements.retry',
  'jobRoles.define',
  'jobRoles.defineMany',
  'jobRoles.embed',
  'entitlements.grant',
  'limits.nearLimits',
  'limits.usageByPlan',
  'limits.override',
  'limits.dropOverride',
  'limits.forget',
  'payments.record',
  'credits.award',
  'credits.refund',
  'referralCodes.issue',
  'achievements.check',
  'admins.promote',
  'admins.demote',
  'sessions.open',
  // Readers may ask some of these too; a customer is refused.
  ...['track', 'userGrowth', 'revenueAttribution', 'featureAdoption'].map((verb) => `analytics.${verb}`),
  ...['computeCohorts', 'dailyMetrics', 'eventSummary'].map((verb) => `analytics.${verb}`),
  ...['define', 'reach', 'conversion'].map((verb) => `funnels.${verb}`),
]

/** What is asked over all tenants, on purpose: of the service role and readers alone. */
const OVER_ALL = [
  'analytics.userGrowth',
  'analytics.revenueAttribution',
  'analytics.featureAdoption',
  // It goes from tenant to tenant, and asks who they are.
  'exports.removeOrphans',
]

/** Claims name the tenant of each row of their batch, not one parameter: @tenantry/workflow proves its own. */
const CLAIMS = /lease_tokens|for update skip locked/

const TABLES = {
  ...Object.fromEntries(
    tenancy.tables.flatMap(({ name, tenantColumn }) =>
      tenantColumn === null ? [] : [[name, tenantColumn.name]],
    ),
  ),
  user_dashboard_data: 'id',
}

let place: Place
beforeAll(async () => {
  place = await placeOf()
  await place.system.runJob('daily maintenance')
})
afterAll(() => place?.close())

const bindAll = (executor: Executor): Bound =>
  // Each property is bound by the definition of its own name.
  Object.fromEntries(Object.entries(repositories).map(([name, { bind }]) => [name, bind(executor)])) as Bound

const EXECUTORS: Readonly<Record<'tenant' | 'service', (userId: string) => Executor>> = {
  tenant: (userId) => tenantExecutor(place.database, tenancy, { userId }),
  service: (userId) => bindTenant(serviceExecutor(place.database), userId),
}

test('every verb of every repository is called here', () => {
  const bound = bindAll(serviceExecutor(place.database))
  for (const [name, calls] of Object.entries(VERBS)) {
    expect(Object.keys(calls).toSorted(), name).toEqual(verbsOf(bound[name as Name]).toSorted())
  }
  expect(Object.keys(VERBS).toSorted()).toEqual(Object.keys(repositories).toSorted())
})

/** Runs a call directly or in a transaction, and answers what it sent. */
const sent = (role: 'tenant' | 'service', of: Customer, inTransaction: boolean, call: Call) =>
  statementsOf(EXECUTORS[role](of.userId), { inTransaction }, (executor) => call(bindAll(executor), of))

const verbs = Object.entries(VERBS).flatMap(([name, calls]) =>
  Object.entries(calls).map(([verb, call]) => [`${name}.${verb}`, call] as const),
)

describe.each([
  ['as a customer', 'tenant', false],
  ['as a customer, in a transaction', 'tenant', true],
  ['as the service role', 'service', false],
  ['as the service role, in a transaction', 'service', true],
] as const)('%s, every statement of a verb names its tenant on every table', (_, role, inTransaction) => {
  test.each(verbs.filter(([verb]) => role === 'service' || !SERVICE_ONLY.includes(verb)))(
    '%s',
    async (verb, call) => {
      const of = await customer(place)
      const log = await sent(
        role,
        of,
        inTransaction,
        typeof call === 'function' ? call : await call.ready(of),
      )
      expect(log).not.toEqual([])
      // Whoever signs up is a tenant that wasn't there before.
      const named = verb === 'users.signUp' ? {} : { tenant: of.userId }
      const own = log.filter(({ text }) => !CLAIMS.test(text))
      const unnamed = await unnamedTenants(own, TABLES, named)
      if (OVER_ALL.includes(verb)) expect(unnamed).not.toEqual([])
      else expect(unnamed).toEqual([])
    },
  )
})

const role = () => ({ title: 'x', normalizedTitle: 'x', industryCategory: 'x', seniorityLevel: 'mid' })
const event = () => ({ eventName: 'x', timestamp: new Date() })

/** Those that have the standard methods. */
type TableName = Exclude<Name, 'limits'>

/** Input for each repository's standard methods. What the database then says doesn't matter here. */
const INPUTS: { readonly [N in TableName]: readonly [input: object, change: object] } = {
  users: [{ email: 'a@example.com' }, { fullName: 'Ann' }],
  resumes: [{ title: 'x' }, { title: 'y' }],
  exports: [{ format: 'pdf' }, { template: 'x' }],
  coverLetters: [{ title: 'x' }, { title: 'y' }],
  coverLetterDrafts: [{ coverLetterId: NOBODY, version: 1, content: 'x' }, { content: 'y' }],
  enhancements: [{ tonePreset: 'creative', originalContent: {} }, { targetRole: 'x' }],
  suggestions: [
    {
      requestId: NOBODY,
      sectionType: 'a',
      sectionId: 'a',
      fieldPath: 'a',
      originalText: 'a',
      suggestedText: 'a',
      improvementType: 'a',
    },
    { reasoning: 'x' },
  ],
  jobRoles: [role(), { title: 'y' }],
  templateMappings: [{ jobRoleId: NOBODY, template: 'x' }, { template: 'y' }],
  recommendations: [
    { jobRoleId: NOBODY, matchScore: 0.5, confidenceLevel: 'low', reasoning: 'x' },
    { reasoning: 'y' },
  ],
  entitlements: [{ plan: 'free' }, { plan: 'premium' }],
  payments: [payment(), { status: 'refunded' }],
  credits: [
    { transactionType: 'earned', amount: 1, source: 'x', balanceAfter: 1, version: 1 },
    { source: 'y' },
  ],
  creditBalances: [{ balance: 1 }, { balance: 2 }],
  referralCodes: [{ rewardType: 'credits' }, { isActive: false }],
  referrals: [{ referralCode: 'x', rewardType: 'credits', rewardAmount: 1 }, { referralCode: 'y' }],
  achievements: [{ achievementKey: 'x' }, { creditsAwarded: 2 }],
  achievementDefinitions: [{ achievementKey: 'x', title: 'x', criteria: { event: 'x' } }, { title: 'y' }],
  admins: [{ role: 'moderator' }, { isActive: false }],
  sessions: [{ tokenHash: 'x'.repeat(32), expiresAt: new Date() }, { userAgent: 'x' }],
  auditLogs: [{ action: 'create', tableName: 'resumes' }, { action: 'update' }],
  analytics: [event(), { eventName: 'y' }],
  subjects: [{ userId: NOBODY }, { subjectId: NOBODY }],
  funnels: [
    {
      funnelName: 'y',
      steps: [
        { step: 'a', name: 'a' },
        { step: 'b', name: 'b' },
      ],
    },
    { isActive: true },
  ],
  funnelSteps: [{ funnelName: 'x', stepName: 'x', timestamp: new Date() }, { stepName: 'y' }],
  cohorts: [
    {
      cohortPeriod: 'weekly',
      cohortDate: '2026-01-05',
      periodNumber: 0,
      userCount: 1,
      retainedUsers: 1,
      retentionRate: 1,
    },
    { userCount: 2 },
  ],
  anomalies: [{ metric: 'x', day: '2026-01-05', value: 1, expected: 1, deviations: 1 }, { value: 2 }],
  retention: [{ tableName: 'x', retentionDays: 9 }, { retentionDays: 10 }],
  slowQueries: [{ queryName: 'x', executionTimeMs: 1 }, { executionTimeMs: 2 }],
}

const KEYS: { readonly [N in TableName]?: (of: Customer) => unknown } = {
  creditBalances: ({ userId }) => userId,
  analytics: () => ({ id: NOBODY, timestamp: new Date() }),
}

describe.each(['tenant', 'service'] as const)('as %s, every standard method names its tenant', (role) => {
  test.each(Object.keys(INPUTS) as TableName[])('%s', async (name) => {
    const of = await customer(place)
    const silent: string[] = []
    const [input, change] = INPUTS[name]
    const given = { key: KEYS[name]?.(of) ?? NOBODY, input, change }
    for (const [method] of standardCalls(bindAll(EXECUTORS[role](of.userId))[name], given)) {
      let refusal: unknown
      const log = await sent(role, of, false, async (bound) => {
        const [, call] = standardCalls(bound[name], given).find(([each]) => each === method) ?? []
        await call?.().catch((error: unknown) => {
          if (!(error instanceof TenantryError)) throw error
          refusal = error
        })
      })
      expect(await unnamedTenants(log, TABLES, { tenant: of.userId }), method).toEqual([])
      if (log.length === 0) silent.push(`${method}: ${(refusal as TenantryError | undefined)?.code}`)
    }
    // What a repository doesn't have, it says before it asks the database.
    const without = [
      ...(['entitlements', 'admins'].includes(name) ? [] : ['upsert']),
      ...(['resumes', 'coverLetters'].includes(name) ? [] : ['restore']),
    ]
    expect(silent).toEqual(without.map((method) => `${method}: TENANTRY_CONFIGURATION`))
  })
})
