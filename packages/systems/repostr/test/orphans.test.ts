/** Housekeeping between files and the store of their objects. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DirectoryStore, directoryStore } from '@tenantry/testing'
import type { ObjectStore } from '@tenantry/core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { NOBODY, type Place, repostrDatabase, user, type User } from './support/place.ts'

let place: Place
let directory: string
let store: DirectoryStore
beforeAll(async () => {
  place = await repostrDatabase()
})
afterAll(() => place?.close())
beforeEach(async () => {
  await place.rows('truncate projects cascade')
  directory = await mkdtemp(join(tmpdir(), 'repostr-store-'))
  store = directoryStore(directory)
})
afterEach(() => rm(directory, { recursive: true }))

const LONG_AGO = new Date(Date.now() - 48 * 3_600_000)

const clean = (
  options?: { graceHours?: number; shareMax?: number; dryRun?: boolean },
  of: ObjectStore = store,
) => place.repostr.asService().files.removeOrphans(of, options)

const keys = async () => {
  const found = []
  for await (const { key } of store.list()) found.push(key)
  return found.toSorted()
}

/** A file, as old as both the row and the object are said to be; null: there is none. */
async function upload(of: User, { row, object }: { row: Date | null; object: Date | null }) {
  const file = await of.scope.files.register({ projectId: of.project.id, extension: 'mp3' })
  if (row === null) await of.scope.files.remove(file.id)
  else await place.rows('update files set created_at = $2 where id = $1', [file.id, row])
  if (object !== null) await store.put(file.path, 'sound', { modifiedAt: object })
  return file
}

test('a row without an object and an object without a row go, once both are older than the grace period', async () => {
  const ann = await user(place)
  const ben = await user(place)
  const now = new Date()
  const whole = await upload(ann, { row: LONG_AGO, object: LONG_AGO })
  const arriving = await upload(ann, { row: now, object: null })
  const unregistered = await upload(ben, { row: null, object: now })
  const rowAlone = await upload(ann, { row: LONG_AGO, object: null })
  const objectAlone = await upload(ben, { row: null, object: LONG_AGO })

  const counted = { objects: { checked: 3, removed: 1, foreign: 0 }, rows: { checked: 2, removed: 1 } }
  expect(await clean({ dryRun: true })).toEqual(counted)
  expect(await keys()).toContain(objectAlone.path)
  expect(await clean()).toEqual(counted)
  expect(await keys()).toEqual([whole.path, unregistered.path].toSorted())
  expect((await ann.scope.files.list()).items.map(({ id }) => id).toSorted()).toEqual(
    [whole.id, arriving.id].toSorted(),
  )
  expect((await ann.scope.files.list()).items.map(({ id }) => id)).not.toContain(rowAlone.id)
  expect(await clean()).toMatchObject({ objects: { removed: 0 }, rows: { removed: 0 } })
})

test('the grace period is the caller’s to choose', async () => {
  const ann = await user(place)
  await upload(ann, { row: LONG_AGO, object: null })
  await upload(ann, { row: null, object: LONG_AGO })
  expect(await clean({ graceHours: 72 })).toMatchObject({ objects: { removed: 0 }, rows: { removed: 0 } })
  expect(await clean({ graceHours: 47 })).toMatchObject({ objects: { removed: 1 }, rows: { removed: 1 } })
})

test('a user’s objects go when the user has no row left at all', async () => {
  const ann = await user(place)
  await upload(ann, { row: LONG_AGO, object: LONG_AGO })
  await ann.scope.projects.remove(ann.project.id)
  expect(await clean()).toMatchObject({ objects: { removed: 1 } })
  expect(await keys()).toEqual([])
})

test('an object under another user’s path is no reason to keep it, and no reason to keep a row', async () => {
  const ann = await user(place)
  const file = await upload(ann, { row: LONG_AGO, object: null })
  const elsewhere = file.path.replace(ann.userId, 'user_else')
  await store.put(elsewhere, 'x', { modifiedAt: LONG_AGO })
  expect(await clean()).toMatchObject({ objects: { removed: 1 }, rows: { removed: 1 } })
})

