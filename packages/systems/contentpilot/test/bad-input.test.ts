/** Wrong input is refused with the field's name, or as a missing row, and nothing is written. */
import { type TenantryError, ValidationError } from '@tenantry/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contentpilot } from '../src/index.ts'
import { TEXT_CHARACTERS_MAX } from '@tenantry/repository/fields'
import {
  type Customer,
  customer,
  draftOf,
  embedding,
  NOBODY,
  type PilotDatabase,
  pilotDatabase,
  variant,
} from './support/pilot.ts'

let place: PilotDatabase
let ann: Customer
let draft: Awaited<ReturnType<typeof draftOf>>
beforeAll(async () => {
  place = await pilotDatabase()
  ann = await customer(place.pilot)
  draft = await draftOf(ann)
})
afterAll(() => place?.close())

/** What a caller without types may send. */
const wrong = <T>(value: unknown): T => value as T

const LONG = 'x'.repeat(TEXT_CHARACTERS_MAX + 1)
const NUL = 'a\0b'
const UUID_LIKE = "1' or '1'='1"

const everything = async () =>
  (
    await place.rows(
      contentpilot.definition.tenancy.tables
        .map(
          ({ schema, name }) =>
            `select '${name}' as name, md5(coalesce(string_agg(t::text, '' order by t::text), '')) as rows from ${schema}.${name} as t`,
        )
        .join(' union all '),
    )
  ).toSorted()

type Case = readonly [what: string, path: string, call: () => Promise<unknown>]

