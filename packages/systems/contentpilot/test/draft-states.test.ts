/** What the database keeps about a draft's state when nobody goes through the verbs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DRAFT_STATUSES } from '../src/types.ts'
import { customer, draftOf, type PilotDatabase, pilotDatabase, topicOf } from './support/pilot.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
})
afterAll(() => place?.close())

/** The documented edges, written out here and not read from the machine. */
const EDGES = [
  'draft→approved',
  'draft→rejected',
  'approved→scheduled',
  'approved→posted',
  'approved→rejected',
].concat(['scheduled→posted', 'scheduled→approved'])

const PAIRS = DRAFT_STATUSES.flatMap((from) => DRAFT_STATUSES.map((to) => [from, to] as const))
const ILLEGAL = PAIRS.filter(([from, to]) => from !== to && !EDGES.includes(`${from}→${to}`))

const LATER = `now() + interval '1 hour'`

describe('raw SQL', () => {
  test('is tried on every edge that isn’t one', () => {
    expect(ILLEGAL).toHaveLength(5 * 4 - EDGES.length)
  })

  test.each(ILLEGAL)(
    'can’t move a draft from %s to %s, as the customer or as the owner',
    async (from, to) => {
      const ann = await customer(place.pilot)
      const draft = await draftOf(ann, from)
      const statement = `update generated_drafts set status = '${to}', scheduled_for = ${LATER} where id = $1`
      for (const attempt of [
        () => place.rowsAs(ann.userId, statement, [draft.id]),
        () => place.rows(statement, [draft.id]),
      ]) {
        await expect(attempt()).rejects.toMatchObject({
          code: 'TENANTRY_STALE_TRANSITION',
          table: 'generated_drafts',
          cause: { code: 'TN001' },
        })
      }
      expect(await ann.scope.drafts.get(draft.id)).toEqual(draft)
    },
  )

  test.each(EDGES.map((edge) => edge.split('→')))('may move one from %s to %s', async (from, to) => {
    const ann = await customer(place.pilot)
    const draft = await draftOf(
      ann,
      DRAFT_STATUSES.find((status) => status === from),
    )
    expect(
      await place.rowsAs(
        ann.userId,
        `update generated_drafts set status = '${to}', scheduled_for = ${LATER} where id = $1 returning status`,
        [draft.id],
      ),
    ).toEqual([{ status: to }])
  })

  test('can’t begin a draft as rejected, or with a state that isn’t one', async () => {
    const ann = await customer(place.pilot)
    const topic = await topicOf(ann)
    const insert = `insert into generated_drafts (user_id, topic_id, pillar_id, variant_letter, hook, body, full_text, status)
      values ($1, $2, $3, 'A', 'h', 'b', '', $4) returning status`
    const params = [ann.userId, topic.id, ann.pillar.id]
    await expect(place.rowsAs(ann.userId, insert, [...params, 'rejected'])).rejects.toMatchObject({
      cause: { code: 'TN001' },
    })
    await expect(place.rowsAs(ann.userId, insert, [...params, 'sent'])).rejects.toMatchObject({
      cause: { code: 'TN001' },
    })
    expect(await ann.scope.drafts.count()).toBe(0)
  })
})

