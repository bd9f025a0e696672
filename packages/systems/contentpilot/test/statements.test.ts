import { ConfigurationError, type Executor, TenantryError } from '@tenantry/core'
import { bindTenant, serviceExecutor, tenantExecutor } from '@tenantry/rls'
import { standardCalls, statementsOf, unnamedTenants, verbsOf } from '@tenantry/testing/statement-tenants'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repositories } from '../src/repositories/index.ts'
import { tenancy } from '../src/tenancy.ts'
import {
  type Author,
  customer,
  type Customer,
  draftOf,
  embedding,
  NOBODY,
  type PilotDatabase,
  pilotDatabase,
  tomorrow,
  topicOf,
  variant,
} from './support/pilot.ts'

type Name = keyof typeof repositories
type Bound = { [N in Name]: ReturnType<(typeof repositories)[N]['bind']> }
type Of = Author & Pick<Customer, 'account' | 'userId'>
type Call = (bound: Bound, of: Of) => Promise<unknown>

const draftVerb =
  (verb: 'approve' | 'reject' | 'publish' | 'unschedule', status: Parameters<typeof draftOf>[1]): Call =>
  async ({ drafts }, of) =>
    drafts[verb]((await draftOf(of, status)).id)

/** An outside call keeps no transaction open, and says so in one. */
const outside = (call: Promise<unknown>): Promise<unknown> =>
  call.catch((error: unknown) => {
    if (!(error instanceof ConfigurationError)) throw error
  })

/** The verbs of each repository, beside the standard methods: a new one that isn't called here fails the test. */
const VERBS: { readonly [N in Name]: Readonly<Record<string, Call>> } = {
  users: {
    signUp: ({ users }) =>
      users.signUp({ clerkId: crypto.randomUUID(), email: `${crypto.randomUUID()}@example.com` }),
    findByClerkId: ({ users }, { account }) => users.findByClerkId(account.user.clerkId),
    mirror: ({ users }, { account }) => users.mirror({ clerkId: account.user.clerkId, fullName: 'Ann' }),
    markDeleted: async ({ users }, { account }) => {
      await users.markDeleted(account.user.clerkId)
      return users.markDeleted(account.user.clerkId)
    },
  },
  profiles: {
    mine: ({ profiles }) => profiles.mine(),
    trainVoice: ({ profiles }) => profiles.trainVoice(),
  },
  subscriptions: {
    mine: ({ subscriptions }) => subscriptions.mine(),
    startTrial: async ({ subscriptions }, { account }) => {
      await subscriptions.remove(account.subscription.id)
      return subscriptions.startTrial({ planType: 'agency', trialDays: 3 })
    },
    sync: ({ subscriptions }) =>
      subscriptions.sync({
        planType: 'growth',
        status: 'active',
        currentPeriodStart: new Date(),
        currentPeriodEnd: tomorrow(),
      }),
  },
  pillars: { define: ({ pillars }) => pillars.define({ name: 'Growth' }) },
  voiceExamples: {
    findSimilar: ({ voiceExamples }) => voiceExamples.findSimilar(embedding(1)),
  },
  rawTopics: {
    discover: ({ rawTopics }) => rawTopics.discover({ source: 'manual', content: 'a' }, { costCents: 1 }),
    discoverMany: ({ rawTopics }) =>
      rawTopics.discoverMany(
        [
          { source: 'manual', content: 'a' },
          { source: 'reddit', content: 'b' },
        ],
        {},
      ),
    archive: async ({ rawTopics }) => {
      const { id } = await rawTopics.create({ source: 'manual', content: 'a' })
      return rawTopics.archive(id)
    },
    search: ({ rawTopics }) => rawTopics.search('engineer'),
  },
  topics: {
    classify: async ({ topics, rawTopics }, { pillar }) => {
      const raw = await rawTopics.create({ source: 'manual', content: 'a' })
      const input = { rawTopicId: raw.id, pillarId: pillar.id, aiScore: 90 }
      await topics.classify(input)
      return expect(topics.classify(input)).rejects.toThrow('new or processing')
    },
    archive: async ({ topics }, of) => topics.archive((await topicOf(of)).id),
    listByScore: async ({ topics }, of) => {
      for (const score of [80, 90, 85]) await topicOf(of, 'x', score)
      const { nextCursor } = await topics.listByScore({ limit: 2 })
      return topics.listByScore({ limit: 2, cursor: nextCursor })
    },
    search: ({ topics }) => topics.search('engineer'),
  },
  drafts: {
    generate: async ({ drafts }, of) =>
      drafts.generate({ topicId: (await topicOf(of)).id, variants: [variant('A'), variant('C')] }),
    generateWith: async ({ drafts }, of) => {
      const { id: topicId } = await topicOf(of)
      return outside(drafts.generateWith({ topicId, key: 'k' }, async () => ({ variants: [variant('A')] })))
    },
    regenerateWith: async ({ drafts }, of) => {
      const { topicId } = await draftOf(of)
      const input = { topicId, variantLetter: 'A', key: 'k' } as const
      return outside(drafts.regenerateWith(input, async () => ({ hook: 'new', body: 'b' })))
    },
    regenerate: async ({ drafts }, of) =>
      drafts.regenerate({ topicId: (await draftOf(of)).topicId, ...variant('A', 'new') }),
    edit: async ({ drafts }, of) => drafts.edit((await draftOf(of)).id, { editedText: 'x', userNotes: null }),
    approve: draftVerb('approve', 'draft'),
    reject: draftVerb('reject', 'approved'),
    schedule: async ({ drafts }, of) =>
      drafts.schedule((await draftOf(of, 'approved')).id, { scheduledFor: tomorrow() }),
    reschedule: async ({ drafts }, of) =>
      drafts.reschedule((await draftOf(of, 'scheduled')).id, { scheduledFor: tomorrow() }),
    unschedule: draftVerb('unschedule', 'scheduled'),
    publish: draftVerb('publish', 'scheduled'),
  },
  usage: {
    record: ({ usage }) => usage.record({ resourceType: 'export', costCents: 1 }),
    totals: ({ usage }) => usage.totals({ from: '2026-01' }),
  },
  usageMonthly: {},
  limits: {
    usage: ({ limits }) => limits.usage(),
    override: ({ limits }) => limits.override({ feature: 'posts', cap: 3 }),
    dropOverride: ({ limits }) => limits.dropOverride('posts'),
    forget: async ({ limits }, { userId }) => {
      await place.rows(`update pillars set status = 'inactive' where user_id = $1`, [userId])
      return limits.forget()
    },
    nearLimits: ({ limits }) => limits.nearLimits(),
    usageByPlan: ({ limits }) => limits.usageByPlan(),
    costByPlan: ({ limits }) => limits.costByPlan(),
  },
  auditLogs: {},
  secrets: {},
  dashboard: { live: ({ dashboard }) => dashboard.live(), stats: ({ dashboard }) => dashboard.stats() },
}

