/** Outside calls: what they take of the plan is held while they run, and used if and only if their work is kept. */
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Customer,
  draftOf,
  NOBODY,
  type PilotDatabase,
  pilotDatabase,
  topicOf,
  variant,
} from './support/pilot.ts'
import { setSubscription, subscribed } from './support/plans.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
})
afterAll(() => place?.close())

const counter = async ({ scope }: Customer, feature: string) => {
  const found = (await scope.limits.usage()).find((each) => each.feature === feature)
  return [found?.used, found?.reserved, found?.overage]
}

const text = { hook: 'New', body: 'Text' }

describe('a generation', () => {
  test('is held while the generator runs, with nothing open, and used with the drafts that it brought', async () => {
    const ann = await subscribed(place)
    const topic = await topicOf(ann)
    const drafts = await ann.scope.drafts.generateWith(
      { topicId: topic.id, key: 'call 1' },
      async (given) => {
        expect(given).toMatchObject({ id: topic.id, content: topic.content })
        expect(await counter(ann, 'generations')).toEqual([0, 1, 0])
        const open = `select count(*)::int as n from pg_stat_activity where datname = current_database() and state = 'idle in transaction'`
        expect(await place.rows(open)).toEqual([{ n: 0 }])
        return {
          variants: [variant('A'), variant('B')],
          call: { costCents: 5, metadata: { model: 'writer' } },
        }
      },
    )
    expect(drafts).toMatchObject([{ variantLetter: 'A' }, { variantLetter: 'B' }])
    expect(await counter(ann, 'generations')).toEqual([1, 0, 0])
    expect(await ann.scope.usage.list({ where: { resourceType: 'generation' } })).toMatchObject({
      items: [{ resourceId: topic.id, costCents: 5 }],
    })
    // The key names work that is done.
    let called = false
    await expect(
      ann.scope.drafts.generateWith({ topicId: topic.id, key: 'call 1' }, async () => {
        called = true
        return { variants: [variant('C')] }
      }),
    ).rejects.toMatchObject({ code: 'TENANTRY_IDEMPOTENCY' })
    expect(called).toBe(false)
  })

  test('that fails costs nothing of the plan, and its key may be tried again', async () => {
    const ann = await subscribed(place)
    const topic = await topicOf(ann)
    const input = { topicId: topic.id, key: 'again' }
    const { drafts } = ann.scope
    await expect(
      drafts.generateWith(input, async () => {
        throw new Error('the model is overloaded')
      }),
    ).rejects.toThrow('overloaded')
    await expect(drafts.generateWith(input, async () => ({ variants: [] }))).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
    })
    expect(await counter(ann, 'generations')).toEqual([0, 0, 0])
    expect([
      await drafts.count(),
      await ann.scope.usage.count({ where: { resourceType: 'generation' } }),
    ]).toEqual([0, 0])
    await drafts.generateWith(input, async () => ({ variants: [variant('A')] }))
    expect(await counter(ann, 'generations')).toEqual([1, 0, 0])
  })

  test('is refused before the call where it would be for nothing', async () => {
    const ann = await subscribed(place)
    const low = await topicOf(ann, 'x', 20)
    const topic = await topicOf(ann)
    let calls = 0
    const write = async () => {
      calls += 1
      return { variants: [variant('A')] }
    }
    const { drafts } = ann.scope
    await expect(drafts.generateWith({ topicId: low.id, key: 'a' }, write)).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
    await expect(drafts.generateWith({ topicId: NOBODY, key: 'a' }, write)).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    await expect(drafts.generateWith({ topicId: topic.id, key: '' }, write)).rejects.toMatchObject({
      issues: [{ path: 'key' }],
    })
    await expect(
      ann.scope.transaction((inner) => inner.drafts.generateWith({ topicId: topic.id, key: 'a' }, write)),
    ).rejects.toMatchObject({ code: 'TENANTRY_CONFIGURATION' })
    await setSubscription(place, ann.userId, { status: 'paused' })
    await expect(drafts.generateWith({ topicId: topic.id, key: 'a' }, write)).rejects.toMatchObject({
      code: 'TENANTRY_LIMIT',
      reason: 'standing',
    })
    expect(calls).toBe(0)
  })
})

