/** Outputs that are old, objects that nobody names, and the weekly maintenance. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type HoldSubject, placeHold, releaseHold } from '@tenantry/retention'
import { directoryStore } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { repostr } from '../src/index.ts'
import { outputs, projects } from '../src/schema/index.ts'
import { type Place, repostrDatabase, user, type User } from './support/place.ts'

let place: Place
beforeAll(async () => {
  place = await repostrDatabase()
})
afterAll(() => place?.close())
beforeEach(async () => {
  await place.rows('truncate projects cascade')
})

const rules = repostr.retention
const run = () => rules.run(place.database)

/** An output of an age, completed unless it failed. */
async function output(of: User, days: number, outcome: 'completed' | 'failed' | 'queued' = 'completed') {
  const { id } = await of.scope.outputs.request({ projectId: of.project.id, kind: 'blog' })
  if (outcome !== 'queued') {
    const [claim] = await of.service.outputs.claim()
    if (claim?.id !== id) throw new Error('another output was claimed')
    if (outcome === 'completed') await of.service.outputs.complete(claim, { body: `Text of ${id}` })
    else await of.service.outputs.fail(claim, 'no words', { final: true })
  }
  await place.rows(`update outputs set created_at = now() - make_interval(days => $2) where id = $1`, [
    id,
    days,
  ])
  return id
}