const raw = { source: 'manual', content: 'x' } as const
const verdict = () => ({ rawTopicId: NOBODY, pillarId: ann.pillar.id, aiScore: 80 })
const CASES: readonly Case[] = [
  ['sign up: unknown field', 'role', () => signUp({ role: 'admin' })],
  ['sign up: no address', 'email', () => signUp({ email: 'nobody' })],
  ['sign up: plan', 'planType', () => signUp({ planType: 'free' })],
  ['sign up: trial', 'trialDays', () => signUp({ trialDays: 1.5 })],
  [
    'sign up: nested',
    'profile.linkedinUrl',
    () => signUp({ profile: { linkedinUrl: 'javascript:alert(1)' } }),
  ],
  ['Clerk id: type', '', () => place.pilot.asService().users.findByClerkId(wrong(7))],
  ['mirror: nothing changed', '', () => place.pilot.asService().users.mirror({ clerkId: 'c' })],
  ['subscription: order', 'currentPeriodEnd', () => sync({ currentPeriodEnd: '2020-01-01T00:00:00Z' })],
  ['subscription: status', 'status', () => sync({ status: 'expired' })],
  ['user: own status', 'status', () => ann.service.users.update(ann.userId, wrong({ status: 'gone' }))],
  ['profile: unknown field', 'voice', () => ann.scope.profiles.upsert(wrong({ voice: 1 }))],
  [
    'profile: forged score',
    'voiceConfidenceScore',
    () => ann.scope.profiles.upsert(wrong({ voiceConfidenceScore: 100 })),
  ],
  ['profile: tenant', 'userId', () => ann.scope.profiles.upsert(wrong({ userId: NOBODY }))],
  ['pillar: no slug to be made', 'slug', () => ann.scope.pillars.define({ name: '!!!' })],
  ['pillar: slug', 'slug', () => ann.scope.pillars.create({ name: 'x', slug: 'Not A Slug' })],
  ['pillar: over-long', 'tone', () => ann.scope.pillars.define({ name: 'x', tone: 'x'.repeat(101) })],
  ['pillar: key', 'id', () => ann.scope.pillars.create(wrong({ id: NOBODY, name: 'x', slug: 'x' }))],
  ['pillar: nothing to change', '', () => ann.scope.pillars.update(ann.pillar.id, {})],
  [
    'example: dimensions',
    'vectorEmbedding',
    () => ann.scope.voiceExamples.create({ postText: 'x', vectorEmbedding: [1, 2, 3] }),
  ],
  [
    'example: zeros',
    'vectorEmbedding',
    () => ann.scope.voiceExamples.create({ postText: 'x', vectorEmbedding: embedding(0).map(() => 0) }),
  ],
  [
    'example: count',
    'characterCount',
    () => ann.scope.voiceExamples.create(wrong({ postText: 'x', characterCount: 1 })),
  ],
  [
    'examples: which',
    'items.1.postText',
    () => ann.scope.voiceExamples.createMany([{ postText: 'x' }, { postText: '  ' }]),
  ],
  ['similar: dimensions', 'embedding', () => ann.scope.voiceExamples.findSimilar([1, 2])],
  [
    'similar: not a number',
    'embedding.0',
    () => ann.scope.voiceExamples.findSimilar([Number.NaN, ...embedding(0).slice(1)]),
  ],
  ['similar: none', 'embedding', () => ann.scope.voiceExamples.findSimilar(wrong(undefined))],
  ['trial: days', 'trialDays', () => ann.service.subscriptions.startTrial({ trialDays: 0 })],
  ['similar: limit', 'limit', () => ann.scope.voiceExamples.findSimilar(embedding(0), { limit: 201 })],
  [
    'similar: unknown option',
    'where',
    () => ann.scope.voiceExamples.findSimilar(embedding(0), wrong({ where: {} })),
  ],
  ['discover: source', 'source', () => ann.scope.rawTopics.discover(wrong({ ...raw, source: 'twitter' }))],
  ['discover: over-long', 'content', () => ann.scope.rawTopics.discover({ ...raw, content: LONG })],
  ['discover: NUL', 'content', () => ann.scope.rawTopics.discover({ ...raw, content: NUL })],
  ['discover: state', 'status', () => ann.scope.rawTopics.discover(wrong({ ...raw, status: 'classified' }))],
  [
    'discover: NUL in metadata',
    'metadata',
    () => ann.scope.rawTopics.discover({ ...raw, metadata: { note: NUL } }),
  ],
  [
    'discover many: which',
    'items.1.content',
    () => ann.scope.rawTopics.discoverMany([raw, wrong({ source: 'manual' })]),
  ],
  ['discover many: no list', 'items', () => ann.scope.rawTopics.discoverMany(wrong('x'))],
  ['archive: no id', 'id', () => ann.scope.rawTopics.archive(UUID_LIKE)],
  ['search: over-long', 'query', () => ann.scope.topics.search('x'.repeat(1001))],
  ['search: type', 'query', () => ann.scope.topics.search(wrong(7))],
  ['search: limit', 'limit', () => ann.scope.rawTopics.search('x', { limit: 0 })],
  ['classify: score', 'aiScore', () => ann.scope.topics.classify({ ...verdict(), aiScore: 101 })],
  ['classify: fraction', 'aiScore', () => ann.scope.topics.classify({ ...verdict(), aiScore: 70.5 })],
  [
    'classify: hook',
    'hookAngle',
    () => ann.scope.topics.classify(wrong({ ...verdict(), hookAngle: 'angry' })),
  ],
  ['classify: no id', 'rawTopicId', () => ann.scope.topics.classify({ ...verdict(), rawTopicId: UUID_LIKE })],
  [
    'classify: unknown field',
    'status',
    () => ann.scope.topics.classify(wrong({ ...verdict(), status: 'drafted' })),
  ],
  ['topic: state', 'status', () => ann.scope.topics.update(draft.topicId, wrong({ status: 'classified' }))],
  ['by score: sort', 'sorted', () => ann.scope.topics.listByScore(wrong({ sorted: [] }))],
  ['generate: none', 'variants', () => generate([])],
  ['generate: twice', 'variants', () => generate([variant('B'), variant('B')])],
  [
    'generate: letter',
    'variants.0.variantLetter',
    () => generate([wrong({ ...variant('A'), variantLetter: 'D' })]),
  ],
  ['generate: blank', 'variants.0.hook', () => generate([{ ...variant('B'), hook: ' ' }])],
  ['generate: state', 'variants.0.status', () => generate([wrong({ ...variant('B'), status: 'posted' })])],
  [
    'generate: cost',
    'costCents',
    () => ann.scope.drafts.generate({ topicId: draft.topicId, variants: [variant('B')] }, { costCents: -1 }),
  ],
  [
    'regenerate: over-long',
    'body',
    () => ann.scope.drafts.regenerate({ topicId: draft.topicId, ...variant('A'), body: LONG }),
  ],
  [
    'regenerate: cost',
    'costCents',
    () => ann.scope.drafts.regenerate({ topicId: draft.topicId, ...variant('A') }, { costCents: 2 ** 31 }),
  ],
  ['edit: nothing', '', () => ann.scope.drafts.edit(draft.id, {})],
  ['edit: text of the generator', 'hook', () => ann.scope.drafts.edit(draft.id, wrong({ hook: 'x' }))],
  ['edit: no id', 'id', () => ann.scope.drafts.edit('7', { userNotes: 'x' })],
  ['approve: no id', 'id', () => ann.scope.drafts.approve(wrong(undefined))],
  [
    'schedule: no time',
    'scheduledFor',
    () => ann.scope.drafts.schedule(draft.id, wrong({ scheduledFor: 'soon' })),
  ],
  [
    'schedule: no zone',
    'scheduledFor',
    () => ann.scope.drafts.schedule(draft.id, { scheduledFor: '2030-01-01T00:00:00' }),
  ],
  ['draft: text past its verbs', 'hook', () => ann.scope.drafts.update(draft.id, wrong({ hook: 'x' }))],
  [
    'draft: edited past its verb',
    'editedText',
    () => ann.scope.drafts.update(draft.id, wrong({ editedText: 'x' })),
  ],
  ['usage: cost', 'costCents', () => ann.scope.usage.record({ resourceType: 'x', costCents: 0.5 })],
  ['usage: blank', 'resourceType', () => ann.scope.usage.record({ resourceType: ' ' })],
  [
    'usage: date',
    'createdAt',
    () => ann.scope.usage.record(wrong({ resourceType: 'x', createdAt: new Date() })),
  ],
  ['totals: month', 'from', () => ann.scope.usage.totals({ from: '2026-13' })],
  ['list: unknown field', 'where.colour', () => ann.scope.drafts.list({ where: wrong({ colour: 'red' }) })],
  ['list: unknown option', 'offset', () => ann.scope.drafts.list(wrong<object>({ offset: 20 }))],
  ['get: no id', 'id', () => ann.scope.drafts.get(UUID_LIKE)],
]

