/** What the document says about keeping and removing, rule by rule: nothing too early, nothing that is held, all of it counted. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ObjectStore, StoredObject } from '@tenantry/core'
import { directoryArchive, placeHold, releaseHold } from '@tenantry/retention'
import { createTestSystem, type TestSystem } from '@tenantry/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defineSexyresume, sexyresume } from '../src/index.ts'
import { REMOVED_DAYS, RETENTION_DAYS_MIN } from '../src/types.ts'
import { type Customer, customer, ROWS } from './support/place.ts'

type Definition = typeof sexyresume.definition
type Place = TestSystem<Definition['schema'], Definition['repositories']>

const { retention } = sexyresume
let place: Place
let folder: string
let ann: Customer
beforeEach(async () => {
  place = await createTestSystem(sexyresume, { rows: ROWS })
  folder = mkdtempSync(join(tmpdir(), 'tenantry-sexyresume-'))
  ann = await customer(place)
})
afterEach(async () => {
  await place.close()
  rmSync(folder, { recursive: true, force: true })
})

/** So many days ago, less or more by an hour. */
const days = (number: number, hours = 0): Date =>
  new Date(Date.now() - number * 86_400_000 - hours * 3_600_000)

/** For each rule: rows just too young and just old enough, and how many a run takes of them. */
async function seed(of: Customer): Promise<void> {
  const { userId } = of
  const pair = async (age: number, make: (at: Date) => Promise<unknown>) => {
    await make(days(age, -1))
    await make(days(age, 1))
  }
  await pair(RETENTION_DAYS_MIN.exports, (createdAt) =>
    place.make('exports', { userId, createdAt, expiresAt: days(0, 1) }),
  )
  // Old, and made late: it is there until it expires.
  await place.make('exports', { userId, createdAt: days(9), expiresAt: days(-1) })
  await place.make('userSessions', { userId, expiresAt: days(0, 2) })
  await place.make('userSessions', { userId, expiresAt: days(-1) })
  for (const key of ['resumes', 'coverLetters'] as const) {
    await pair(RETENTION_DAYS_MIN.resumes, (updatedAt) => place.make(key, { userId, updatedAt }))
    await pair(REMOVED_DAYS, (deletedAt) => place.make(key, { userId, deletedAt }))
  }
  await pair(RETENTION_DAYS_MIN.payment_receipts, (createdAt) =>
    place.make('paymentReceipts', { userId, createdAt }),
  )
  await pair(RETENTION_DAYS_MIN.audit_logs, (createdAt) => place.make('auditLogs', { userId, createdAt }))
}

/** What each rule takes of that: of resumes and letters one goes, and one is marked. */
const TAKEN = {
  exports: { delete: 1 },
  user_sessions: { delete: 1 },
  cover_letters: { purge: 1, 'soft-delete': 1 },
  resumes: { purge: 1, 'soft-delete': 1 },
  payment_receipts: { delete: 1 },
  analytics_events: { 'drop-partition': 0 },
  audit_logs: { delete: 1 },
}

const run = (options: Parameters<typeof retention.run>[1] = {}) =>
  retention.run(place.database, { store: directoryArchive(folder), anyShare: true, ...options })
const changed = async (options?: Parameters<typeof retention.run>[1]) =>
  Object.fromEntries((await run(options)).map((report) => [report.rule, report.changed]))
const asService = async (call: string): Promise<unknown> =>
  place.database.driver.transaction(
    { preamble: [{ text: `select set_config('role', 'tenantry_service', true)`, params: [] }] },
    async (connection) => {
      const [row] = (await connection.query({ text: `select (${call})::text`, params: [] })).rows
      return JSON.parse(String(row?.[0]))
    },
  )
const counts = async () =>
  Object.fromEntries(
    await Promise.all(
      Object.keys(TAKEN).map(async (table) => {
        const [row] = await place.rows<{ n: number }>(`select count(*)::int as n from ${table}`)
        return [table, row?.n] as const
      }),
    ),
  )

