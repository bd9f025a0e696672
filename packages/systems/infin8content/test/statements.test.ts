import { type Executor, TenantryError } from '@tenantry/core'
import { bindTenant, serviceExecutor, tenantExecutor } from '@tenantry/rls'
import { standardCalls, statementsOf, unnamedTenants, verbsOf } from '@tenantry/testing/statement-tenants'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repositories } from '../src/repositories/index.ts'
import { tenancy } from '../src/tenancy.ts'
import {
  articleOf,
  type Author,
  type ContentDatabase,
  contentDatabase,
  keywordsOf,
  NOBODY,
  person,
  team,
  type Team,
} from './support/content.ts'

type Name = keyof typeof repositories
type Bound = { [N in Name]: ReturnType<(typeof repositories)[N]['bind']> }
type Of = Author & Pick<Team, 'user' | 'organization' | 'service' | 'member'>
type Call = (bound: Bound, of: Of) => Promise<unknown>

/** A claim on a row of the organization's own. */
const sectionClaim: (
  of: Of,
) => Promise<Awaited<ReturnType<Bound['sections']['claim']>>['claims'][number]> = async (of) => {
  await articleOf(of, of.service)
  const { claims } = await of.service.sections.claim()
  return claims[0] ?? never()
}

const publishClaim: (
  of: Of,
) => Promise<Awaited<ReturnType<Bound['publishReferences']['claim']>>['claims'][number]> = async (of) => {
  const { id } = await articleOf(of, of.service, true)
  await of.scope.publishReferences.request({ articleId: id })
  const { claims } = await of.service.publishReferences.claim()
  return claims[0] ?? never()
}