const signUp = (more: object) =>
  place.pilot.asService().users.signUp(wrong({ clerkId: 'clerk_bad', email: 'bad@example.com', ...more }))
const sync = (more: object) =>
  ann.service.subscriptions.sync(
    wrong({
      planType: 'growth',
      status: 'active',
      currentPeriodStart: '2026-01-01T00:00:00Z',
      currentPeriodEnd: '2026-02-01T00:00:00Z',
      ...more,
    }),
  )
const generate = (variants: Parameters<Customer['scope']['drafts']['generate']>[0]['variants']) =>
  ann.scope.drafts.generate({ topicId: draft.topicId, variants })

const refusalOf = (call: () => Promise<unknown>): Promise<unknown> =>
  call().then(
    () => undefined,
    (error: unknown) => error,
  )

test.each(CASES)('%s: refused, naming %j', async (_, path, call) => {
  const before = await everything()
  const refusal = await refusalOf(call)
  expect(refusal).toBeInstanceOf(ValidationError)
  expect((refusal as ValidationError).issues.map((issue) => issue.path)).toContain(path)
  expect(await everything()).toEqual(before)
})

describe('a cursor', () => {
  test('of another filter, sort, repository or customer, or an altered one, is refused as one', async () => {
    const ben = await customer(place.pilot)
    for (const content of ['one', 'two', 'three']) {
      await ann.scope.rawTopics.discover({ ...raw, content })
      await ben.scope.rawTopics.discover({ ...raw, content })
    }
    const { rawTopics, drafts, topics } = ann.scope
    const { nextCursor } = await rawTopics.list({ limit: 1 })
    if (nextCursor === null) throw new Error('no second page')
    const attempts: (() => Promise<unknown>)[] = [
      () => rawTopics.list({ limit: 1, cursor: nextCursor, where: { status: 'new' } }),
      () => rawTopics.list({ limit: 1, cursor: nextCursor, sort: [{ createdAt: 'asc' }] }),
      () => drafts.list({ cursor: nextCursor }),
      () => topics.listByScore({ cursor: nextCursor }),
      () => ben.scope.rawTopics.list({ limit: 1, cursor: nextCursor }),
      () => rawTopics.list({ cursor: `${nextCursor}x` }),
      () => rawTopics.list({ cursor: 'x' }),
    ]
    for (const attempt of attempts) {
      await expect(attempt(), attempt.toString()).rejects.toMatchObject({ code: 'TENANTRY_CURSOR' })
    }
    expect((await rawTopics.list({ limit: 1, cursor: nextCursor })).items).toHaveLength(1)
  })
})