describe('the rules', () => {
  test('take by a run what a plan says, to the hour, in every table; again, nothing', async () => {
    await seed(ann)
    const before = await counts()
    const plan = await retention.plan(place.database)
    expect(
      Object.fromEntries(
        plan.map(({ rule, phases }) => [
          rule,
          Object.fromEntries(phases.map(({ effect, rows }) => [effect, rows])),
        ]),
      ),
    ).toEqual(TAKEN)
    // The store comes with each run.
    expect(plan.flatMap(({ warnings }) => warnings.map(({ code }) => code))).toEqual(['no-store', 'no-store'])
    expect(await counts()).toEqual(before)
    expect(await changed()).toEqual(TAKEN)
    expect(await counts()).toEqual({
      exports: 2,
      user_sessions: 1,
      cover_letters: 3,
      resumes: 3,
      payment_receipts: 1,
      analytics_events: 0,
      audit_logs: 1,
    })
    for (const report of await run()) {
      expect(
        Object.values(report.changed).every((rows) => rows === 0),
        report.rule,
      ).toBe(true)
    }
  })

  test('are jobs, each at a time of its own; those that archive refuse without a store, and run with one', async () => {
    await seed(ann)
    const jobs = place.system.definition.jobs.filter(({ name }) => name.startsWith('retention '))
    expect(jobs.map(({ name, sql }) => [name.slice(10), sql !== undefined])).toEqual(
      Object.keys(TAKEN).map((rule) => [rule, !['analytics_events', 'audit_logs'].includes(rule)]),
    )
    expect(new Set(jobs.map(({ schedule }) => schedule)).size).toBe(jobs.length)
    await place.rows(`insert into audit_logs (action, table_name) select 'x', 'y' from generate_series(1, 9)`)
    for (const rule of ['analytics_events', 'audit_logs']) {
      await expect(place.system.runJob(`retention ${rule}`)).rejects.toMatchObject({
        code: 'TENANTRY_RETENTION_REFUSED',
        hint: expect.stringContaining('store'),
      })
    }
    const bound = defineSexyresume({ archive: directoryArchive(folder) })
    expect(bound.definition.objects).toEqual(sexyresume.definition.objects)
    expect(await bound(place.database).runJob('retention audit_logs')).toContain('1 rows changed')
  })

  test('leave what a hold reaches, until it is released', async () => {
    const ben = await customer(place)
    await seed(ann)
    await seed(ben)
    const service = place.system.serviceExecutor()
    const hold = await placeHold(service, { tenant: ann.userId, reason: 'matter 12', by: 'counsel' })
    expect(await asService('execute_data_purge()')).toEqual({
      deleted_records: 6,
      tables: { exports: 1, cover_letters: 2, resumes: 2, payment_receipts: 1 },
    })
    expect(await changed({ rules: ['audit_logs', 'user_sessions'] })).toEqual({
      audit_logs: { delete: 1 },
      user_sessions: { delete: 1 },
    })
    expect(await ann.scope.resumes.count({ withDeleted: true })).toBe(4)
    await releaseHold(service, { id: hold.id, by: 'counsel', reason: 'settled' })
    expect(await changed()).toEqual(TAKEN)
    expect(await place.rows(`select count(*)::int as n from tenantry.legal_holds`)).toEqual([{ n: 1 }])
  })

  test('heed rows of data_retention_policies that keep longer, or pause; never less than the floor', async () => {
    await seed(ann)
    await place.rows(`update data_retention_policies set retention_days = retention_days + 1`)
    await place.rows(`update data_retention_policies set is_active = false where table_name = 'audit_logs'`)
    await place.rows(`delete from data_retention_policies where table_name = 'exports'`)
    const longer = {
      ...TAKEN,
      cover_letters: { purge: 1, 'soft-delete': 0 },
      resumes: { purge: 1, 'soft-delete': 0 },
    }
    expect(await changed()).toEqual({ ...longer, payment_receipts: { delete: 0 }, audit_logs: {} })
    await place.rows(
      'alter table data_retention_policies drop constraint data_retention_policies_retention_days_check',
    )
    await place.rows('update data_retention_policies set retention_days = 1, is_active = true')
    expect(await changed()).toEqual({
      exports: { delete: 0 },
      user_sessions: { delete: 0 },
      cover_letters: { purge: 0, 'soft-delete': 1 },
      resumes: { purge: 0, 'soft-delete': 1 },
      payment_receipts: { delete: 1 },
      analytics_events: { 'drop-partition': 0 },
      audit_logs: { delete: 1 },
    })
  })

  test('refuse what looks like an accident', async () => {
    for (let n = 0; n < 3; n += 1) await place.make('resumes', { userId: ann.userId, updatedAt: days(400) })
    await place.make('resumes', { userId: ann.userId })
    await expect(run({ rules: ['resumes'], anyShare: false })).rejects.toMatchObject({
      code: 'TENANTRY_RETENTION_REFUSED',
    })
    await expect(asService('execute_data_purge()')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('more than 0.5 of public.resumes') },
    })
    expect(await ann.scope.resumes.count()).toBe(4)
  })
})