/** The verbs of each repository, beside the standard methods: a new one that isn't called here fails the test. */
const VERBS: { readonly [N in Name]: Readonly<Record<string, Call>> } = {
  users: {
    me: async ({ users }) => users.me().catch(expected('TENANTRY_NOT_FOUND')),
    signUp: ({ users }) => users.signUp({ email: `${crypto.randomUUID()}@example.com` }),
    findByEmail: ({ users }, { user }) => users.findByEmail(user.email),
  },
  organizations: {
    current: ({ organizations }) => organizations.current(),
    mine: ({ organizations }) => organizations.mine().catch(expected('TENANTRY_ISOLATION')),
    ofUser: ({ organizations }, { user }) => organizations.ofUser(user.id),
    found: ({ organizations }, { user }) => organizations.found({ name: 'New', ownerId: user.id }),
  },
  members: {
    me: ({ members }) => members.me().catch(expected('TENANTRY_ISOLATION')),
    people: ({ members }) => members.people(),
    add: async ({ members }, { user }) => members.add({ userId: user.id, role: 'owner' }),
    changeRole: async ({ members }, of) =>
      members.changeRole({ userId: (await of.member()).user.id, role: 'admin' }),
    deactivate: async ({ members }, of) => members.deactivate((await of.member()).user.id),
    reactivate: async ({ members }, of) => members.reactivate((await of.member()).user.id),
    expel: async ({ members }, of) => members.expel((await of.member()).user.id),
    leave: async ({ members }, of) => {
      await of.member('owner')
      return members.leave().catch(expected('TENANTRY_ISOLATION'))
    },
  },
  invitations: {
    invite: ({ invitations }) => invitations.invite({ email: 'new@example.com' }),
    open: ({ invitations }) => invitations.open(),
    revoke: async ({ invitations }, { scope }) =>
      invitations.revoke((await scope.invitations.invite({ email: 'new@example.com' })).invitation.id),
    accept: async ({ invitations }, { scope }) => {
      const { token } = await scope.invitations.invite({ email: 'new@example.com' })
      const { id } = await person(place.content)
      await invitations.accept({ token, userId: id })
      return invitations.accept({ token, userId: id })
    },
  },
  subscriptions: {
    current: ({ subscriptions }) => subscriptions.current(),
    change: ({ subscriptions }) => subscriptions.change({ plan: 'pro' }),
  },
  competitors: { add: ({ competitors }) => competitors.add({ url: 'https://one.example' }) },
  workflows: {
    start: ({ workflows }, { user }) => workflows.start({ title: 'New', createdBy: user.id }),
    transition: async ({ workflows }, of) =>
      workflows.transition((await keywordsOf(of)).workflow.id, {
        to: 'ICP_PENDING',
        idempotencyKey: 'k',
        version: 1,
      }),
    cancel: async ({ workflows }, of) => workflows.cancel((await keywordsOf(of)).workflow.id),
    retry: async ({ workflows }, of) => {
      const { id } = (await keywordsOf(of)).workflow
      for (const to of ['ICP_PENDING', 'ICP_PROCESSING', 'ICP_FAILED'] as const)
        await workflows.transition(id, { to })
      return workflows.retry(id)
    },
    history: async ({ workflows }, of) => workflows.history((await keywordsOf(of)).workflow.id),
    withKeywordCounts: ({ workflows }) => workflows.withKeywordCounts(),
    active: ({ workflows }) => workflows.active(),
    failed: ({ workflows }) => workflows.failed(),
  },
  transitions: {},
  keywords: {
    addSeeds: ({ keywords }) => keywords.addSeeds({ workflowId: null, keywords: [{ keyword: 'a' }] }),
    addLongtails: async ({ keywords }, of) =>
      keywords.addLongtails({ parentId: (await keywordsOf(of)).shoes.id, keywords: [{ keyword: 'b' }] }),
    addSubtopics: async ({ keywords }, of) =>
      keywords.addSubtopics({ parentId: (await keywordsOf(of)).running.id, keywords: [{ keyword: 'c' }] }),
    expandLongtails: async ({ keywords }, of) =>
      keywords.expandLongtails({ id: (await keywordsOf(of)).shoes.id, estimatedCostUsd: 0.1 }, async () => ({
        keywords: [{ keyword: 'b' }],
      })),
    expandSubtopics: async ({ keywords }, of) =>
      keywords
        .expandSubtopics({ id: (await keywordsOf(of)).running.id, estimatedCostUsd: 0.1 }, () =>
          Promise.reject(new Error('down')),
        )
        .catch(() => undefined),
    tree: async ({ keywords }, of) => {
      await keywords.tree(null)
      return keywords.tree((await keywordsOf(of)).workflow.id)
    },
    decide: async ({ keywords }, of) =>
      keywords.decide({ ids: [(await keywordsOf(of)).shoes.id], filterStatus: 'approved' }),
    moveLongtails: async ({ keywords }, of) =>
      keywords.moveLongtails((await keywordsOf(of)).shoes.id, 'processing'),
    moveSubtopics: async ({ keywords }, of) =>
      keywords.moveSubtopics((await keywordsOf(of)).shoes.id, 'processing'),
    moveArticle: async ({ keywords }) =>
      keywords.moveArticle(NOBODY, 'ready').catch(expected('TENANTRY_NOT_FOUND')),
  },
  clusters: {
    assign: async ({ clusters }, of) => {
      const { workflow, shoes, running } = await keywordsOf(of)
      return clusters.assign({
        workflowId: workflow.id,
        hubKeywordId: shoes.id,
        spokes: [{ keywordId: running.id }],
      })
    },
    ofWorkflow: async ({ clusters }, of) => clusters.ofWorkflow((await keywordsOf(of)).workflow.id),
    validate: async ({ clusters }, of) =>
      clusters.validate({ workflowId: (await keywordsOf(of)).workflow.id }),
    dissolve: ({ clusters }) => clusters.dissolve(NOBODY, NOBODY),
  },
  clusterValidations: { compute: ({ clusterValidations }) => clusterValidations.compute(NOBODY, {}) },
  approvals: {
    decide: async ({ approvals }, of) =>
      approvals.decide({
        workflowId: (await keywordsOf(of)).workflow.id,
        entityType: 'clusters',
        decision: 'approved',
        userId: of.user.id,
      }),
    isApproved: ({ approvals }) => approvals.isApproved(NOBODY, 'clusters'),
  },
  articles: {
    outline: async ({ articles }) =>
      articles.outline({
        articleId: (await articles.create({ title: 'New' })).id,
        sections: [{ title: 'a' }, {}],
      }),
    withSections: async ({ articles }, of) => articles.withSections((await articleOf(of, of.service)).id),
    startGenerating: async ({ articles }) =>
      articles.startGenerating((await articles.create({ title: 'New' })).id),
    finishGenerating: async ({ articles }, of) =>
      articles
        .finishGenerating((await articleOf(of, of.service)).id)
        .catch(expected('TENANTRY_STALE_TRANSITION')),
    failGenerating: async ({ articles }, of) => articles.failGenerating((await articleOf(of, of.service)).id),
  },
  sections: {
    clear: ({ sections }) => sections.clear(NOBODY),
    redo: async ({ sections }, of) => {
      const { sections: written } = await articleOf(of, of.service, true)
      return sections.redo(written[0]?.id ?? '')
    },
    claim: async ({ sections }, of) => {
      await articleOf(of, of.service)
      return sections.claim()
    },
    renew: async ({ sections }, of) => sections.renew(await sectionClaim(of)),
    researched: async ({ sections }, of) =>
      sections.researched(await sectionClaim(of), { researchSources: [] }),
    write: async ({ sections }, of) => {
      const { id, tenant, token } = await sectionClaim(of)
      await sections.write({ id, tenant, token }, { estimatedCostUsd: 0.1 }, async () => ({
        content: 'x',
        costUsd: 0.05,
      }))
      return sections
        .write({ id, tenant, token }, { estimatedCostUsd: 0.1 }, never)
        .catch(expected('TENANTRY_STALE_TRANSITION'))
    },
    written: async ({ sections }, of) => sections.written(await sectionClaim(of), { content: 'x' }),
    failed: async ({ sections }, of) => sections.failed(await sectionClaim(of), 'x'),
    backlog: ({ sections }) => sections.backlog(),
  },
  publishReferences: {
    request: async ({ publishReferences }, of) =>
      publishReferences.request({ articleId: (await articleOf(of, of.service, true)).id }),
    retry: async ({ publishReferences }, of) => {
      const { id } = await publishClaim(of)
      const claim = { id, tenant: of.organization.id, token: NOBODY }
      await of.service.publishReferences.failed(claim, 'x').catch(expected('TENANTRY_STALE_TRANSITION'))
      return publishReferences.retry(id).catch(expected('TENANTRY_STALE_TRANSITION'))
    },
    claim: ({ publishReferences }) => publishReferences.claim(),
    renew: async ({ publishReferences }, of) => publishReferences.renew(await publishClaim(of)),
    published: async ({ publishReferences }, of) =>
      publishReferences.published(await publishClaim(of), {
        platformPostId: '1',
        platformUrl: 'https://a.example',
      }),
    failed: async ({ publishReferences }, of) =>
      publishReferences.failed(await publishClaim(of), 'x', { final: true }),
    backlog: ({ publishReferences }) => publishReferences.backlog(),
  },
  research: {
    lookup: ({ research }) => research.lookup('q'),
    remember: ({ research }) => research.remember({ query: 'q', results: [] }),
    cached: async ({ research }) => {
      await research.cached('q', async () => ({ results: [] }))
      return research.cached('down', () => Promise.reject(new Error('down'))).catch(() => undefined)
    },
    forget: ({ research }) => research.forget('q'),
  },
  usage: {
    ofPeriod: ({ usage }) => usage.ofPeriod('2026-11'),
    current: ({ usage }) => usage.current(),
    reserve: ({ usage }) => usage.reserve({ metric: 'articles', costUsd: 0.1, key: 'a' }),
    commit: async ({ usage }) =>
      usage.commit(await usage.reserve({ metric: 'research_queries', count: 1, costUsd: 0.1, key: 'b' })),
    release: async ({ usage }) =>
      usage.release(await usage.reserve({ metric: 'research_queries', count: 1, key: 'c' })),
    withHold: ({ usage }) =>
      usage.withHold({ metric: 'research_queries', count: 1, key: 'd' }, async () => undefined),
    nearLimits: ({ usage }) => usage.nearLimits(),
    byPlan: ({ usage }) => usage.byPlan('2026-11'),
    override: ({ usage }) => usage.override({ feature: 'article_cost', cap: 2.5 }),
    dropOverride: ({ usage }) => usage.dropOverride('article_cost'),
    forget: ({ usage }) => usage.forget(),
  },
  rateLimits: {
    take: ({ rateLimits }) => rateLimits.take({ key: 'k' }).catch(expected('TENANTRY_NOT_FOUND')),
    status: ({ rateLimits }) => rateLimits.status('k').catch(expected('TENANTRY_NOT_FOUND')),
  },
  auditLogs: {},
}