test('ids of another customer are those of missing rows, in every method that takes one, and nothing is written', async () => {
  const ben = await customer(place.pilot)
  const theirs = {
    pillars: ann.pillar.id,
    rawTopics: (await ann.scope.rawTopics.discover(raw)).id,
    topics: draft.topicId,
    drafts: draft.id,
    voiceExamples: (await ann.scope.voiceExamples.create({ postText: 'x' })).id,
    profiles: ann.account.profile.id,
    subscriptions: ann.account.subscription.id,
    users: ann.userId,
  }
  const CHANGES: Record<keyof typeof theirs, object> = {
    pillars: { tone: 'x' },
    rawTopics: { content: 'x' },
    topics: { reasoning: 'x' },
    drafts: { userNotes: 'x' },
    voiceExamples: { postText: 'y' },
    profiles: { writingStyle: 'x' },
    subscriptions: { cancelAtPeriodEnd: true },
    users: { fullName: 'x' },
  }
  const before = await everything()
  for (const [name, id] of Object.entries(theirs)) {
    const repository = ben.service[name as keyof typeof theirs]
    const change = CHANGES[name as keyof typeof theirs]
    for (const call of [
      (key: string) => repository.get(key),
      (key: string) => repository.remove(key),
      (key: string) => repository.update(key, wrong(change)),
    ]) {
      const refusals = await Promise.all([id, NOBODY].map((key) => refusalOf(() => call(key))))
      const [foreign, missing] = refusals.map((refusal) => JSON.stringify(refusal as TenantryError))
      expect(JSON.parse(foreign ?? '')).toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
      expect(foreign).toBe(missing)
    }
  }
  expect(await everything()).toEqual(before)
})

test('a principal without a proper id is refused, and never becomes an empty account', () => {
  for (const userId of ['', 'ann', `${NOBODY}'`, undefined, null, 7]) {
    expect(() => place.pilot.as(wrong({ userId }))).toThrow(ValidationError)
  }
})

test('the service role needs a tenant before it touches a customer’s table', async () => {
  const { pillars, drafts, dashboard } = place.pilot.asService()
  for (const call of [
    () => pillars.list(),
    () => drafts.approve(draft.id),
    () => dashboard.live(),
    () => pillars.define({ name: 'x' }),
  ]) {
    await expect(call()).rejects.toMatchObject({ code: 'TENANTRY_CONFIGURATION' })
  }
})
