/** Every statement of every repository names its tenant, on every table of tenants. */
import { type Executor, type Statement, TenantryError } from '@tenantry/core'
import { bindTenant, serviceExecutor, tenantExecutor } from '@tenantry/rls'
import { recorded, tenantsNamed } from '@tenantry/testing/statement-tenants'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repositories } from '../src/repositories/index.ts'
import { tenancy } from '../src/tenancy.ts'
import { tiktokKeyword } from './support/creators.ts'
import {
  byKeyword,
  claimed,
  type GemsDatabase,
  gemsDatabase,
  launched,
  NOBODY,
  person,
  type Person,
} from './support/gems.ts'

type Name = keyof typeof repositories
type Bound = { [N in Name]: ReturnType<(typeof repositories)[N]['bind']> }
type Call = (bound: Bound, of: Person) => Promise<unknown>

let place: GemsDatabase
beforeAll(async () => {
  place = await gemsDatabase()
})
afterAll(() => place?.close())

/** By table, the column that holds the tenant. */
const TABLES = Object.fromEntries(
  tenancy.tables.flatMap(({ name, tenantColumn }) =>
    tenantColumn === null ? [] : [[name, tenantColumn.name]],
  ),
)

/**
 * Questions about people, not of one: who belongs to a Stripe customer, and who administrators are. Row security
 * alone answers them.
 */
const OF_ALL_PEOPLE = [
  'select user_id from public.user_profiles where stripe_customer_id = $1 limit 2',
  `select user_id, full_name, email, is_admin, updated_at from public.user_profiles
where is_admin = true order by user_id`,
]

const SERVICE_ONLY = [
  'signUp',
  'mirror',
  'startTrial',
  'convertTrial',
  'cancelTrial',
  'syncSubscription',
  'findByStripeCustomer',
  'noteEmail',
  'track',
  'record',
  'set',
  'takeApiCalls',
  'usageByPlan',
  'nearLimits',
  'override',
  'dropOverride',
  'forget',
]

/** Refusals are no matter here: what was sent is. */
const whatever = (call: Promise<unknown>): Promise<unknown> =>
  call.catch((error: unknown) => {
    if (!(error instanceof TenantryError)) throw error
  })