/** Verbs of the service role alone; the others are tried as both. */
const SERVICE_ONLY = [
  'signUp',
  'findByClerkId',
  'mirror',
  'markDeleted',
  'startTrial',
  'sync',
  'stats',
  'override',
  'dropOverride',
  'forget',
  'nearLimits',
  'usageByPlan',
  'costByPlan',
]

/** What an operator asks of all customers at once. */
const OF_ALL = ['limits.nearLimits', 'limits.usageByPlan', 'limits.costByPlan']

/** The one question before a tenant is known: the account of a Clerk id, by a key that is global by nature. */
const IDENTITY = ['select id from public.users where clerk_id = $1']

const TABLES = {
  ...Object.fromEntries(tenancy.tables.map(({ name, tenantColumn }) => [name, tenantColumn?.name ?? ''])),
  user_dashboard_stats: 'user_id',
  user_dashboard_live: 'user_id',
}

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
  await place.pilot.runJob('refresh user_dashboard_stats')
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
  statementsOf(EXECUTORS[role](of.userId), { inTransaction }, (executor) => {
    const scope = bindAll(executor)
    return call(scope, { ...of, scope })
  })

const WAYS = [
  ['as a customer', 'tenant', false],
  ['as a customer, in a transaction', 'tenant', true],
  ['as the service role', 'service', false],
  ['as the service role, in a transaction', 'service', true],
] as const

