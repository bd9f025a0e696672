import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { draftMachine } from '../src/index.ts'
import { DRAFT_STATUSES } from '../src/types.ts'
import {
  type Customer,
  customer,
  draftOf,
  NOBODY,
  type PilotDatabase,
  pilotDatabase,
  tomorrow,
  topicOf,
  variant,
} from './support/pilot.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
})
afterAll(() => place?.close())
afterEach(() => void vi.useRealTimers())

const STALE = { code: 'TENANTRY_STALE_TRANSITION', table: 'generated_drafts' }
const MISSING = { code: 'TENANTRY_NOT_FOUND', table: 'generated_drafts' }

describe('generating', () => {
  test('keeps the variants in their order, moves the topic on, and meters the call once', async () => {
    const ann = await customer(place.pilot)
    const topic = await topicOf(ann)
    const drafts = await ann.scope.drafts.generate(
      {
        topicId: topic.id,
        variants: [variant('C'), { variantLetter: 'A', hook: 'h', body: 'b' }, variant('B')],
      },
      { costCents: 5, metadata: { model: 'writer', tokens_used: 1234 } },
    )
    expect(drafts).toMatchObject([
      { variantLetter: 'C', pillarId: topic.pillarId, topicId: topic.id, status: 'draft' },
      { variantLetter: 'A', fullText: 'h\n\nb', characterCount: 4 },
      { variantLetter: 'B' },
    ])
    expect(await ann.scope.topics.get(topic.id)).toMatchObject({ status: 'drafted' })
    expect(await ann.scope.usage.list({ where: { resourceType: 'generation' } })).toMatchObject({
      items: [{ resourceId: topic.id, costCents: 5, metadata: { model: 'writer', tokens_used: 1234 } }],
    })
  })

  test('a further letter later is fine, one that exists is a typed conflict, and then nothing is written', async () => {
    const ann = await customer(place.pilot)
    const { drafts, usage } = ann.scope
    const { topicId } = await draftOf(ann)
    await drafts.generate({ topicId, variants: [variant('B')] })
    const calls = await usage.count()
    await expect(drafts.generate({ topicId, variants: [variant('C'), variant('B')] })).rejects.toMatchObject({
      code: 'TENANTRY_UNIQUE',
      constraint: 'idx_drafts_topic_variant',
    })
    expect(await drafts.count()).toBe(2)
    expect(await usage.count()).toBe(calls)
  })

  test('from another customer’s topic is as from a missing one', async () => {
    const [ann, ben] = [await customer(place.pilot), await customer(place.pilot)]
    const topic = await topicOf(ann)
    for (const topicId of [topic.id, NOBODY]) {
      await expect(ben.scope.drafts.generate({ topicId, variants: [variant('A')] })).rejects.toMatchObject({
        code: 'TENANTRY_NOT_FOUND',
        table: 'classified_topics',
      })
    }
    expect(await ann.scope.topics.get(topic.id)).toMatchObject({ status: 'classified' })
  })
})

describe('the whole text', () => {
  test('is assembled from its parts where none is given, and kept where one is', async () => {
    const ann = await customer(place.pilot)
    const topic = await topicOf(ann)
    const [a, b] = await ann.scope.drafts.generate({
      topicId: topic.id,
      variants: [variant('A'), { ...variant('B'), fullText: 'As given 🙂' }],
    })
    expect(a).toMatchObject({ fullText: 'Hook A\n\nBody\n\nAsk me\n\n#one #two', characterCount: 31 })
    expect(b).toMatchObject({ fullText: 'As given 🙂', characterCount: 10 })
  })

  test('follows its parts while it is assembled, and stays once it was given', async () => {
    const { userId, ...ann } = await customer(place.pilot)
    const topic = await topicOf(ann)
    await ann.scope.drafts.generate({
      topicId: topic.id,
      variants: [variant('A'), { ...variant('B'), fullText: 'As given' }],
    })
    const update = (set: string) =>
      place.rowsAs(
        userId,
        `update generated_drafts set ${set} where topic_id = $1 returning variant_letter, full_text, character_count`,
        [topic.id],
      )
    expect(await update(`cta = null, hashtags = ''`)).toEqual([
      { variant_letter: 'A', full_text: 'Hook A\n\nBody', character_count: 12 },
      { variant_letter: 'B', full_text: 'As given', character_count: 8 },
    ])
    expect(await update(`full_text = 'Now given'`)).toMatchObject([
      { full_text: 'Now given', character_count: 9 },
      { full_text: 'Now given' },
    ])
    expect(await update(`hook = 'Other'`)).toMatchObject([
      { full_text: 'Now given' },
      { full_text: 'Now given' },
    ])
    expect(await update(`full_text = ''`)).toMatchObject([
      { full_text: 'Other\n\nBody' },
      { full_text: 'Other\n\nBody' },
    ])
  })

  test('is counted by the database alone', async () => {
    const ann = await customer(place.pilot)
    const draft = await draftOf(ann)
    await expect(
      place.rowsAs(ann.userId, 'update generated_drafts set character_count = 1 where id = $1', [draft.id]),
    ).rejects.toThrow()
    expect(await ann.scope.drafts.get(draft.id)).toMatchObject({ characterCount: draft.characterCount })
  })
})

