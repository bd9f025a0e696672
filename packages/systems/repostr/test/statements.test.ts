import { type Executor, TenantryError } from '@tenantry/core'
import { bindTenant, serviceExecutor, tenantExecutor } from '@tenantry/rls'
import { directoryStore } from '@tenantry/testing'
import { standardCalls, statementsOf, unnamedTenants, verbsOf } from '@tenantry/testing/statement-tenants'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repositories } from '../src/repositories/index.ts'
import { tenancy } from '../src/tenancy.ts'
import { SYSTEM_USER_ID } from '../src/types.ts'
import { NOBODY, type Place, repostrDatabase, user, type User } from './support/place.ts'

type Name = keyof typeof repositories
type Bound = { [N in Name]: ReturnType<(typeof repositories)[N]['bind']> }
type Call = (bound: Bound, of: User) => Promise<unknown>

const requested = ({ outputs }: Bound, { project }: User) =>
  outputs.request({ projectId: project.id, kind: 'blog', request: { topic: 'AI' } })

async function claimed(bound: Bound, of: User) {
  await requested(bound, of)
  const [claim] = await bound.outputs.claim()
  if (claim === undefined) throw new Error('nothing to claim')
  return claim
}

/** The verbs of each repository, beside the standard methods: a new one that isn't called here fails the test. */
const VERBS: { readonly [N in Name]: Readonly<Record<string, Call>> } = {
  profiles: {
    mine: async ({ profiles }) => {
      await profiles.upsert({ name: 'Ann' })
      return profiles.mine()
    },
    prefer: ({ profiles }) => profiles.prefer({ language: 'en' }),
  },
  projects: {
    contents: ({ projects }, { project }) => projects.contents(project.id),
    activity: ({ projects }) => projects.activity(),
  },
  files: {
    register: ({ files }, { project }) => files.register({ projectId: project.id, extension: 'mp3' }),
    removeOrphans: ({ files }) => files.removeOrphans(directoryStore(join(tmpdir(), 'repostr-nowhere'))),
  },
  outputs: {
    request: requested,
    edit: async (bound, of) => {
      const { id } = await requested(bound, of)
      return expect(bound.outputs.edit(id, { body: 'x', metadata: {} })).rejects.toThrow('completed')
    },
    claim: async (bound, of) => {
      await requested(bound, of)
      return bound.outputs.claim({ limit: 3 })
    },
    complete: async (bound, of) => bound.outputs.complete(await claimed(bound, of), { body: 'x' }),
    fail: async (bound, of) => bound.outputs.fail(await claimed(bound, of), 'no words'),
    renew: async (bound, of) => bound.outputs.renew(await claimed(bound, of)),
    release: async (bound, of) => bound.outputs.release([await claimed(bound, of)]),
    backlog: ({ outputs }) => outputs.backlog(),
  },
  archivedOutputs: {},
  templates: {
    available: ({ templates }) => templates.available({ type: 'blog' }),
    pick: async ({ templates }) => {
      const { id } = await templates.create({ name: 'Own', type: 'blog', prompt: 'x' })
      return templates.pick(id)
    },
    copy: async ({ templates }) => {
      const { id } = await templates.create({ name: 'Own', type: 'blog', prompt: 'x' })
      return templates.copy(id, { name: 'Copy' })
    },
    provide: ({ templates }) =>
      templates.provide({ name: crypto.randomUUID(), type: 'blog', prompt: 'Write on {topic}' }),
  },
  subscriptions: {
    sync: ({ subscriptions }, { userId }) =>
      subscriptions.sync({ plan: 'pro', status: 'active', stripeCustomerId: userId }),
    findByStripeCustomer: ({ subscriptions }, { userId }) => subscriptions.findByStripeCustomer(userId),
  },
  limits: {
    usage: ({ limits }) => limits.usage(),
    nearLimits: ({ limits }) => limits.nearLimits(),
    usageByPlan: ({ limits }) => limits.usageByPlan(),
    override: ({ limits }) => limits.override({ feature: 'outputs', cap: 3 }),
    dropOverride: ({ limits }) => limits.dropOverride('outputs'),
    forget: ({ limits }) => limits.forget(),
  },
}

/** Verbs of the service role alone; the others are tried as both. */
const SERVICE_ONLY = [
  'activity',
  'removeOrphans',
  'claim',
  'complete',
  'fail',
  'renew',
  'release',
  'backlog',
  'provide',
  'sync',
  'findByStripeCustomer',
  'nearLimits',
  'usageByPlan',
  'override',
  'dropOverride',
  'forget',
]

/**
 * Maintenance over all users, which walks them or is given them: reports and housekeeping. Workers' statements take
 * users with the rows that they hold, or the next ones, whoever's they are.
 */