/** Verbs of the service role alone; the others are tried as both. */
const SERVICE_ONLY = [
  'users.signUp',
  'users.findByEmail',
  'organizations.ofUser',
  'organizations.found',
  'members.add',
  'invitations.accept',
  'subscriptions.change',
  'usage.nearLimits',
  'usage.byPlan',
  'usage.override',
  'usage.dropOverride',
  'usage.forget',
  ...['sections', 'publishReferences'].flatMap((name) =>
    ['claim', 'renew', 'researched', 'write', 'written', 'published', 'failed', 'backlog'].map(
      (verb) => `${name}.${verb}`,
    ),
  ),
]

/** They are refused to one of the two roles before anything runs. */
const SILENT = {
  tenant: [] as readonly string[],
  service: ['members.me', 'members.leave'],
}

const organizationTables = Object.fromEntries(
  tenancy.tables
    .filter(({ of }) => of === 'tenant')
    .map(({ name, tenantColumn }) => [name, tenantColumn?.name ?? '']),
)

/** Questions before an organization is known: by a person's own id, or by an address that is theirs alone. */
const IDENTITY = [
  'select id from public.users where email = $1',
  `select organization.id, organization.name, member.role
from public.user_organizations as member
join public.organizations as organization on organization.id = member.organization_id
where member.user_id = $1 and member.active
order by organization.name, organization.id`,
]