describe.each(WAYS)(
  '%s, every statement of a verb names its tenant on every table',
  (_, role, inTransaction) => {
    const calls = Object.entries(VERBS).flatMap(([name, verbs]) =>
      Object.entries(verbs)
        .filter(([verb]) => role === 'service' || !SERVICE_ONLY.includes(verb))
        .map(([verb, call]) => [`${name}.${verb}`, call] as const),
    )
    test.each(calls)('%s', async (verb, call) => {
      const of = await customer(place.pilot)
      const log = await sent(role, of, inTransaction, call)
      expect(log).not.toEqual([])
      if (OF_ALL.includes(verb)) return
      // Whoever signs up is a tenant that wasn't there before.
      const named = verb === 'users.signUp' ? {} : { tenant: of.userId }
      expect(await unnamedTenants(log, TABLES, { ...named, except: IDENTITY })).toEqual([])
    })
  },
)

/** Input for each repository's standard methods. What the database then says doesn't matter here. */
const INPUTS: { readonly [N in Exclude<Name, 'dashboard' | 'limits'>]: (of: Of) => object } = {
  users: () => ({ clerkId: crypto.randomUUID(), email: `${crypto.randomUUID()}@example.com` }),
  profiles: () => ({ targetAudience: 'founders' }),
  subscriptions: () => ({
    planType: 'growth',
    status: 'active',
    currentPeriodStart: new Date(),
    currentPeriodEnd: tomorrow(),
  }),
  pillars: () => ({ name: 'Growth', slug: 'growth' }),
  voiceExamples: ({ pillar }) => ({ postText: 'a', pillarId: pillar.id, vectorEmbedding: embedding(1) }),
  rawTopics: () => ({ source: 'manual', content: 'a' }),
  topics: ({ pillar }) => ({ pillarId: pillar.id, content: 'a', aiScore: 80 }),
  drafts: ({ pillar }) => ({ ...variant('A'), fullText: '', topicId: pillar.id, pillarId: pillar.id }),
  usage: () => ({ resourceType: 'export' }),
  usageMonthly: () => ({ resourceType: 'export', month: '2026-01-01', count: 1, costCents: 1 }),
  auditLogs: () => ({ action: 'create', tableName: 'pillars', recordId: crypto.randomUUID() }),
  secrets: () => ({ provider: 'openai', label: 'main', ciphertext: new Uint8Array(1), keyId: 'k' }),
}

const CHANGES: { readonly [N in Exclude<Name, 'dashboard' | 'limits'>]: object } = {
  users: { fullName: 'Ann' },
  profiles: { targetAudience: 'founders' },
  subscriptions: { cancelAtPeriodEnd: true },
  pillars: { tone: 'plain' },
  voiceExamples: { status: 'inactive' },
  rawTopics: { content: 'b' },
  topics: { aiScore: 81 },
  drafts: { userNotes: 'shorter' },
  usage: { costCents: 2 },
  usageMonthly: { count: 2 },
  auditLogs: { action: 'update' },
  secrets: { label: 'other' },
}

const KEYS: { readonly [N in Name]?: unknown } = {
  usage: { id: NOBODY, createdAt: new Date() },
  usageMonthly: { resourceType: 'export', month: '2026-01-01' },
}

describe.each(['tenant', 'service'] as const)('as %s, every standard method names its tenant', (role) => {
  test.each(Object.keys(INPUTS) as (keyof typeof INPUTS)[])('%s', async (name) => {
    const of = await customer(place.pilot)
    const silent: string[] = []
    const given = (author: Of) => ({
      key: KEYS[name] ?? NOBODY,
      input: INPUTS[name](author),
      change: CHANGES[name],
    })
    for (const [method] of standardCalls(bindAll(EXECUTORS[role](of.userId))[name], given(of))) {
      let refusal: unknown
      const log = await sent(role, of, false, async (scope, author) => {
        const [, call] = standardCalls(scope[name], given(author)).find(([each]) => each === method) ?? []
        await call?.().catch((error: unknown) => {
          if (!(error instanceof TenantryError)) throw error
          refusal = error
        })
      })
      expect(await unnamedTenants(log, TABLES, { tenant: of.userId, except: IDENTITY }), method).toEqual([])
      if (log.length === 0) silent.push(`${method}: ${(refusal as TenantryError | undefined)?.code}`)
    }
    // What a repository doesn't have, it says before it asks the database.
    const without = ['profiles', 'subscriptions', 'pillars'].includes(name) ? [] : ['upsert']
    expect(silent).toEqual([...without, 'restore'].map((method) => `${method}: TENANTRY_CONFIGURATION`))
  })
})