/** The verbs of each repository, beside the standard methods: a new one that isn't called here fails the test. */
const VERBS: { readonly [N in Name]: Readonly<Record<string, Call>> } = {
  profiles: {
    mine: ({ profiles }) => profiles.mine(),
    describe: ({ profiles }) => profiles.describe({ industry: 'Sport', name: null }),
    signUp: async ({ profiles }, { userId }) => {
      await profiles.signUp({ userId, fullName: 'x' })
      return profiles.signUp({ userId: crypto.randomUUID() })
    },
    mirror: ({ profiles }) => profiles.mirror({ fullName: 'Ann' }),
    captureInfo: async ({ profiles }) => {
      await profiles.captureInfo({ fullName: 'Ann', businessName: 'Acme' })
      return whatever(profiles.captureInfo({ fullName: 'Ann', businessName: 'Acme' }))
    },
    captureIntent: ({ profiles }) => profiles.captureIntent({ brandDescription: 'Shoes' }),
    completeOnboarding: ({ profiles }) => profiles.completeOnboarding(),
    trial: ({ profiles }) => profiles.trial(),
    startTrial: ({ profiles }) => profiles.startTrial({ stripeCustomerId: 'cus_1' }),
    convertTrial: async ({ profiles }) => {
      await profiles.startTrial()
      return profiles.convertTrial({ stripeSubscriptionId: 'sub_1' })
    },
    cancelTrial: async ({ profiles }) => {
      await profiles.startTrial()
      return profiles.cancelTrial()
    },
    syncSubscription: ({ profiles }) => profiles.syncSubscription({ subscriptionStatus: 'active' }),
    findByStripeCustomer: async ({ profiles }, { userId }) => {
      await profiles.syncSubscription({ subscriptionStatus: 'active', stripeCustomerId: userId })
      return expect(profiles.findByStripeCustomer(userId)).resolves.toMatchObject({ userId })
    },
    noteEmail: ({ profiles }) => profiles.noteEmail('welcome', { status: 'sent' }),
  },
  campaigns: {
    launch: ({ campaigns }) => campaigns.launch({ name: 'x', search: byKeyword }),
    activate: async ({ campaigns }) => {
      const { id } = await campaigns.create({ name: 'x', searchType: 'keyword' })
      await campaigns.activate(id)
      return whatever(campaigns.activate(id))
    },
    complete: async ({ campaigns }, of) => campaigns.complete((await launched(of)).campaign.id),
    archive: async ({ campaigns }, of) => campaigns.archive((await launched(of)).campaign.id),
  },
  jobs: {
    start: async ({ jobs }, of) => {
      const { campaign } = await launched(of)
      return jobs.start({ campaignId: campaign.id, search: byKeyword })
    },
    detail: async ({ jobs }, of) => jobs.detail((await launched(of)).job.id),
    track: async ({ jobs }, of) =>
      jobs.track((await launched(of)).job.id, { runId: 'x', qstashMessageId: null }),
    record: async ({ jobs }, of) => {
      await launched(of)
      return jobs.record(await claimed(place, of), { creators: [tiktokKeyword()] })
    },
  },
  results: {
    creatorsOf: ({ results }) => results.creatorsOf(NOBODY),
  },
  configuration: {
    set: ({ configuration }) =>
      configuration.set({ category: 'a', key: crypto.randomUUID(), valueType: 'boolean', value: true }),
    read: ({ configuration }) => whatever(configuration.read('a', 'b')),
    readAll: ({ configuration }) => configuration.readAll('a'),
  },
  admins: {
    isAdmin: ({ admins }) => admins.isAdmin(),
    list: ({ admins }) => admins.list(),
    promote: ({ admins }, { userId }) => whatever(admins.promote(userId)),
    demote: ({ admins }, { userId }) => whatever(admins.demote(userId)),
  },
  limits: {
    usage: ({ limits }) => limits.usage(),
    apiCalls: ({ limits }) => limits.apiCalls(),
    takeApiCalls: ({ limits }) => limits.takeApiCalls(),
    nearLimits: ({ limits }) => limits.nearLimits(),
    usageByPlan: ({ limits }) => limits.usageByPlan(),
    override: ({ limits }) => limits.override({ feature: 'searches', cap: 3 }),
    dropOverride: ({ limits }) => limits.dropOverride('searches'),
    forget: ({ limits }) => limits.forget(),
  },
  searchJobs: {},
  searchResults: {},
}

const bindAll = (executor: Executor): Bound =>
  Object.fromEntries(
    Object.entries(repositories).map(([name, definition]) => [name, definition.bind(executor)]),
  ) as Bound

const EXECUTORS = {
  tenant: (userId: string) => tenantExecutor(place.database, tenancy, { userId }),
  service: (userId: string) => bindTenant(serviceExecutor(place.database), userId),
}

const verbsOf = (name: Name): string[] =>
  Object.keys(repositories[name].bind(serviceExecutor(place.database)))

test('every verb of every repository is called here', () => {
  for (const [name, calls] of Object.entries(VERBS)) {
    expect(Object.keys(calls).toSorted(), name).toEqual(verbsOf(name as Name).toSorted())
  }
  expect(Object.keys(VERBS).toSorted()).toEqual(Object.keys(repositories).toSorted())
})

/** Runs a call directly or in a transaction, and answers what it sent. */
async function sent(
  role: 'tenant' | 'service',
  of: Person,
  inTransaction: boolean,
  call: Call,
): Promise<Statement[]> {
  const log: Statement[] = []
  const executor = recorded(EXECUTORS[role](of.userId), log)
  const run = (inner: Executor) => call(bindAll(inner), of)
  await (inTransaction ? executor.transaction(run) : run(executor))
  return log
}