describe('regenerating', () => {
  test('replaces the text of a draft, drops what was edited on it, and meters the call', async () => {
    const ann = await customer(place.pilot)
    const draft = await draftOf(ann)
    await ann.scope.drafts.edit(draft.id, { editedText: 'mine', userNotes: 'too long' })
    const again = await ann.scope.drafts.regenerate(
      { topicId: draft.topicId, variantLetter: 'A', hook: 'New', body: 'Text' },
      { costCents: 3 },
    )
    expect(again).toMatchObject({
      id: draft.id,
      fullText: 'New\n\nText',
      cta: null,
      hashtags: null,
      editedText: null,
      userNotes: 'too long',
      status: 'draft',
    })
    expect(await ann.scope.usage.list({ where: { resourceType: 'regeneration' } })).toMatchObject({
      items: [{ resourceId: draft.topicId, costCents: 3 }],
    })
  })

  test.each(['approved', 'rejected', 'scheduled', 'posted'] as const)(
    'is refused when the draft is %s, and nothing is metered',
    async (status) => {
      const ann = await customer(place.pilot)
      const draft = await draftOf(ann, status)
      await expect(
        ann.scope.drafts.regenerate({ topicId: draft.topicId, ...variant('A', 'New') }),
      ).rejects.toMatchObject(STALE)
      expect(await ann.scope.drafts.get(draft.id)).toEqual(draft)
      expect(await ann.scope.usage.count({ where: { resourceType: 'regeneration' } })).toBe(0)
    },
  )

  test('a variant that isn’t there, or another customer’s, is missing', async () => {
    const [ann, ben] = [await customer(place.pilot), await customer(place.pilot)]
    const draft = await draftOf(ann)
    const { drafts } = ben.scope
    await expect(drafts.regenerate({ topicId: draft.topicId, ...variant('A') })).rejects.toMatchObject(
      MISSING,
    )
    await expect(
      ann.scope.drafts.regenerate({ topicId: draft.topicId, ...variant('B') }),
    ).rejects.toMatchObject(MISSING)
  })
})

test('editing keeps the generated text, can be taken back, and ends when the draft is posted or rejected', async () => {
  const ann = await customer(place.pilot)
  const { drafts } = ann.scope
  const draft = await draftOf(ann, 'scheduled')
  expect(await drafts.edit(draft.id, { editedText: 'mine' })).toMatchObject({
    editedText: 'mine',
    fullText: draft.fullText,
    status: 'scheduled',
  })
  expect(await drafts.edit(draft.id, { editedText: null, userNotes: 'n' })).toMatchObject({
    editedText: null,
  })
  for (const status of ['posted', 'rejected'] as const) {
    const closed = await draftOf(ann, status)
    await expect(drafts.edit(closed.id, { editedText: 'x' })).rejects.toMatchObject(STALE)
    expect(await drafts.update(closed.id, { userNotes: 'why' })).toMatchObject({ userNotes: 'why', status })
  }
})

type Verb = 'approve' | 'reject' | 'publish' | 'schedule' | 'reschedule' | 'unschedule'
type Status = (typeof DRAFT_STATUSES)[number]

const LEADS: Readonly<Record<Verb, { from: readonly Status[]; to: Status }>> = {
  approve: { from: ['draft'], to: 'approved' },
  reject: { from: ['draft', 'approved'], to: 'rejected' },
  schedule: { from: ['approved'], to: 'scheduled' },
  reschedule: { from: ['scheduled'], to: 'scheduled' },
  unschedule: { from: ['scheduled'], to: 'approved' },
  publish: { from: ['approved', 'scheduled'], to: 'posted' },
}
const VERBS = Object.keys(LEADS) as Verb[]

const call = ({ scope: { drafts } }: Customer, verb: Verb, id: string) =>
  verb === 'schedule' || verb === 'reschedule'
    ? drafts[verb](id, { scheduledFor: tomorrow() })
    : drafts[verb](id)

