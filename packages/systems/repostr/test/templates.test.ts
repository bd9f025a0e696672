import { afterAll, beforeAll, expect, test } from 'vitest'
import { SYSTEM_USER_ID } from '../src/types.ts'
import { NOBODY, type Place, repostrDatabase, user } from './support/place.ts'

let place: Place
beforeAll(async () => {
  place = await repostrDatabase()
  const { templates } = place.repostr.asService()
  await templates.provide({ name: 'Deep dive', type: 'blog', prompt: 'Write about {topic}' })
  await templates.provide({ name: 'Thread', type: 'twitter', prompt: 'Thread about {topic}' })
})
afterAll(() => place?.close())

const systems = async () => (await place.repostr.asService().tenant(SYSTEM_USER_ID).templates.list()).items

test('templates of the system are there for everybody, after their own', async () => {
  const { scope } = await user(place)
  const other = await user(place)
  await other.scope.templates.create({ name: 'Not yours', type: 'blog', prompt: 'x' })
  await scope.templates.create({ name: 'Mine', type: 'twitter', prompt: 'My {topic}' })
  const names = async (options?: { type: 'twitter' }) =>
    (await scope.templates.available(options)).map(({ name, isCustom }) => `${name} ${isCustom}`)
  expect(await names()).toEqual(['Mine true', 'Deep dive false', 'Thread false'])
  expect(await names({ type: 'twitter' })).toEqual(['Mine true', 'Thread false'])
  expect((await scope.templates.list()).items.map(({ name }) => name)).toEqual(['Mine'])
  expect((await scope.reading(SYSTEM_USER_ID).templates.list()).items).toHaveLength(2)
  expect(() => scope.reading(other.userId)).toThrow('Nobody reads here for another tenant')
})

test('a template is picked from one’s own and the system’s, and from nobody else’s', async () => {
  const { scope } = await user(place)
  const other = await user(place)
  const own = await scope.templates.create({ name: 'Mine', type: 'blog', prompt: 'x' })
  const theirs = await other.scope.templates.create({ name: 'Theirs', type: 'blog', prompt: 'x' })
  const [common] = await systems()
  expect(await scope.templates.pick(own.id)).toEqual(own)
  expect(await scope.templates.pick(common?.id ?? '')).toEqual(common)
  for (const id of [theirs.id, NOBODY]) {
    await expect(scope.templates.pick(id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await expect(scope.templates.copy(id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  }
})

test('a template of the system is changed in a copy of one’s own', async () => {
  const { scope, userId } = await user(place)
  const [common] = await systems()
  if (common === undefined) throw new Error('no template')
  const copy = await scope.templates.copy(common.id)
  expect(copy).toMatchObject({ userId, name: common.name, prompt: common.prompt, isCustom: true })
  expect(await scope.templates.update(copy.id, { prompt: 'Mine: {topic}' })).toMatchObject({
    prompt: 'Mine: {topic}',
  })
  await expect(scope.templates.copy(common.id)).rejects.toMatchObject({
    code: 'TENANTRY_UNIQUE',
    constraint: 'templates_user_id_name_key',
  })
  expect(await scope.templates.copy(common.id, { name: 'Second copy' })).toMatchObject({
    name: 'Second copy',
    type: common.type,
  })
  expect(await systems()).toContainEqual(common)
})

test('two users may use the same name, one may not use it twice', async () => {
  const ann = await user(place)
  const ben = await user(place)
  const input = { name: 'Newsletter', type: 'email', prompt: 'x' } as const
  await ann.scope.templates.create(input)
  await ben.scope.templates.create(input)
  await expect(ann.scope.templates.create(input)).rejects.toMatchObject({ code: 'TENANTRY_UNIQUE' })
  expect(await ann.scope.templates.upsert({ ...input, prompt: 'y' })).toMatchObject({ prompt: 'y' })
  expect(await ann.scope.templates.count()).toBe(1)
})

test('no user writes a template of the system: not by verbs, not by raw SQL, not by calling themselves so', async () => {
  const before = await systems()
  const [common] = before
  const ann = await user(place)
  await ann.scope.templates.create({ name: 'Mine', type: 'blog', prompt: 'x' })
  const id = common?.id ?? ''
  for (const { scope, userId } of [
    ann,
    { scope: place.repostr.as({ userId: SYSTEM_USER_ID }), userId: SYSTEM_USER_ID },
  ]) {
    await expect(scope.templates.provide({ name: 'x', type: 'blog', prompt: 'x' })).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
    await expect(scope.templates.update(id, { prompt: 'x' })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    await expect(scope.templates.remove(id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await place.rowsAs(userId, `update templates set prompt = 'stolen' where id = $1`, [id])
    await place.rowsAs(userId, `delete from templates where id = $1`, [id])
    for (const statement of [
      `insert into templates (user_id, name, type, prompt, is_custom) values ('system', 'x', 'blog', 'x', false)`,
      `insert into templates (user_id, name, type, prompt) values ('system', 'x', 'blog', 'x')`,
    ]) {
      await expect(place.rowsAs(userId, statement)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
  }
  const reading = ann.scope.reading(SYSTEM_USER_ID).templates
  await expect(reading.create({ name: 'x', type: 'blog', prompt: 'x' })).rejects.toMatchObject({
    code: 'TENANTRY_ISOLATION',
  })
  expect(await systems()).toEqual(before)
})

test('is_custom says whose a template is, and cannot say anything else', async () => {
  const { userId } = await user(place)
  for (const [statement, params] of [
    [
      `insert into templates (user_id, name, type, prompt, is_custom) values ($1, 'x', 'blog', 'x', false)`,
      [userId],
    ],
    [`insert into templates (user_id, name, type, prompt) values ('system', $1, 'blog', 'x')`, [userId]],
  ] as const) {
    await expect(place.rows(statement, params)).rejects.toMatchObject({
      constraint: 'templates_is_custom_check',
    })
  }
})

test('providing a template of the same name changes it', async () => {
  const { templates } = place.repostr.asService()
  const first = await templates.provide({ name: 'Caption', type: 'instagram', prompt: 'a' })
  expect(await templates.provide({ name: 'Caption', type: 'linkedin', prompt: 'b' })).toEqual({
    ...first,
    type: 'linkedin',
    prompt: 'b',
  })
  await place.repostr.asService().tenant(SYSTEM_USER_ID).templates.remove(first.id)
})