describe('a regeneration', () => {
  test('is held for its topic, and used once with the text that it brought', async () => {
    const ann = await subscribed(place)
    const draft = await draftOf(ann)
    const input = { topicId: draft.topicId, variantLetter: 'A' } as const
    const { drafts } = ann.scope
    await drafts.regenerate({ ...input, hook: 'h1', body: 'b' })
    await drafts.regenerate({ ...input, hook: 'h2', body: 'b' })
    const made = await drafts.regenerateWith({ ...input, key: 'one' }, async (given) => {
      expect(given).toMatchObject({ id: draft.id, hook: 'h2' })
      expect(await counter(ann, 'regenerations')).toEqual([2, 1, 0])
      // The last one is held: nobody else gets it meanwhile.
      await expect(drafts.regenerate({ ...input, hook: 'h3', body: 'b' })).rejects.toMatchObject({
        code: 'TENANTRY_LIMIT',
        reason: 'holds',
        httpStatus: 429,
        retryable: true,
      })
      return { ...text, call: { costCents: 3 } }
    })
    expect(made).toMatchObject({ hook: 'New', editedText: null })
    expect(await counter(ann, 'regenerations')).toEqual([3, 0, 0])
    expect(await ann.scope.usage.count({ where: { resourceType: 'regeneration' } })).toBe(3)
    let called = false
    await expect(
      drafts.regenerateWith({ ...input, key: 'two' }, async () => {
        called = true
        return text
      }),
    ).rejects.toMatchObject({ code: 'TENANTRY_LIMIT', used: 3 })
    expect(called).toBe(false)
  })

  test('that fails, or whose draft was approved meanwhile, is given back', async () => {
    const ann = await subscribed(place)
    const draft = await draftOf(ann)
    const input = { topicId: draft.topicId, variantLetter: 'A', key: 'k' } as const
    const { drafts } = ann.scope
    await expect(
      drafts.regenerateWith(input, async () => {
        throw new Error('no answer')
      }),
    ).rejects.toThrow('no answer')
    await expect(
      drafts.regenerateWith(input, async () => {
        await drafts.approve(draft.id)
        return text
      }),
    ).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
    expect(await counter(ann, 'regenerations')).toEqual([0, 0, 0])
    expect(await drafts.get(draft.id)).toMatchObject({ hook: draft.hook })
    await expect(drafts.regenerateWith(input, async () => text)).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
  })

  test('that comes after its hold has run out is kept all the same, beyond the limit where others took its room', async () => {
    const ann = await subscribed(place)
    const draft = await draftOf(ann)
    const input = { topicId: draft.topicId, variantLetter: 'A' } as const
    const { drafts } = ann.scope
    await drafts.regenerateWith({ ...input, key: 'slow' }, async () => {
      await place.rows(
        `update tenantry.limit_holds set expires_at = now() - interval '1 second' where account = $1`,
        [ann.userId],
      )
      for (let n = 0; n < 3; n += 1) await drafts.regenerate({ ...input, hook: `${n}`, body: 'b' })
      return text
    })
    expect(await drafts.get(draft.id)).toMatchObject({ hook: 'New' })
    expect(await counter(ann, 'regenerations')).toEqual([3, 0, 1])
  })

  test('that brings the same text again was one nevertheless', async () => {
    const ann = await subscribed(place)
    const { topicId, hook, body, cta, hashtags } = await draftOf(ann)
    await ann.scope.drafts.regenerateWith({ topicId, variantLetter: 'A', key: 'same' }, async () => ({
      hook,
      body,
      cta,
      hashtags,
    }))
    expect(await counter(ann, 'regenerations')).toEqual([1, 0, 0])
  })

  test('lets raw SQL use a hold for one text of its topic, and for no other', async () => {
    const ann = await subscribed(place)
    const [one, other] = [await draftOf(ann), await draftOf(ann)]
    const held = await place.rowsAs(
      ann.userId,
      `select tenantry.limit_reserve($1, 'regenerations', $2, 1, 'mine', 60000) ->> 'id' as hold`,
      [ann.userId, one.topicId],
    )
    const under = (hold: string, id: string) =>
      place.rowsAs(
        ann.userId,
        `with hold as materialized (select set_config('tenantry.regeneration_hold', $1, true))
         update generated_drafts set hook = hook || '!' from hold where id = $2`,
        [hold, id],
      )
    const hold = String(held[0]?.['hold'])
    await expect(under(hold, other.id)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await expect(under(NOBODY, one.id)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await under(hold, one.id)
    await expect(under(hold, one.id)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    expect(
      (await ann.scope.limits.usage()).filter(({ feature }) => feature === 'regenerations'),
    ).toMatchObject([{ subject: one.topicId, used: 1, reserved: 0 }])
  })
})

test('holds that run out are no way around the limit of regenerations', async () => {
  const ann = await subscribed(place)
  const draft = await draftOf(ann)
  const late = async (n: number) => {
    const [held] = await place.rowsAs(
      ann.userId,
      `select tenantry.limit_reserve($1, 'regenerations', $2, 1, $3, 1) ->> 'id' as hold`,
      [ann.userId, draft.topicId, `late ${n}`],
    )
    await place.rows(
      `update tenantry.limit_holds set expires_at = now() - interval '1 second' where account = $1 and state = 'pending'`,
      [ann.userId],
    )
    await place.rowsAs(
      ann.userId,
      `with hold as materialized (select set_config('tenantry.regeneration_hold', $1, true))
       update generated_drafts set hook = hook || '!' from hold where id = $2`,
      [held?.['hold'], draft.id],
    )
  }
  let texts = 0
  const refusal: unknown = await (async () => {
    for (; texts < 20; texts += 1) await late(texts)
  })().catch((error: unknown) => error)
  expect(refusal).toMatchObject({ code: 'TENANTRY_LIMIT', feature: 'regenerations', used: 3, limit: 3 })
  // As many late ones as the plan has, and what it has.
  expect(texts).toBe(6)
})

describeOnServer('many calls at once', () => {
  test('run as many as the plan has left, and no generator is called in vain', async () => {
    const ann = await subscribed(place)
    const { topicId } = await draftOf(ann)
    let called = 0
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, n) =>
        ann.scope.drafts.regenerateWith({ topicId, variantLetter: 'A', key: `${n}` }, async () => {
          called += 1
          return { hook: `${n}`, body: 'b' }
        }),
      ),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(called).toBe(3)
    expect(await counter(ann, 'regenerations')).toEqual([3, 0, 0])
  })
})