describe('execute_data_purge()', () => {
  test('says truly how many rows of each table it changed', async () => {
    await seed(ann)
    expect(await asService('execute_data_purge()')).toEqual({
      deleted_records: 6,
      tables: { exports: 1, cover_letters: 2, resumes: 2, payment_receipts: 1 },
    })
    expect(await asService('execute_data_purge()')).toMatchObject({ deleted_records: 0 })
    expect(await counts()).toMatchObject({ exports: 2, resumes: 3, audit_logs: 2, user_sessions: 2 })
  })

  test('takes with a resume what was made of it, and leaves files and letters', async () => {
    const { userId } = ann
    const resume = await place.make('resumes', { userId, deletedAt: days(REMOVED_DAYS, 1) })
    await place.make('resumes', { userId })
    for (const key of ['enhancementRequests', 'roleRecommendations', 'exports', 'coverLetters'] as const) {
      await place.make(key, { userId, resumeId: resume.id })
    }
    expect(await asService('execute_data_purge()')).toMatchObject({
      tables: { resumes: 1, cover_letters: 0 },
    })
    expect(await ann.scope.enhancements.count()).toBe(0)
    expect(await ann.scope.recommendations.count()).toBe(0)
    expect(await ann.scope.exports.find()).toMatchObject({ resumeId: null })
    expect(await ann.scope.coverLetters.find()).toMatchObject({ resumeId: null })
  })
})