const ACROSS_USERS = ['activity', 'removeOrphans', 'findByStripeCustomer', 'nearLimits', 'usageByPlan']
/** Claims name the tenant by arrays, or by the join with what was locked: more than the prover follows. */
const BY_ARRAYS = ['claim', 'complete', 'fail', 'renew', 'release']

const TABLES = Object.fromEntries(
  tenancy.tables.flatMap(({ name, tenantColumn }) => (tenantColumn ? [[name, tenantColumn.name]] : [])),
)

let place: Place
beforeAll(async () => {
  place = await repostrDatabase()
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
  for (const [name, repository] of Object.entries(bound)) {
    expect(Object.keys(VERBS[name as Name]).toSorted(), name).toEqual(verbsOf(repository).toSorted())
  }
})

describe.each([
  ['as a user', 'tenant', false],
  ['as a user, in a transaction', 'tenant', true],
  ['as the service role', 'service', false],
  ['as the service role, in a transaction', 'service', true],
] as const)('%s, every statement of a verb names its tenant on every table', (_, role, inTransaction) => {
  const calls = Object.entries(VERBS).flatMap(([name, verbs]) =>
    Object.entries(verbs)
      .filter(([verb]) => role === 'service' || !SERVICE_ONLY.includes(verb))
      .filter(([verb]) => !ACROSS_USERS.includes(verb))
      .map(([verb, call]) => [`${name}.${verb}`, verb, call] as const),
  )
  test.each(calls)('%s', async (_name, verb, call) => {
    const of = await user(place)
    const log = await statementsOf(EXECUTORS[role](of.userId), { inTransaction }, (executor) =>
      call(bindAll(executor), of),
    )
    expect(log).not.toEqual([])
    if (BY_ARRAYS.includes(verb)) {
      for (const { params } of log) expect(JSON.stringify(params)).toContain(of.userId)
      return
    }
    const found = await unnamedTenants(log, TABLES, { tenant: of.userId, shared: SYSTEM_USER_ID })
    expect(found).toEqual([])
  })
})

test.each(ACROSS_USERS)('%s is maintenance: it is refused to users', async (verb) => {
  const of = await user(place)
  const call = Object.values(VERBS).find((verbs) => verb in verbs)?.[verb]
  await expect(
    statementsOf(EXECUTORS.tenant(of.userId), { inTransaction: false }, (executor) =>
      Promise.resolve(call?.(bindAll(executor), of)),
    ),
  ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
})

type TableName = Exclude<Name, 'limits'>

const INPUTS: {
  readonly [N in TableName]: (of: User) => { readonly input: object; readonly change: object }
} = {
  profiles: () => ({ input: { name: 'Ann' }, change: { name: 'Bea' } }),
  projects: () => ({ input: { title: 'a' }, change: { title: 'b' } }),
  files: ({ project, userId }) => ({
    input: { projectId: project.id, path: `${userId}/${project.id}/${crypto.randomUUID()}` },
    change: { sizeBytes: 1 },
  }),
  outputs: ({ project }) => ({ input: { projectId: project.id, kind: 'blog' }, change: { metadata: {} } }),
  archivedOutputs: ({ project }) => ({
    input: { projectId: project.id, kind: 'blog' },
    change: { body: 'x' },
  }),
  subscriptions: () => ({ input: { plan: 'pro' }, change: { plan: 'business' } }),
  templates: () => ({ input: { name: 'a', type: 'blog', prompt: 'x' }, change: { name: 'b' } }),
}

const UPSERTED: readonly TableName[] = ['profiles', 'templates']

describe.each(['tenant', 'service'] as const)('as %s, every standard method names its tenant', (role) => {
  test.each(Object.keys(INPUTS) as TableName[])('%s', async (name) => {
    const of = await user(place)
    const key = name === 'profiles' || name === 'subscriptions' ? of.userId : NOBODY
    const silent: string[] = []
    const methods = standardCalls(bindAll(EXECUTORS[role](of.userId))[name], { key, input: {}, change: {} })
    for (const [method] of methods) {
      let refusal: unknown
      const log = await statementsOf(
        EXECUTORS[role](of.userId),
        { inTransaction: false },
        async (executor) => {
          const calls = new Map(standardCalls(bindAll(executor)[name], { key, ...INPUTS[name](of) }))
          await calls
            .get(method)?.()
            .catch((error: unknown) => {
              if (!(error instanceof TenantryError)) throw error
              refusal = error
            })
        },
      )
      expect(await unnamedTenants(log, TABLES, { tenant: of.userId }), method).toEqual([])
      if (log.length === 0) silent.push(`${method}: ${(refusal as TenantryError | undefined)?.code}`)
    }
    // What a repository doesn't have, it says before it asks the database.
    const without = [...(UPSERTED.includes(name) ? [] : ['upsert']), 'restore']
    expect(silent.toSorted()).toEqual(without.map((method) => `${method}: TENANTRY_CONFIGURATION`).toSorted())
  })
})