/** What isn't proven about the statements; without a tenant, that they name some value at least. */
async function violations(log: readonly Statement[], tenant?: string): Promise<string[]> {
  const found: string[] = []
  for (const { text, params } of log) {
    if (OF_ALL_PEOPLE.includes(text)) continue
    const binding = tenant === undefined ? undefined : { params, tenant }
    for (const { message } of await tenantsNamed(text, TABLES, binding)) found.push(`${message}: ${text}`)
  }
  return found
}

describe.each([
  ['as a person', 'tenant', false],
  ['as the service role', 'service', false],
  ['as the service role, in a transaction', 'service', true],
] as const)('%s, every statement of a verb names its tenant on every table', (_, role, inTransaction) => {
  const calls = Object.entries(VERBS).flatMap(([name, verbs]) =>
    Object.entries(verbs)
      .filter(([verb]) => role === 'service' || !SERVICE_ONLY.includes(verb))
      .map(([verb, call]) => [`${name}.${verb}`, call] as const),
  )
  test.each(calls)('%s', async (verb, call) => {
    const of = await person(place)
    // What a verb needs is made beside it, and inside the transaction would wait for it.
    const log = await sent(role, of, inTransaction && !NEEDING_OTHERS.includes(verb), call)
    expect(log).not.toEqual([])
    // Whoever signs up is a tenant that wasn't there before.
    expect(await violations(log, verb === 'profiles.signUp' ? undefined : of.userId)).toEqual([])
  })
})

const NEEDING_OTHERS = [
  'campaigns.complete',
  'campaigns.archive',
  'jobs.start',
  'jobs.detail',
  'jobs.track',
  'jobs.record',
]

type TenantName = Exclude<Name, 'admins' | 'configuration' | 'limits'>

/** Input for each repository's standard methods. What the database then says doesn't matter here. */
const INPUTS: { readonly [N in TenantName]: object } = {
  profiles: { fullName: 'Ann' },
  campaigns: { name: 'x', searchType: 'keyword' },
  jobs: { platform: 'TikTok', keywords: ['x'] },
  results: { creators: [tiktokKeyword()] },
  searchJobs: { id: 'x', platform: 'TikTok', searchType: 'keyword', totalCount: 1 },
  searchResults: { jobId: 'x', profileId: 'x', username: 'x', platform: 'TikTok' },
}

const CHANGES: { readonly [N in TenantName]: object } = {
  profiles: { industry: 'Sport' },
  campaigns: { name: 'y' },
  jobs: { region: 'DE' },
  results: { creators: [] },
  searchJobs: { totalCount: 2 },
  searchResults: { username: 'y' },
}

/** The methods that all repositories have, as they are called without types. */
type Standard = Record<string, (...args: readonly unknown[]) => unknown>

const METHODS: Readonly<
  Record<string, (repository: Standard, key: unknown, input: object, change: object) => unknown>
> = {
  get: (repository, key) => repository['get']?.(key),
  find: (repository) => repository['find']?.(),
  list: (repository) => repository['list']?.(),
  stream: async (repository) => {
    const rows = repository['stream']?.() as AsyncGenerator
    for await (const row of rows) expect(row).toBeDefined()
  },
  count: (repository) => repository['count']?.(),
  exists: (repository) => repository['exists']?.(),
  create: (repository, _, input) => repository['create']?.(input),
  createMany: (repository, _, input) => repository['createMany']?.([input, input]),
  update: (repository, key, _, change) => repository['update']?.(key, change),
  remove: (repository, key) => repository['remove']?.(key),
}

describe.each(['tenant', 'service'] as const)('as %s, every standard method names its tenant', (role) => {
  test.each(Object.keys(INPUTS) as TenantName[])('%s', async (name) => {
    const of = await person(place)
    for (const [method, call] of Object.entries(METHODS)) {
      const log = await sent(role, of, false, async (scope) => {
        const repository = scope[name] as unknown as Standard
        const key = name === 'searchJobs' ? 'nobody' : NOBODY
        await whatever(Promise.resolve(call(repository, key, INPUTS[name], CHANGES[name])))
      })
      expect(log, method).not.toEqual([])
      expect(await violations(log, of.userId), method).toEqual([])
    }
  })
})