describe('stamps', () => {
  const PAST = '2001-01-01T00:00:00Z'

  test('are the database’s time of the step, and the first time counts', async () => {
    const ann = await customer(place.pilot)
    const approved = await draftOf(ann, 'approved')
    expect(
      await place.rows(
        `select approved_at = updated_at as stamped, posted_at is null as waiting from generated_drafts where id = $1`,
        [approved.id],
      ),
    ).toEqual([{ stamped: true, waiting: true }])
    const { drafts } = ann.scope
    await drafts.schedule(approved.id, { scheduledFor: new Date(Date.now() + 3_600_000) })
    expect(await drafts.unschedule(approved.id)).toMatchObject({ approvedAt: approved.approvedAt })
    expect((await drafts.publish(approved.id)).approvedAt).toEqual(approved.approvedAt)
  })

  test.each(['approved_at', 'posted_at'])(
    '%s can’t be written by a customer, nor changed by anybody',
    async (column) => {
      const ann = await customer(place.pilot)
      const draft = await draftOf(ann, 'posted')
      const update = `update generated_drafts set ${column} = '${PAST}' where id = $1`
      await expect(place.rowsAs(ann.userId, update, [draft.id])).rejects.toMatchObject({
        code: 'TENANTRY_ISOLATION',
      })
      await place.rows(update, [draft.id])
      const after = await ann.scope.drafts.get(draft.id)
      expect([after.approvedAt, after.postedAt]).toEqual([draft.approvedAt, draft.postedAt])
    },
  )

  test('can’t be brought along by a customer’s insert', async () => {
    const ann = await customer(place.pilot)
    const topic = await topicOf(ann)
    const insert = (columns: string, values: string) =>
      place.rowsAs(
        ann.userId,
        `insert into generated_drafts (user_id, topic_id, pillar_id, variant_letter, hook, body, full_text, status${columns})
         values ($1, $2, $3, 'A', 'h', 'b', '', 'approved'${values})
         returning approved_at = now() as stamped`,
        [ann.userId, topic.id, ann.pillar.id],
      )
    await expect(insert(', approved_at', `, '${PAST}'`)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    expect(await insert('', '')).toEqual([{ stamped: true }])
  })

  test('can’t be set by a repository’s create or update', async () => {
    const ann = await customer(place.pilot)
    const draft = await draftOf(ann)
    const forged: object = { approvedAt: new Date(PAST), status: 'approved' }
    await expect(ann.scope.drafts.update(draft.id, forged)).rejects.toMatchObject({
      issues: [{ path: 'approvedAt' }, { path: 'status' }],
    })
  })
})

test.each(['null', `now()`, `now() - interval '1 day'`])(
  'a scheduled draft is refused with %s as its time',
  async (when) => {
    const ann = await customer(place.pilot)
    const draft = await draftOf(ann, 'approved')
    const statement = `update generated_drafts set status = 'scheduled', scheduled_for = ${when} where id = $1`
    await expect(place.rowsAs(ann.userId, statement, [draft.id])).rejects.toMatchObject({
      constraint: 'generated_drafts_status_scheduled',
    })
    const scheduled = await ann.scope.drafts.schedule(draft.id, {
      scheduledFor: new Date(Date.now() + 60_000),
    })
    await expect(
      place.rowsAs(ann.userId, `update generated_drafts set scheduled_for = ${when} where id = $1`, [
        draft.id,
      ]),
    ).rejects.toMatchObject({ constraint: 'generated_drafts_status_scheduled' })
    expect(await ann.scope.drafts.get(draft.id)).toEqual(scheduled)
  },
)

test('updated_at is the time of every change, by any role, and nobody writes it', async () => {
  const ann = await customer(place.pilot)
  const draft = await draftOf(ann)
  const tables: [string, string][] = [
    ['users', ann.userId],
    ['profiles', ann.account.profile.id],
    ['subscriptions', ann.account.subscription.id],
    ['pillars', ann.pillar.id],
    ['generated_drafts', draft.id],
    ['classified_topics', draft.topicId],
  ]
  const example = await ann.scope.voiceExamples.create({ postText: 'x' })
  const raw = await ann.scope.rawTopics.discover({ source: 'manual', content: 'x' })
  tables.push(['voice_examples', example.id], ['raw_topics', raw.id])
  for (const [table, id] of tables) {
    const [row] = await place.rows(
      `update ${table} set created_at = created_at, updated_at = '2001-01-01' where id = $1
       returning updated_at = now() as now, updated_at > created_at as later`,
      [id],
    )
    expect(row, table).toEqual({ now: true, later: true })
    await expect(
      place.rowsAs(ann.userId, `update ${table} set updated_at = '2001-01-01' where id = $1`, [id]),
      table,
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  }
})
