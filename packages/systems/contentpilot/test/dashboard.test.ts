import { connect } from '@tenantry/core'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contentpilot } from '../src/index.ts'
import {
  customer,
  draftOf,
  NOBODY,
  type PilotDatabase,
  pilotDatabase,
  topicOf,
  variant,
  withLogin,
} from './support/pilot.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
})
afterAll(() => place?.close())

const refresh = () => place.pilot.runJob('refresh user_dashboard_stats')

/** Several rows in each of the three tables that the documented query multiplied by each other. */
async function busy() {
  const ann = await customer(place.pilot)
  const { drafts, rawTopics } = ann.scope
  for (let topic = 0; topic < 3; topic += 1) await topicOf(ann)
  await topicOf(ann, 'too low', 20)
  for (const status of ['draft', 'approved', 'approved', 'rejected', 'scheduled', 'posted'] as const) {
    await draftOf(ann, status)
  }
  const topic = await topicOf(ann)
  const made = await drafts.generate({
    topicId: topic.id,
    variants: [variant('A'), variant('B'), variant('C')],
  })
  const raw = await rawTopics.discoverMany(
    [1, 2].map((n) => ({ source: 'manual' as const, content: `raw ${n}` })),
  )
  return {
    ann,
    numbers: {
      userId: ann.userId,
      pendingTopics: 3,
      draftsPending: 4,
      draftsApproved: 2,
      postsPublished: 1,
      lastTopicDiscovered: raw[0]?.createdAt,
      lastDraftGenerated: made[0]?.createdAt,
    },
  }
}

const NONE = {
  pendingTopics: 0,
  draftsPending: 0,
  draftsApproved: 0,
  postsPublished: 0,
  lastTopicDiscovered: null,
  lastDraftGenerated: null,
}

test('the numbers are those counted by hand, live and refreshed, for each customer', async () => {
  const { ann, numbers } = await busy()
  const idle = await customer(place.pilot)
  await refresh()
  expect(await ann.scope.dashboard.live()).toEqual(numbers)
  expect(await ann.service.dashboard.live()).toEqual(numbers)
  expect(await ann.service.dashboard.stats()).toEqual(numbers)
  const none = { userId: idle.userId, ...NONE }
  expect(await idle.scope.dashboard.live()).toEqual(none)
  expect(await idle.service.dashboard.stats()).toEqual(none)
  await ann.scope.transaction(async ({ dashboard }) => expect(await dashboard.live()).toEqual(numbers))
})

test('the view of live numbers says the same, and shows a customer only themselves', async () => {
  const { ann, numbers } = await busy()
  expect(
    await place.rowsAs(ann.userId, 'select user_id, pending_topics::int from user_dashboard_live'),
  ).toEqual([{ user_id: ann.userId, pending_topics: numbers.pendingTopics }])
  expect(await place.rowsIn('tenantry_tenant', null, 'select * from user_dashboard_live')).toEqual([])
})

test('refreshed numbers are those of the last refresh; nobody’s before it', async () => {
  await refresh()
  const ann = await customer(place.pilot)
  expect(await ann.service.dashboard.stats()).toBeNull()
  await refresh()
  await topicOf(ann)
  expect(await ann.service.dashboard.stats()).toMatchObject({ userId: ann.userId, pendingTopics: 0 })
  expect(await ann.scope.dashboard.live()).toMatchObject({ pendingTopics: 1 })
})

test('a customer can’t read the materialized view, nor refresh it', async () => {
  const { userId, scope } = await customer(place.pilot)
  await refresh()
  await expect(scope.dashboard.stats()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  for (const statement of ['select * from user_dashboard_stats', 'select refresh_dashboard_stats()']) {
    await expect(place.rowsAs(userId, statement)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  }
})

test('somebody who isn’t there has no live numbers', async () => {
  await expect(place.pilot.as({ userId: NOBODY }).dashboard.live()).rejects.toMatchObject({
    code: 'TENANTRY_NOT_FOUND',
  })
})

test('stats before the first refresh say that there was none', async () => {
  await using fresh = await pilotDatabase()
  const { service } = await customer(fresh.pilot)
  await expect(service.dashboard.stats()).rejects.toThrow('refresh user_dashboard_stats')
})

describeOnServer('refreshing', () => {
  test('is done by one at a time, and the others leave it to that one', async () => {
    await refresh()
    const holder = await connect(place.url)
    try {
      await holder.driver.transaction({}, async (connection) => {
        const run = { text: 'select refresh_dashboard_stats()', params: [] }
        await connection.query({ text: `select set_config('role', 'tenantry_service', true)`, params: [] })
        await connection.query(run)
        const ann = await customer(place.pilot)
        // Not waiting for the transaction that is open here: it would never end.
        await refresh()
        expect(await ann.service.dashboard.stats()).toBeNull()
      })
    } finally {
      await holder.close()
    }
  })

  test('does not need an owner: a login of the application’s own may do it', () =>
    withLogin(place, async (database) => {
      const ann = await customer(place.pilot)
      const pilot = contentpilot(database)
      await pilot.runJob('refresh user_dashboard_stats')
      expect(await pilot.asService().tenant(ann.userId).dashboard.stats()).toMatchObject(NONE)
      expect(await pilot.as({ userId: ann.userId }).dashboard.live()).toMatchObject(NONE)
    }))
})
