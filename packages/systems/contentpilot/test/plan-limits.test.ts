/** The limits table, feature by feature: by verbs, by raw SQL, and by many callers at once. */
import { PlanLimitError } from '@tenantry/core'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PLAN_LIMITS, PLAN_TYPES } from '../src/types.ts'
import {
  draftOf,
  embedding,
  type PilotDatabase,
  pilotDatabase,
  tomorrow,
  topicOf,
  variant,
} from './support/pilot.ts'
import { manyDrafts, setClock, setSubscription, subscribed, used } from './support/plans.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
})
afterAll(() => place?.close())

const refusal = (feature: string, more: object = {}) => ({ code: 'TENANTRY_LIMIT', feature, ...more })

describe('posts', () => {
  test('are used when a draft is first approved, scheduled or posted, once, and refused at the plan’s number', async () => {
    const ann = await subscribed(place)
    const [first = '', ...rest] = await manyDrafts(place, ann, 11)
    const last = rest.pop() ?? ''
    const { drafts } = ann.scope
    for (const id of [first, ...rest]) await drafts.approve(id)
    expect(await used(ann, 'posts')).toBe(10)

    const refused: unknown = await drafts.approve(last).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(PlanLimitError)
    const resetsAt = new Date()
    resetsAt.setUTCMonth(resetsAt.getUTCMonth() + 1, 1)
    resetsAt.setUTCHours(0, 0, 0, 0)
    expect(refused).toMatchObject(
      refusal('posts', {
        plan: 'starter',
        limit: 10,
        used: 10,
        reserved: 0,
        requested: 1,
        reason: 'limit',
        resetsAt,
        smallestPlan: 'growth',
        httpStatus: 402,
        retryable: false,
      }),
    )
    expect(await drafts.get(last)).toMatchObject({ status: 'draft', approvedAt: null })

    // The rest of its life costs nothing, and gives nothing back.
    await drafts.schedule(first, { scheduledFor: tomorrow() })
    await drafts.unschedule(first)
    await drafts.publish(first)
    await drafts.reject(rest[0] ?? '')
    await drafts.remove(rest[1] ?? '')
    expect(await used(ann, 'posts')).toBe(10)
    await expect(drafts.approve(last)).rejects.toMatchObject(refusal('posts'))
  })

  test('are counted by raw SQL too, INSERT or UPDATE, all of a statement or nothing', async () => {
    const ann = await subscribed(place)
    await manyDrafts(place, ann, 12)
    const approve = (where: string) =>
      `update generated_drafts set status = 'approved' where user_id = '${ann.userId}' and status = 'draft' and ${where}`
    const some = (count: number) =>
      `id in (select id from generated_drafts where user_id = '${ann.userId}' and status = 'draft' limit ${count})`
    await expect(place.rowsAs(ann.userId, approve('true'))).rejects.toMatchObject(
      refusal('posts', { used: 0, requested: 12 }),
    )
    expect(await ann.scope.drafts.count({ where: { status: 'approved' } })).toBe(0)
    await place.rowsAs(ann.userId, approve(some(8)))
    const topic = await topicOf(ann)
    const insert = (letter: string) =>
      `insert into generated_drafts (user_id, topic_id, pillar_id, variant_letter, hook, body, full_text, status)
       values ('${ann.userId}', '${topic.id}', '${ann.pillar.id}', '${letter}', 'h', 'b', 'x', 'posted')`
    await place.rowsAs(ann.userId, insert('A'))
    // Nor does the service role get past, nor a superuser.
    await place.rowsIn('tenantry_service', null, insert('B'))
    expect(await used(ann, 'posts')).toBe(10)
    await expect(place.rowsIn('tenantry_service', null, insert('C'))).rejects.toMatchObject(refusal('posts'))
    await expect(place.rows(approve(some(1)))).rejects.toMatchObject(refusal('posts'))
  })

  test('are without limit for an agency', async () => {
    const ann = await subscribed(place, { plan_type: 'agency' })
    await manyDrafts(place, ann, 40)
    await place.rows(`update generated_drafts set status = 'approved' where user_id = $1`, [ann.userId])
    expect(await used(ann, 'posts')).toBe(40)
  })
})

describe.each(PLAN_TYPES)('on the plan %s', (plan) => {
  test('pillars and voice examples are as many as the table says, live ones counted', async () => {
    const ann = await subscribed(place, { plan_type: plan })
    const { pillars, voice_examples: voices } = PLAN_LIMITS[plan]
    const pillar = (n: number) => ann.scope.pillars.create({ name: `P ${n}`, slug: `p_${n}` })
    for (let n = 1; n < pillars; n += 1) await pillar(n)
    await expect(pillar(99)).rejects.toMatchObject(
      refusal('pillars', { limit: pillars, used: pillars, resetsAt: null }),
    )
    await ann.scope.pillars.update(ann.pillar.id, { status: 'inactive' })
    await pillar(99)
    await expect(ann.scope.pillars.update(ann.pillar.id, { status: 'active' })).rejects.toMatchObject(
      refusal('pillars'),
    )

    const examples = (count: number) =>
      ann.scope.voiceExamples.createMany(
        Array.from({ length: count }, (_, n) => ({ postText: `${n}`, vectorEmbedding: embedding(n) })),
      )
    await expect(examples(voices + 1)).rejects.toMatchObject(
      refusal('voice_examples', { requested: voices + 1 }),
    )
    const [one] = await examples(voices)
    await expect(examples(1)).rejects.toMatchObject(
      refusal('voice_examples', { limit: voices, used: voices }),
    )
    await ann.scope.voiceExamples.update(one?.id ?? '', { status: 'archived' })
    await examples(1)
    expect([await used(ann, 'pillars'), await used(ann, 'voice_examples')]).toEqual([pillars, voices])
  })
})