test('an object whose key is no path of a file stays: whose it is isn’t known', async () => {
  const strange = ['logo.png', 'assets/logo.png', `user_x/not-a-project/a.mp3`, `user_x/${NOBODY}/deep/a.mp3`]
  for (const key of strange) await store.put(key, 'x', { modifiedAt: LONG_AGO })
  expect(await clean()).toMatchObject({ objects: { checked: 4, removed: 0, foreign: 4 } })
  expect(await keys()).toEqual(strange.toSorted())
})

test('a wrong store or a wrong database removes nothing', async () => {
  const ann = await user(place)
  await place.rows(
    `insert into files (user_id, project_id, path, created_at)
     select user_id, id, user_id || '/' || id || '/' || n, $2 from projects, generate_series(1, 30) as n where id = $1`,
    [ann.project.id, LONG_AGO],
  )
  const refused = { code: 'TENANTRY_CONFIGURATION', message: expect.stringContaining('30 of 30 files') }
  await expect(clean()).rejects.toMatchObject(refused)
  expect(await ann.scope.files.count()).toBe(30)
  expect(await clean({ shareMax: 1 })).toMatchObject({ rows: { removed: 30 } })

  for (let n = 0; n < 21; n += 1) {
    await store.put(`user_gone/${NOBODY}/${n}.mp3`, 'x', { modifiedAt: LONG_AGO })
  }
  await expect(clean()).rejects.toMatchObject({ message: expect.stringContaining('21 of 21 objects') })
  expect(await keys()).toHaveLength(21)
})

test('what is registered or uploaded while it looks stays', async () => {
  const ann = await user(place)
  const late = await upload(ann, { row: LONG_AGO, object: null })
  const path = `${ann.userId}/${ann.project.id}/found.mp3`
  await store.put(path, 'x', { modifiedAt: LONG_AGO })
  let listings = 0
  const busy: ObjectStore = {
    async *list(options) {
      yield* store.list(options)
      listings += 1
      // After the first look at both sides.
      if (listings !== 2) return
      await store.put(late.path, 'x')
      await ann.scope.files.create({ projectId: ann.project.id, path })
    },
    delete: (removed) => store.delete(removed),
  }
  expect(await clean({}, busy)).toMatchObject({ objects: { removed: 0 }, rows: { removed: 0 } })
  expect(await ann.scope.files.count()).toBe(2)
  expect(await keys()).toHaveLength(2)
})

test('a store that fails while it is listed removes nothing', async () => {
  const ann = await user(place)
  await upload(ann, { row: LONG_AGO, object: LONG_AGO })
  await upload(ann, { row: null, object: LONG_AGO })
  const failing: ObjectStore = {
    // eslint-disable-next-line require-yield
    async *list() {
      throw new Error('503')
    },
    delete: (removed) => store.delete(removed),
  }
  await expect(clean({}, failing)).rejects.toThrow('503')
  expect(await keys()).toHaveLength(2)
  expect(await ann.scope.files.count()).toBe(1)
})

test('users may not start it, and wrong options are refused', async () => {
  const { scope } = await user(place)
  await expect(scope.files.removeOrphans(store)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  await expect(clean({ graceHours: 0 })).rejects.toMatchObject({ issues: [{ path: 'graceHours' }] })
})

test('a file is registered under a path of its own, and read, changed and removed by its user alone', async () => {
  const ann = await user(place)
  const ben = await user(place)
  const file = await ann.scope.files.register({
    projectId: ann.project.id.toUpperCase(),
    extension: 'MP3',
    mimeType: 'audio/mpeg',
  })
  expect(file.path).toMatch(new RegExp(`^${ann.userId}/${ann.project.id}/[0-9a-f-]{36}\\.mp3$`))
  expect(await ann.scope.files.update(file.id, { sizeBytes: 10_485_760 })).toMatchObject({
    sizeBytes: 10_485_760,
    mimeType: 'audio/mpeg',
  })
  await expect(ben.scope.files.get(file.id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  await expect(
    ben.scope.files.register({ projectId: ann.project.id, extension: 'mp3' }),
  ).rejects.toMatchObject({ code: 'TENANTRY_FOREIGN_KEY' })
  await expect(ben.scope.files.create({ projectId: ben.project.id, path: file.path })).rejects.toMatchObject({
    code: 'TENANTRY_CHECK',
    constraint: 'files_path_check',
  })
  await ann.scope.files.remove(file.id)
  expect(await ann.scope.files.count()).toBe(0)
})
