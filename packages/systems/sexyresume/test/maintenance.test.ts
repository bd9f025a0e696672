/** What is done day by day: true counts, floors that hold, and nothing for customers to call. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directoryArchive } from '@tenantry/retention'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { defineSexyresume } from '../src/index.ts'
import { RETENTION_DAYS_MIN } from '../src/types.ts'
import { customer, type Customer, embedding, type Place, placeOf } from './support/place.ts'

let place: Place
let ann: Customer
beforeAll(async () => {
  place = await placeOf()
})
beforeEach(async () => {
  ann = await customer(place)
})
afterAll(() => place?.close())

const asService = async (call: string): Promise<unknown> => {
  const [row] = await place.rowsAsService(`select ${call} as answer`)
  const answer = row?.['answer']
  return typeof answer === 'string' && answer.startsWith('{') ? JSON.parse(answer) : answer
}

test('nothing here is a customer’s to call', async () => {
  for (const call of [
    'cleanup_expired_exports()',
    'update_job_role_popularity()',
    'detect_metric_anomalies()',
    'execute_data_purge()',
    'daily_maintenance()',
    'log_slow_query()',
    `create_monthly_partition('analytics_events', now()::date)`,
    `tenantry.ensure_partitions('analytics_events', 3)`,
  ]) {
    await expect(place.rowsAs(ann.userId, `select ${call}`), call).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
  }
})

test('expired exports are removed, and no others', async () => {
  const resume = await ann.scope.resumes.create({})
  const [old] = [
    await ann.scope.exports.request({ resumeId: resume.id }),
    await ann.scope.exports.request({ resumeId: resume.id }),
  ]
  await place.rows(
    `update exports set created_at = now() - interval '25 hours', expires_at = now() - interval '1 second' where id = $1`,
    [old.id],
  )
  expect(await asService('cleanup_expired_exports()')).toBe(1)
  expect(await asService('cleanup_expired_exports()')).toBe(0)
  expect(await ann.scope.exports.count()).toBe(1)
})

describe('a retention policy', () => {
  test.each(Object.entries(RETENTION_DAYS_MIN))(
    'keeps %s for %d days at least, whoever says otherwise',
    async (table, days) => {
      for (const run of [place.rows, place.rowsAsService]) {
        await expect(
          run('update data_retention_policies set retention_days = $2 where table_name = $1', [
            table,
            days - 1,
          ]),
        ).rejects.toMatchObject({ code: 'TENANTRY_CHECK' })
      }
    },
  )
})

test('popularity follows from what customers said, as a share of the most popular', async () => {
  const roles = await place.service.jobRoles.defineMany(
    ['hired', 'interested', 'not_interested', 'silent'].map((title, at) => ({
      title,
      industryCategory: 'x',
      seniorityLevel: 'mid' as const,
      embedding: embedding(50 + at),
    })),
  )
  for (const role of roles) {
    const made = await ann.scope.recommendations.create({
      jobRoleId: role.id,
      matchScore: 0.5,
      confidenceLevel: 'low',
      reasoning: 'x',
    })
    if (role.title !== 'silent')
      await ann.scope.recommendations.feedback(made.id, { userFeedback: role.title as 'hired' })
  }
  expect(await asService('update_job_role_popularity()')).toBe(2)
  expect(await asService('update_job_role_popularity()')).toBe(0)
  const { items } = await place.service.jobRoles.list({ select: ['title', 'popularityScore'] })
  expect(items).toEqual([
    { title: 'hired', popularityScore: 1 },
    { title: 'interested', popularityScore: 0.33 },
    { title: 'not_interested', popularityScore: 0 },
    { title: 'silent', popularityScore: 0 },
  ])
})

test('a day far from the four weeks before it is an anomaly, once; a new product has none', async () => {
  expect(await asService('detect_metric_anomalies()')).toBe(0)
  // One sign-up a day for four weeks, ten yesterday: nine standard deviations of one.
  await place.rows(`
    insert into users (email, created_at)
    select 'day' || n || '@example.com', date_trunc('day', now(), 'UTC') - make_interval(days => n) from generate_series(2, 29) as n
    union all
    select 'burst' || n || '@example.com', date_trunc('day', now(), 'UTC') - interval '1 hour' from generate_series(1, 10) as n`)
  expect(await asService('detect_metric_anomalies()')).toBe(1)
  expect(await asService('detect_metric_anomalies()')).toBe(0)
  const { items } = await place.service.anomalies.list()
  expect(items).toMatchObject([{ metric: 'signups', value: 10, expected: 1, deviations: 9 }])
})

test('pending achievements are given to those who did something', async () => {
  await place.service.achievementDefinitions.create({
    achievementKey: 'letters',
    title: 'Letters',
    criteria: { min: { cover_letter_count: 2 } },
    rewardCredits: 1,
  })
  await ann.scope.coverLetters.create({})
  await ann.scope.coverLetters.create({})
  expect(Number(await asService('process_pending_achievements()'))).toBeGreaterThan(0)
  expect(await ann.scope.achievements.find()).toMatchObject({ achievementKey: 'letters', creditsAwarded: 1 })
})

test('daily maintenance does all of it, and ends old sessions', async () => {
  const open = (seconds: number) =>
    ann.service.sessions.open({
      tokenHash: crypto.randomUUID(),
      expiresAt: new Date(Date.now() + seconds * 1000),
    })
  await open(-7200)
  const live = await open(60)
  await place.system.runJob('daily maintenance')
  expect((await ann.scope.sessions.list()).items.map(({ id }) => id)).toEqual([live.id])
  expect(await place.rows(`select count(*) > 0 as filled from daily_metrics`)).toEqual([{ filled: true }])
})

test('every job of the system runs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-sexyresume-'))
  const system = defineSexyresume({ archive: directoryArchive(folder) })(place.database)
  for (const { name, sql } of system.definition.jobs) {
    await system.runJob(name)
    // As pg_cron would run it.
    if (sql !== undefined) await place.rows(sql)
  }
  rmSync(folder, { recursive: true, force: true })
})

test('without pg_stat_statements no slow statement is logged', async () => {
  expect(await asService('log_slow_query()')).toBe(0)
})

test('a month’s partition is made once, as protected as the others', async () => {
  const make = () => place.rows(`select create_monthly_partition('analytics_events', '2027-09-15')`)
  await make()
  await make()
  const [part] = await place.rows(
    `select relrowsecurity and relforcerowsecurity as forced, relacl from pg_class where relname = 'analytics_events_2027_09'`,
  )
  expect(part?.['forced']).toBe(true)
  expect(await place.system.verify()).toEqual([])
})