describe('the verbs', () => {
  test('cover exactly the edges of the state machine', () => {
    const walked = VERBS.filter((verb) => verb !== 'reschedule').flatMap((verb) =>
      LEADS[verb].from.map((from) => `${from} → ${LEADS[verb].to}`),
    )
    const edges = DRAFT_STATUSES.flatMap((from) =>
      DRAFT_STATUSES.filter((to) => draftMachine.allows(from, to)).map((to) => `${from} → ${to}`),
    )
    expect(walked.toSorted()).toEqual(edges.toSorted())
    expect(edges.toSorted()).toEqual([
      'approved → posted',
      'approved → rejected',
      'approved → scheduled',
      'draft → approved',
      'draft → rejected',
      'scheduled → approved',
      'scheduled → posted',
    ])
  })

  test.each(DRAFT_STATUSES)('lead from %s where they should, and nowhere else', async (status) => {
    const ann = await customer(place.pilot)
    for (const verb of VERBS) {
      const draft = await draftOf(ann, status)
      const { from, to } = LEADS[verb]
      if (from.includes(status)) {
        expect(await call(ann, verb, draft.id), verb).toMatchObject({ id: draft.id, status: to })
      } else {
        await expect(call(ann, verb, draft.id), verb).rejects.toMatchObject(STALE)
        expect(await ann.scope.drafts.get(draft.id), verb).toEqual(draft)
      }
    }
  })

  test.each(VERBS)('%s: another customer’s draft and a missing one are the same', async (verb) => {
    const [ann, ben] = [await customer(place.pilot), await customer(place.pilot)]
    const draft = await draftOf(ann, LEADS[verb].from[0])
    const refusals = await Promise.all(
      [draft.id, NOBODY].map((id) =>
        call(ben, verb, id).then(
          () => undefined,
          (error: Error) => JSON.stringify(error),
        ),
      ),
    )
    expect(JSON.parse(refusals[0] ?? '')).toMatchObject(MISSING)
    expect(refusals[0]).toBe(refusals[1])
    expect(await ann.scope.drafts.get(draft.id)).toEqual(draft)
  })

  test('work inside a transaction as outside, and go with it', async () => {
    const ann = await customer(place.pilot)
    const draft = await draftOf(ann)
    await expect(
      ann.scope.transaction(async ({ drafts }) => {
        await drafts.approve(draft.id)
        await expect(drafts.approve(draft.id)).rejects.toMatchObject(STALE)
        expect(await drafts.schedule(draft.id, { scheduledFor: tomorrow() })).toMatchObject({
          status: 'scheduled',
        })
        throw new Error('undo')
      }),
    ).rejects.toThrow('undo')
    expect(await ann.scope.drafts.get(draft.id)).toEqual(draft)
  })

  test('unscheduling takes the time away', async () => {
    const ann = await customer(place.pilot)
    const draft = await draftOf(ann, 'scheduled')
    expect(await ann.scope.drafts.unschedule(draft.id)).toMatchObject({
      scheduledFor: null,
      status: 'approved',
    })
  })
})

describeOnServer('two racers for one draft', () => {
  test.each(VERBS)('%s: one wins, the other gets a typed conflict', async (verb) => {
    const ann = await customer(place.pilot)
    for (let round = 0; round < 5; round += 1) {
      const draft = await draftOf(ann, LEADS[verb].from[0])
      const outcomes = await Promise.allSettled([call(ann, verb, draft.id), call(ann, verb, draft.id)])
      if (verb === 'reschedule') continue
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
      expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: STALE })
    }
  })

  test('who want different things: it is scheduled or rejected, never both', async () => {
    const ann = await customer(place.pilot)
    for (let round = 0; round < 10; round += 1) {
      const draft = await draftOf(ann, 'approved')
      const outcomes = await Promise.allSettled([
        call(ann, 'schedule', draft.id),
        call(ann, 'reject', draft.id),
      ])
      const { status } = await ann.scope.drafts.get(draft.id)
      const [scheduled, rejected] = outcomes
      const [won, lost] = status === 'scheduled' ? [scheduled, rejected] : [rejected, scheduled]
      expect(won).toMatchObject({ status: 'fulfilled', value: { status } })
      expect(lost).toMatchObject({ status: 'rejected', reason: STALE })
    }
  })
})

// The embedded server's clock is the host's.
describeOnServer('scheduling', () => {
  test('needs a moment in the future by the database’s clock, whatever the host’s says', async () => {
    const ann = await customer(place.pilot)
    const draft = await draftOf(ann, 'approved')
    const [clock] = await place.rows(
      `select (now() + interval '1 hour')::text as soon, (now() - interval '1 second')::text as gone`,
    )
    const at = (text: unknown) => ({ scheduledFor: new Date(String(text)) })
    for (const days of [-1, 1]) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * 24 * 3_600_000 })
      await expect(ann.scope.drafts.schedule(draft.id, at(clock?.['gone']))).rejects.toMatchObject({
        code: 'TENANTRY_CHECK',
        constraint: 'generated_drafts_status_scheduled',
      })
      expect(await ann.scope.drafts.get(draft.id)).toEqual(draft)
      const scheduled = await ann.scope.drafts.schedule(draft.id, at(clock?.['soon']))
      expect(scheduled).toMatchObject({ status: 'scheduled', ...at(clock?.['soon']) })
      await expect(ann.scope.drafts.reschedule(draft.id, at(clock?.['gone']))).rejects.toMatchObject({
        code: 'TENANTRY_CHECK',
      })
      vi.useRealTimers()
      Object.assign(draft, await ann.scope.drafts.unschedule(draft.id))
    }
  })
})