let place: ContentDatabase
beforeAll(async () => {
  place = await contentDatabase()
})
afterAll(() => place?.close())

const bindAll = (executor: Executor): Bound =>
  // Each property is bound by the definition of its own name.
  Object.fromEntries(Object.entries(repositories).map(([name, { bind }]) => [name, bind(executor)])) as Bound

const EXECUTORS: Readonly<Record<'tenant' | 'service', (of: Team) => Executor>> = {
  tenant: ({ principal }) => tenantExecutor(place.database, tenancy, principal),
  service: ({ organization }) => bindTenant(serviceExecutor(place.database), organization.id),
}

test('every verb of every repository is called here', () => {
  const bound = bindAll(serviceExecutor(place.database))
  for (const [name, calls] of Object.entries(VERBS)) {
    expect(Object.keys(calls).toSorted(), name).toEqual(verbsOf(bound[name as Name]).toSorted())
  }
  expect(Object.keys(VERBS).toSorted()).toEqual(Object.keys(repositories).toSorted())
})

/** A call needs rows that others made; these are made outside its transaction. */
const sent = (role: 'tenant' | 'service', of: Team, call: Call) =>
  statementsOf(EXECUTORS[role](of), { inTransaction: false }, (executor) => call(bindAll(executor), of))

describe.each(['tenant', 'service'] as const)(
  'as %s, every statement of a verb names its organization',
  (role) => {
    const calls = Object.entries(VERBS).flatMap(([name, verbs]) =>
      Object.entries(verbs)
        .map(([verb, call]) => [`${name}.${verb}`, call] as const)
        .filter(([verb]) => role === 'service' || !SERVICE_ONLY.includes(verb)),
    )
    test.each(calls)('%s', async (verb, call) => {
      const of = await team(place.content)
      const log = await sent(role, of, call)
      if (SILENT[role].includes(verb)) return expect(log).toEqual([])
      expect(log).not.toEqual([])
      // What is founded is an organization that wasn't there before.
      const named = verb === 'organizations.found' ? {} : { tenant: of.organization.id }
      const own = log.filter(({ text }) => !isClaim(text))
      expect(await unnamedTenants(own, organizationTables, { ...named, except: IDENTITY })).toEqual([])
    })
  },
)

/**
 * Claimed work is of all organizations: its statements take rows as they come, or name them by key and
 * organization in arrays, which is more than the proof can follow. They are the kit's, and tried there.
 */
const isClaim = (text: string): boolean => /^\s*with (next|input) as materialized/.test(text)

