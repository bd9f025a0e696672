import type { Statement } from '@tenantry/core'
import { tenantExecutor } from '@tenantry/rls'
import { recorded } from '@tenantry/testing/statement-tenants'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repositories } from '../src/repositories/index.ts'
import { tenancy } from '../src/tenancy.ts'
import { NOBODY, type Place, repostrDatabase, user } from './support/place.ts'

let place: Place
beforeAll(async () => {
  place = await repostrDatabase()
})
afterAll(() => place?.close())

test('a project comes with its files and outputs, each once, whatever the number of the other', async () => {
  const { scope, project } = await user(place)
  const files = await scope.files.createMany(
    [1, 2, 3].map((n) => ({
      projectId: project.id,
      path: `${project.userId}/${project.id}/${n}.mp3`,
      sizeBytes: n === 1 ? Number.MAX_SAFE_INTEGER : null,
    })),
  )
  const outputs = []
  for (const topic of ['a', 'b']) {
    outputs.unshift(
      await scope.outputs.request({
        projectId: project.id,
        kind: 'social',
        request: { topic, nested: [1.5, null] },
      }),
    )
  }
  const other = await scope.projects.create({ title: 'Another', description: 'of theirs' })
  await scope.outputs.request({ projectId: other.id, kind: 'blog' })

  const contents = await scope.projects.contents(project.id)
  expect(contents).toEqual({ ...project, files: expect.any(Array), outputs })
  expect(contents.files.map(({ path }) => path).toSorted()).toEqual(files.map(({ path }) => path))
  expect(contents.files.find(({ sizeBytes }) => sizeBytes !== null)).toEqual(files[0])
  expect(contents.outputs[0]?.createdAt).toBeInstanceOf(Date)
})

test('a project with nothing in it comes with empty lists', async () => {
  const { scope, project } = await user(place)
  expect(await scope.projects.contents(project.id)).toEqual({ ...project, files: [], outputs: [] })
})

test('a project of another user is a missing one', async () => {
  const ann = await user(place)
  const ben = await user(place)
  const refusals = []
  for (const id of [ben.project.id, NOBODY]) {
    refusals.push(await ann.scope.projects.contents(id).catch((error: unknown) => error))
    await expect(ann.scope.projects.get(id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await expect(ann.scope.projects.update(id, { title: 'Mine' })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
  }
  expect(refusals[0]).toMatchObject({ code: 'TENANTRY_NOT_FOUND', table: 'projects' })
  expect(JSON.stringify(refusals[0])).toBe(JSON.stringify(refusals[1]))
})

test('the query of a project’s contents reads by index, in each of its tables', async () => {
  const { userId, project, service } = await user(place)
  await service.subscriptions.sync({ plan: 'business', status: 'active' })
  await place.rows(
    `with made as (
       insert into projects (user_id, title) select $1, 'x' from generate_series(1, 3000) returning user_id, id
     ), file as (
       insert into files (user_id, project_id, path)
       select user_id, id, user_id || '/' || id || '/' || n from made, generate_series(1, 2) as n
     )
     insert into outputs (user_id, project_id, kind) select user_id, id, 'blog' from made, generate_series(1, 2)`,
    [userId],
  )
  await place.rows('analyze files, outputs, projects')
  const log: Statement[] = []
  const executor = recorded(tenantExecutor(place.database, tenancy, { userId }), log)
  await executor.transaction((within) => repositories.projects.bind(within).contents(project.id))
  const [contents] = log
  const plan = await place.rowsAs<{ 'QUERY PLAN': string }>(
    userId,
    `explain (costs off) ${contents?.text}`,
    contents?.params,
  )
  const text = plan.map((row) => row['QUERY PLAN']).join('\n')
  expect(text).toMatch(/Index.* on idx_files_project|using idx_files_project/)
  expect(text).toMatch(/Index.* on idx_outputs_project|using idx_outputs_project/)
  expect(text).not.toContain('Seq Scan')
})

test('projects are listed the newest first, page by page', async () => {
  const { scope, project } = await user(place)
  const second = await scope.projects.create({ title: 'Second' })
  const third = await scope.projects.create({ title: 'Third' })
  const first = await scope.projects.list({ limit: 2 })
  expect(first.items.map(({ id }) => id)).toEqual([third.id, second.id])
  const next = await scope.projects.list({ limit: 2, cursor: first.nextCursor })
  expect(next).toMatchObject({ items: [{ id: project.id }], nextCursor: null })
})

describe('a profile', () => {
  test('is made and changed by one call, and read as one’s own', async () => {
    const { scope, userId } = await user(place)
    await expect(scope.profiles.mine()).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await scope.profiles.upsert({ name: 'Ann', preferences: { language: 'en', timezone: 'Europe/Vienna' } })
    await scope.profiles.upsert({ toneOfVoice: 'dry' })
    expect(await scope.profiles.mine()).toMatchObject({
      userId,
      name: 'Ann',
      toneOfVoice: 'dry',
      preferences: { language: 'en', timezone: 'Europe/Vienna' },
    })
  })

  test('keeps the preferences that a change does not name, of two changes at once too', async () => {
    const { scope } = await user(place)
    await Promise.all([
      scope.profiles.prefer({ language: 'de' }),
      scope.profiles.prefer({ email_notifications: false }),
      scope.profiles.prefer({ theme: { dark: true } }),
    ])
    expect((await scope.profiles.prefer({ language: 'en' })).preferences).toEqual({
      language: 'en',
      email_notifications: false,
      theme: { dark: true },
    })
  })

  test('is not removed by its user, and nobody makes another’s', async () => {
    const { scope, userId } = await user(place)
    await scope.profiles.upsert({ name: 'Ann' })
    await expect(scope.profiles.remove(userId)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await expect(
      place.rowsAs(userId, `insert into profiles (user_id) values ('user_else')`),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  })
})

describe('activity', () => {
  test('counts users and projects by day, UTC, over all users', async () => {
    await place.rows(`insert into projects (user_id, title, created_at) values
      ('user_x', 'a', now() - interval '2 days'), ('user_x', 'b', now() - interval '2 days'),
      ('user_y', 'c', now() - interval '2 days'), ('user_y', 'd', now() - interval '40 days')`)
    const [expected] = await place.rows<{ date: string }>(
      `select ((now() - interval '2 days') at time zone 'UTC')::date::text as date`,
    )
    const days = await place.repostr.asService().projects.activity()
    expect(days.find(({ date }) => date === expected?.date)).toEqual({
      date: expected?.date,
      activeUsers: 2,
      totalProjects: 3,
    })
    expect(days.length).toBe(2)
    expect(await place.repostr.asService().projects.activity({ days: 60 })).toHaveLength(3)
  })

  test('is not for users', async () => {
    const { scope } = await user(place)
    await expect(scope.projects.activity()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  })
})