describe('archiving', () => {
  test('moves completed outputs that are older than 90 days, whole, and no other; its plan says so before', async () => {
    const [ann, ben] = [await user(place), await user(place)]
    const old = await output(ann, 91)
    const theirs = await output(ben, 200)
    const stay = [await output(ann, 89), await output(ann, 91, 'failed')]
    stay.push(await output(ann, 91, 'queued'))
    const before = await ann.scope.outputs.get(old)
    expect(await rules.plan(place.database)).toMatchObject([
      { rule: 'outputs', action: 'move', age: '90 days', phases: [{ rows: 2 }], blockers: [], warnings: [] },
    ])
    expect(await ann.scope.archivedOutputs.count()).toBe(0)
    expect(await run()).toMatchObject([{ ended: 'done', changed: { move: 2 }, kept: 0 }])
    expect(await run()).toMatchObject([{ changed: { move: 0 } }])
    expect(await ann.scope.archivedOutputs.get(old)).toEqual({ ...before, archivedAt: expect.any(Date) })
    expect((await ben.scope.archivedOutputs.list()).items.map(({ id }) => id)).toEqual([theirs])
    expect((await ann.scope.outputs.list()).items.map(({ id }) => id).toSorted()).toEqual(stay.toSorted())
  })

  test('is a job, once a month', async () => {
    const ann = await user(place)
    await output(ann, 91)
    const job = place.repostr.definition.jobs.find(({ name }) => name === 'retention outputs')
    expect(job?.schedule).toBe('41 3 1 * *')
    expect(await place.repostr.runJob('retention outputs')).toBe('outputs: done, 1 rows changed, 0 left')
    await output(ann, 91)
    await place.database.driver.session((session) => session.script(job?.sql ?? ''))
    expect(await ann.scope.archivedOutputs.count()).toBe(2)
    expect(await rules.status(place.database)).toMatchObject([{ rule: 'outputs' }])
  })

  test('leaves what is held where it is, by its user, its project or itself', async () => {
    const [ann, ben] = [await user(place), await user(place)]
    const id = await output(ann, 91)
    await output(ben, 91)
    const executor = place.repostr.serviceExecutor()
    const subjects: readonly HoldSubject[] = [
      { tenant: ann.userId },
      { table: outputs, row: { id } },
      { table: projects, row: { id: ann.project.id } },
    ]
    for (const [which, subject] of subjects.entries()) {
      const hold = await placeHold(executor, { ...subject, reason: 'matter 1', by: 'counsel' })
      await run()
      expect(await ann.scope.archivedOutputs.count(), String(which)).toBe(0)
      await releaseHold(executor, { id: hold.id, by: 'counsel', reason: 'settled' })
    }
    expect(await ben.scope.archivedOutputs.count()).toBe(1)
    await run()
    expect(await ann.scope.archivedOutputs.count()).toBe(1)
  })

  test('leaves archived outputs to be read and removed by their user, and written by nobody', async () => {
    const ann = await user(place)
    const id = await output(ann, 91)
    await run()
    for (const statement of [
      `update outputs_archive set body = 'x' where id = '${id}'`,
      `insert into outputs_archive select o.*, now() from outputs as o`,
    ]) {
      await expect(place.rowsAs(ann.userId, statement)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
    await ann.scope.archivedOutputs.remove(id)
    expect(await ann.scope.archivedOutputs.count()).toBe(0)
  })
})

describeOnServer('several archivers at once', () => {
  test('move each output once, and nobody sees it in both tables or in neither', async () => {
    const ann = await user(place)
    await place.rows('alter table outputs disable trigger user')
    await place.rows(
      `insert into outputs (user_id, project_id, kind, status, created_at)
       select $1, $2, 'blog', 'completed', now() - interval '100 days' from generate_series(1, 3000)`,
      [ann.userId, ann.project.id],
    )
    await place.rows('alter table outputs enable trigger user')
    let running = true
    const watching = (async () => {
      while (running) {
        expect(
          await place.rows(`select count(*)::int as rows, count(distinct id)::int as ids
            from (select id from outputs union all select id from outputs_archive) as each`),
        ).toEqual([{ rows: 3000, ids: 3000 }])
      }
    })()
    const reports = await Promise.all(Array.from({ length: 4 }, run)).finally(() => (running = false))
    await watching
    const moved = reports.flat().map(({ changed }) => changed['move'] ?? 0)
    expect(moved.reduce((total, each) => total + each, 0)).toBe(3000)
    expect([await ann.scope.archivedOutputs.count(), await ann.scope.outputs.count()]).toEqual([3000, 0])
  })
})

describe('orphaned files', () => {
  test('of a user who is held stay, both ways', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'repostr-held-'))
    try {
      const store = directoryStore(directory)
      const longAgo = new Date(Date.now() - 48 * 3_600_000)
      const users = [await user(place), await user(place)]
      for (const { scope, project, userId } of users) {
        const file = await scope.files.register({ projectId: project.id, extension: 'mp3' })
        await place.rows('update files set created_at = $2 where id = $1', [file.id, longAgo])
        await store.put(`${userId}/${project.id}/alone.mp3`, 'sound', { modifiedAt: longAgo })
      }
      const executor = place.repostr.serviceExecutor()
      await placeHold(executor, { tenant: users[0]?.userId ?? '', reason: 'matter 2', by: 'counsel' })
      expect(await place.repostr.asService().files.removeOrphans(store)).toMatchObject({
        objects: { removed: 1 },
        rows: { removed: 1 },
      })
      expect(await users[0]?.scope.files.count()).toBe(1)
      expect(await users[1]?.scope.files.count()).toBe(0)
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})

describe('the weekly maintenance', () => {
  test('vacuums and analyzes the documented tables', async () => {
    const analyzed = () =>
      place.rows<{ analyzed: number }>(
        `select sum(vacuum_count + analyze_count)::int as analyzed from pg_stat_user_tables
         where relname in ('projects', 'files', 'outputs')`,
      )
    const [before] = await analyzed()
    expect(await place.repostr.runJob('vacuum tables')).toBe('4 tables are vacuumed')
    await place.rows('select pg_stat_force_next_flush()')
    const [after] = await analyzed()
    expect(after?.analyzed).toBe((before?.analyzed ?? 0) + 6)
    const job = place.repostr.definition.jobs.find(({ name }) => name === 'vacuum tables')
    await place.rows(job?.sql ?? '')
  })

  test('says so where the login may not', async () => {
    const job = place.repostr.definition.jobs.find(({ name }) => name === 'vacuum tables')
    await expect(
      place.database.driver.session(async (connection) => {
        await connection.script('set role tenantry_service')
        try {
          await job?.run(connection)
        } finally {
          await connection.script('reset role')
        }
      }),
    ).rejects.toMatchObject({ code: 'TENANTRY_CONFIGURATION', message: expect.stringContaining('outputs') })
  })
})