describe('what is archived', () => {
  test('audit logs leave by retention’s role alone, and come back as they were', async () => {
    const { userId } = ann
    const old = await place.make('auditLogs', {
      userId,
      createdAt: days(RETENTION_DAYS_MIN.audit_logs, 1),
      oldValues: { n: 1, text: 'ä' },
    })
    await place.make('auditLogs', { userId })
    for (const role of ['tenantry_service', 'tenantry_tenant', 'tenantry_definer']) {
      await expect(
        place.database.driver.transaction(
          { preamble: [{ text: `select set_config('role', $1, true)`, params: [role] }] },
          (connection) => connection.query({ text: 'delete from audit_logs', params: [] }),
        ),
      ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
    const [report] = await run({ rules: ['audit_logs'] })
    expect(report).toMatchObject({ changed: { delete: 1 }, archived: { segments: 1, rows: 1 } })
    expect(await ann.scope.auditLogs.count()).toBe(1)
    const restored = await retention.restore(place.database, {
      rule: 'audit_logs',
      store: directoryArchive(folder),
    })
    expect(restored).toMatchObject({ rows: 1 })
    expect(await ann.scope.auditLogs.get(old.id)).toEqual(old)
  })

  test('months of events go whole, archived, once all of them is two years old, and come back', async () => {
    const months = await place.rows<{ start: string }>(
      `select (date_trunc('month', now() at time zone 'UTC') - make_interval(months => n))::date::text as start from unnest(array[24, 25, 26]) as n`,
    )
    for (const { start } of months) {
      await place.rows(`select create_monthly_partition('analytics_events', $1::date)`, [start])
      for (const second of [0, 1]) {
        const timestamp = new Date(Date.parse(`${start}T00:00:00Z`) + second * 1000)
        await place.make('analyticsEvents', { timestamp, properties: { second } })
      }
    }
    const before = await place.rows('select * from analytics_events order by "timestamp"')
    const left = () => place.rows<{ n: number }>('select count(*)::int as n from analytics_events')
    // 730 days ago lies in the month of two years ago, or a day beside it: at most one of the three is younger.
    const [report] = await run({ rules: ['analytics_events'] })
    const dropped = report?.changed['drop-partition'] ?? 0
    expect([1, 2]).toContain(dropped)
    expect(report?.archived).toMatchObject({ rows: 2 * dropped })
    expect(await left()).toEqual([{ n: 6 - 2 * dropped }])
    expect(await place.system.verify()).toEqual([])
    for (const { start } of months)
      await place.rows(`select create_monthly_partition('analytics_events', $1::date)`, [start])
    await retention.restore(place.database, { rule: 'analytics_events', store: directoryArchive(folder) })
    expect(await place.rows('select * from analytics_events order by "timestamp"')).toEqual(before)
  })
})

/** A store that stands in for a bucket. */
function bucket(): ObjectStore & { readonly objects: Map<string, StoredObject> } {
  const objects = new Map<string, StoredObject>()
  return {
    objects,
    async *list({ prefix = '' } = {}) {
      for (const each of objects.values()) if (each.key.startsWith(prefix)) yield each
    },
    async delete(keys) {
      for (const key of keys) objects.delete(key)
    },
  }
}

describe('files of exports', () => {
  const setup = async () => {
    const store = bucket()
    const put = (key: string, modifiedAt: Date) => store.objects.set(key, { key, sizeBytes: 1, modifiedAt })
    const made = async (name: string, completedAt: Date, stored: boolean) => {
      const resume = await ann.scope.resumes.create({})
      const { id } = await ann.scope.exports.request({ resumeId: resume.id })
      const { claims } = await ann.service.exports.claim({ limit: 50 })
      const claim = claims.find((each) => each.id === id)
      if (claim === undefined) throw new Error('not claimed')
      const storagePath = `${ann.userId}/${name}.pdf`
      await ann.service.exports.complete(claim, { storagePath, fileSizeBytes: 1 })
      // When it was completed is the machine's to say: it stands aside, for the owner alone.
      await place.rows('alter table exports disable trigger enforce_status')
      await place.rows('update exports set completed_at = $2, created_at = $2 where id = $1', [
        id,
        completedAt,
      ])
      await place.rows('alter table exports enable always trigger enforce_status')
      if (stored) put(storagePath, completedAt)
      return { id, storagePath }
    }
    return { store, put, made, sweep: place.system.asService().exports }
  }

  test('go with the export that has expired, after a grace; files of live ones and of others stay', async () => {
    const { store, put, made, sweep } = await setup()
    const expired = await made('expired', days(2), true)
    const live = await made('live', days(2), true)
    await place.rows(`update exports set expires_at = now() - interval '1 minute' where id = $1`, [
      expired.id,
    ])
    put(`${ann.userId}/uploading.pdf`, new Date())
    put('invoices/1.pdf', days(9))
    expect(await asService('cleanup_expired_exports()')).toBe(1)
    expect(await sweep.removeOrphans(store, { dryRun: true })).toMatchObject({ objects: { removed: 1 } })
    expect(await sweep.removeOrphans(store)).toMatchObject({
      objects: { checked: 4, removed: 1, foreign: 1 },
      rows: { removed: 0 },
    })
    expect([...store.objects.keys()].toSorted()).toEqual(
      [live.storagePath, `${ann.userId}/uploading.pdf`, 'invoices/1.pdf'].toSorted(),
    )
  })

  test('that are missing take their export with them, after a grace, unless it is held', async () => {
    const { store, made, sweep } = await setup()
    const [lost, fresh] = [await made('lost', days(2), false), await made('fresh', new Date(), false)]
    const held = await made('held', days(2), false)
    const { definition } = place.system
    await placeHold(place.system.serviceExecutor(), {
      table: definition.schema.exports,
      row: { id: held.id },
      reason: 'matter 12',
      by: 'counsel',
    })
    expect(await sweep.removeOrphans(store)).toMatchObject({ rows: { removed: 1 } })
    const left = (await ann.scope.exports.list()).items.map(({ id }) => id)
    expect(left.toSorted()).toEqual([fresh.id, held.id].toSorted())
    expect(left).not.toContain(lost.id)
    await expect(ann.scope.exports.removeOrphans(store)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  })

  test('lie under their user’s id: another path is refused', async () => {
    const ben = await customer(place)
    for (const path of ['x.pdf', `${ben.userId}/x.pdf`, `${ann.userId}x.pdf`]) {
      await expect(
        place.rows(`insert into exports (user_id, storage_path) values ($1, $2)`, [ann.userId, path]),
        path,
      ).rejects.toMatchObject({ code: 'TENANTRY_CHECK' })
    }
  })
})