test('every statement about a person names that person', async () => {
  const of = await team(place.content)
  const users = { users: 'id' }
  for (const [role, executor] of [
    ['tenant', EXECUTORS.tenant(of)],
    ['service', bindTenant(serviceExecutor(place.database), of.user.id)],
  ] as const) {
    const given = { key: of.user.id, input: { email: 'new@example.com' }, change: { fullName: 'New' } }
    for (const [method] of standardCalls(repositories.users.bind(executor), given)) {
      const log = await statementsOf(executor, { inTransaction: false }, async (recording) => {
        const [, call] =
          standardCalls(repositories.users.bind(recording), given).find(([each]) => each === method) ?? []
        await call?.().catch((error: unknown) => expect(error).toBeInstanceOf(TenantryError))
      })
      expect(await unnamedTenants(log, users, { tenant: of.user.id }), `${role} ${method}`).toEqual([])
    }
  }
})

/** Input for each repository's standard methods. What the database then says doesn't matter here. */
const INPUTS: { readonly [N in Exclude<Name, 'users'>]: readonly [input: object, change: object] } = {
  organizations: [{ name: 'New' }, { name: 'New' }],
  members: [{ userId: NOBODY, role: 'member' }, { role: 'admin' }],
  invitations: [{ email: 'new@example.com' }, { role: 'admin' }],
  subscriptions: [{ plan: 'pro', status: 'active' }, { plan: 'agency' }],
  competitors: [{ url: 'https://one.example/' }, { name: 'One' }],
  workflows: [{ title: 'New' }, { title: 'Newer' }],
  transitions: [
    { workflowId: NOBODY, fromState: 'CREATED', toState: 'ICP_PENDING', version: 2 },
    { transitionReason: 'x' },
  ],
  keywords: [{ keyword: 'new', keywordType: 'seed' }, { keyword: 'newer' }],
  clusters: [
    { workflowId: NOBODY, hubKeywordId: NOBODY, spokeKeywordId: crypto.randomUUID() },
    { similarityScore: 0.5 },
  ],
  clusterValidations: [
    { workflowId: NOBODY, hubKeywordId: NOBODY },
    { validationMetadata: { min_spokes: 1 } },
  ],
  approvals: [
    { workflowId: NOBODY, entityType: 'clusters', entityId: NOBODY, decision: 'approved' },
    { decision: 'rejected' },
  ],
  articles: [{ title: 'New' }, { title: 'Newer' }],
  sections: [{ articleId: NOBODY, sectionOrder: 1 }, { title: 'Newer' }],
  publishReferences: [{ articleId: NOBODY, platform: 'wordpress' }, { metadata: { a: 1 } }],
  research: [{ researchQuery: 'q', researchResults: [], cachedUntil: new Date() }, { sourceCount: 1 }],
  usage: [{ metricType: 'tokens', billingPeriod: '2026-11' }, { usageCount: 1 }],
  rateLimits: [{ key: 'k', limitCount: 1 }, { limitCount: 2 }],
  auditLogs: [{ tableName: 'articles', operation: 'INSERT' }, { operation: 'UPDATE' }],
}

const UPSERTS = ['members', 'competitors', 'rateLimits']

describe.each(['tenant', 'service'] as const)(
  'as %s, every standard method names its organization',
  (role) => {
    test.each(Object.keys(INPUTS) as (keyof typeof INPUTS)[])('%s', async (name) => {
      const of = await team(place.content)
      const [input, change] = INPUTS[name]
      const given = { key: NOBODY, input, change }
      const silent: string[] = []
      for (const [method] of standardCalls(bindAll(EXECUTORS[role](of))[name], given)) {
        let refusal: unknown
        const log = await sent(role, of, async (scope) => {
          const [, call] = standardCalls(scope[name], given).find(([each]) => each === method) ?? []
          await call?.().catch((error: unknown) => {
            if (!(error instanceof TenantryError)) throw error
            refusal = error
          })
        })
        expect(await unnamedTenants(log, organizationTables, { tenant: of.organization.id }), method).toEqual(
          [],
        )
        if (log.length === 0) silent.push(`${method}: ${(refusal as TenantryError | undefined)?.code}`)
      }
      // What a repository doesn't have, it says before it asks the database.
      const without = UPSERTS.includes(name) ? [] : ['upsert']
      expect(silent).toEqual([...without, 'restore'].map((method) => `${method}: TENANTRY_CONFIGURATION`))
    })
  },
)

/** For a call that is refused on purpose: it counts with what it had sent. */
function expected(code: string): (error: unknown) => void {
  return (error) => expect(error).toMatchObject({ code })
}

function never(): never {
  throw new Error('nothing was claimed')
}
