/** Wrong input is a clear error that names the field, and nothing is written. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { repostr } from '../src/index.ts'
import { type Place, repostrDatabase, type Scope, user, type User } from './support/place.ts'

let place: Place
let of: User
beforeAll(async () => {
  place = await repostrDatabase()
})
afterAll(() => place?.close())
beforeEach(async () => {
  of = await user(place)
})

const everything = () =>
  place.rows(`select (select count(*)::int from profiles) as profiles, (select count(*)::int from projects) as projects,
    (select count(*)::int from files) as files, (select count(*)::int from outputs) as outputs,
    (select count(*)::int from templates) as templates`)

/** As a program without types would call it. */
const loosely = (value: unknown) => value as never

const CALLS: readonly (readonly [string, (scope: Scope, id: string) => Promise<unknown>, string])[] = [
  ['a project without a title', ({ projects }) => projects.create(loosely({})), 'title'],
  [
    'a project of another’s',
    ({ projects }) => projects.create(loosely({ title: 'x', userId: 'user_2' })),
    'userId',
  ],
  [
    'an id that is chosen',
    ({ projects }) => projects.create(loosely({ title: 'x', id: crypto.randomUUID() })),
    'id',
  ],
  ['a title with half a character', ({ projects }) => projects.create({ title: 'x\ud83d' }), 'title'],
  ['an unknown sort', ({ projects }) => projects.list(loosely({ sort: [{ nothing: 'asc' }] })), 'sort'],
  [
    'a kind that is none',
    ({ outputs }, id) => outputs.request(loosely({ projectId: id, kind: 'video' })),
    'kind',
  ],
  [
    'a status that is brought along',
    ({ outputs }, id) => outputs.create(loosely({ projectId: id, kind: 'blog', status: 'completed' })),
    'status',
  ],
  [
    'a request that is no object',
    ({ outputs }, id) => outputs.request(loosely({ projectId: id, kind: 'blog', request: 'AI' })),
    'request',
  ],
  [
    'an extension that leads elsewhere',
    ({ files }, id) => files.register({ projectId: id, extension: '/..' }),
    'extension',
  ],
  ['a path that is moved', ({ files }, id) => files.update(id, loosely({ path: `x/${id}/a` })), 'path'],
  ['preferences with a NUL', ({ profiles }) => profiles.prefer({ theme: 'a\0' }), ''],
  ['preferences that are a list', ({ profiles }) => profiles.prefer(loosely(['en'])), ''],
  [
    'a template that calls itself the system’s',
    ({ templates }) => templates.create(loosely({ name: 'a', type: 'blog', prompt: 'x', isCustom: false })),
    'isCustom',
  ],
  ['a template of no type', ({ templates }) => templates.available(loosely({ type: 'fax' })), 'type'],
  ['an id that is none', ({ projects }) => projects.contents("' or true --"), 'id'],
]

describe('refused, with its field and nothing written:', () => {
  test.each(CALLS)('%s', async (_, call, field) => {
    const before = await everything()
    const error: unknown = await call(of.scope, of.project.id).catch((refusal: unknown) => refusal)
    expect(error).toMatchObject({ code: 'TENANTRY_VALIDATION' })
    const paths = (error as { issues: readonly { path: string }[] }).issues.map(({ path }) => path)
    expect(
      paths.some((path) => path === field || path.startsWith(`${field}.`)),
      paths.join(),
    ).toBe(true)
    expect(await everything()).toEqual(before)
  })
})

test('a cursor of another user is refused', async () => {
  for (const title of ['a', 'b']) await of.scope.projects.create({ title })
  const { nextCursor } = await of.scope.projects.list({ limit: 1 })
  const other = await user(place)
  await expect(other.scope.projects.list({ limit: 1, cursor: nextCursor })).rejects.toMatchObject({
    code: 'TENANTRY_CURSOR',
  })
})

test.each(['', 'a\0b', 'half \ud83d', undefined, 7])('a user with the id %j is refused', (userId) => {
  expect(() => repostr(place.database).as(loosely({ userId }))).toThrow(/userId/)
})

test('an id with quotes and SQL in it is an id like any other', async () => {
  const userId = `user_'"; drop table projects; -- $$ \\`
  const scope = place.repostr.as({ userId })
  const project = await scope.projects.create({ title: 'x' })
  const file = await scope.files.register({ projectId: project.id, extension: 'mp3' })
  expect(file.path.startsWith(`${userId}/${project.id}/`)).toBe(true)
  expect(await scope.projects.count()).toBe(1)
  expect(await of.scope.projects.count()).toBe(1)
})