describe('regenerations', () => {
  const again = (n: number) => variant('A', `Hook ${n}`)

  test('are counted for each topic by itself, by calendar month', async () => {
    const ann = await subscribed(place)
    const [one, other] = [await draftOf(ann), await draftOf(ann)]
    const { drafts, usage } = ann.scope
    for (let n = 1; n <= 3; n += 1) await drafts.regenerate({ topicId: one.topicId, ...again(n) })
    const calls = await usage.count()
    await expect(drafts.regenerate({ topicId: one.topicId, ...again(4) })).rejects.toMatchObject(
      refusal('regenerations', { limit: 3, used: 3, smallestPlan: 'growth' }),
    )
    expect(await drafts.get(one.id)).toMatchObject({ hook: 'Hook 3' })
    expect(await usage.count()).toBe(calls)
    await drafts.regenerate({ topicId: other.topicId, ...again(1) })
    await drafts.edit(one.id, { editedText: 'Mine', userNotes: 'x' })

    const next = new Date()
    next.setUTCMonth(next.getUTCMonth() + 1, 1)
    await setClock(place, next.toISOString())
    try {
      await drafts.regenerate({ topicId: one.topicId, ...again(4) })
    } finally {
      await setClock(place, null)
    }
  })

  test('are counted where raw SQL changes a text, and not where it changes something else', async () => {
    const ann = await subscribed(place)
    const { id, topicId } = await draftOf(ann)
    const update = (set: string) =>
      place.rowsAs(ann.userId, `update generated_drafts set ${set} where id = $1`, [id])
    await update(`user_notes = 'x', edited_text = 'y', hook = hook`)
    expect(await used(ann, 'regenerations')).toBe(0)
    for (const set of [`hook = 'h2'`, `body = 'b2'`, `full_text = 'whole'`]) await update(set)
    for (const set of [`cta = 'c2'`, `hashtags = '#x'`]) {
      await expect(update(set), set).rejects.toMatchObject(refusal('regenerations'))
    }
    await expect(
      place.rowsIn('tenantry_service', null, `update generated_drafts set hook = 'x' where id = $1`, [id]),
    ).rejects.toMatchObject(refusal('regenerations', { used: 3 }))
    expect(await ann.scope.limits.usage()).toContainEqual(
      expect.objectContaining({
        feature: 'regenerations',
        subject: topicId,
        used: 3,
        limit: 3,
        percentage: 100,
      }),
    )
  })
})

describe('counters', () => {
  test('are a customer’s to read and nobody’s to write', async () => {
    const [ann, ben] = [await subscribed(place), await subscribed(place)]
    expect(await place.rowsAs(ann.userId, 'select distinct account from tenantry.limit_counters')).toEqual([
      { account: ann.userId },
    ])
    for (const statement of [
      'update tenantry.limit_counters set used = 0',
      'delete from tenantry.limit_counters',
      `insert into tenantry.limit_overrides (account, feature, cap) values ('${ann.userId}', 'posts', null)`,
      `select tenantry.limit_consume('${ben.userId}', 'generations', '', 1, null)`,
      `update subscriptions set plan_type = 'agency'`,
      `alter table generated_drafts disable trigger limit_guard_update`,
    ]) {
      await expect(place.rowsAs(ann.userId, statement), statement).rejects.toMatchObject({
        code: 'TENANTRY_ISOLATION',
      })
    }
  })

  test('go with nobody’s help where a subscription goes: nothing may be used then, and everything stays', async () => {
    const ann = await subscribed(place)
    const [id = ''] = await manyDrafts(place, ann, 1)
    await place.rows('delete from subscriptions where user_id = $1', [ann.userId])
    await expect(ann.scope.drafts.approve(id)).rejects.toMatchObject(
      refusal('posts', { plan: null, reason: 'standing', httpStatus: 402 }),
    )
    expect(await ann.scope.pillars.count()).toBe(1)
    await ann.scope.pillars.remove(ann.pillar.id)
  })
})

describeOnServer('many callers at once', () => {
  test('get exactly what is left, whatever verb they use', async () => {
    const ann = await subscribed(place)
    const ids = await manyDrafts(place, ann, 16)
    const outcomes = await Promise.allSettled(ids.map((id) => ann.scope.drafts.approve(id)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(refusal('posts', { used: 10 }))
    }
    expect(await ann.scope.drafts.count({ where: { status: 'approved' } })).toBe(10)

    await setSubscription(place, ann.userId, { plan_type: 'growth' })
    const { topicId } = await draftOf(ann)
    const regenerated = await Promise.allSettled(
      Array.from({ length: 14 }, (_, n) => ann.scope.drafts.regenerate({ topicId, ...variant('A', `${n}`) })),
    )
    expect(regenerated.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    const pillars = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) => ann.scope.pillars.create({ name: `${n}`, slug: `p${n}` })),
    )
    expect(pillars.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
  })
})
