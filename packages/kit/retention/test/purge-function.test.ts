import { createdAt, deletedAt, id, instant } from '@tenantry/core'
import { defineTenancy, tenancyObjects } from '@tenantry/rls'
import { sql } from 'drizzle-orm'
import { foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineRetention, placeHold, purgeFunction, retention } from '../src/index.ts'
import { moduleTableObjects } from './support/documents.ts'
import { createPlace, type Place } from './support/firm-place.ts'

const [ANNA, BERT] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b']

const letters = pgTable(
  'letters',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    /** Called as variables of a function might be. */
    startedAt: instant('started_at'),
    total: integer('total'),
    updatedAt: instant('updated_at').notNull(),
    deletedAt: deletedAt(),
  },
  (table) => [
    unique('letters_user').on(table.userId, table.id),
    index('letters_updated').on(table.updatedAt),
    index('letters_deleted').on(table.deletedAt),
  ],
)
const versions = pgTable(
  'versions',
  { id: id(), userId: uuid('user_id').notNull(), letterId: uuid('letter_id').notNull() },
  (table) => [
    index('versions_letter').on(table.userId, table.letterId),
    foreignKey({
      columns: [table.userId, table.letterId],
      foreignColumns: [letters.userId, letters.id],
    }).onDelete('cascade'),
  ],
)
const sessions = pgTable(
  'sessions',
  { id: id(), userId: uuid('user_id').notNull(), createdAt: createdAt() },
  (table) => [index('sessions_created').on(table.createdAt)],
)
const policies = pgTable('policies', {
  rule: text('rule').primaryKey(),
  days: integer('days'),
  state: text('state'),
})
const schema = { letters, versions, sessions, policies }
const own = { class: 'tenant', column: 'userId' } as const
const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  tables: { letters: own, versions: own, sessions: own, policies: { class: 'internal' } },
})
const any = { maxFraction: null }
const letterRule = defineRetention(letters, {
  age: { column: 'updatedAt', days: 365 },
  action: { kind: 'soft-delete-then-purge', column: 'deletedAt', purgeAfterDays: 30 },
  floors: any,
})
const sessionRule = defineRetention(sessions, {
  age: { column: 'createdAt', days: 10 },
  where: sql`${sessions.userId} is not null`,
  action: 'delete',
  floors: { minimumDays: 5, maxFraction: 0.7 },
})
const declared = { rules: [letterRule, sessionRule], schema, tenants: tenancy.tables }
const rules = retention({
  ...declared,
  policy: {
    reads: [policies],
    async resolve(connection, { name }) {
      const { rows } = await connection.query({
        text: 'select days, state from policies where rule = $1',
        params: [name],
      })
      const [days, state] = rows[0] ?? []
      return { days: days === null || days === undefined ? null : Number(days), paused: state === 'paused' }
    },
  },
})
const purge = purgeFunction({
  ...declared,
  name: 'purge',
  policy: ({ name }) => ({
    days: `(select days from public.policies where rule = '${name}')`,
    paused: `(select state = 'paused' from public.policies where rule = '${name}')`,
  }),
})

let place: Place
beforeEach(async () => {
  place = await createPlace('purge', {
    schema,
    module: rules.module,
    objects: [
      ...tenancyObjects(tenancy),
      ...rules.module.objects,
      ...moduleTableObjects(rules.module),
      purge,
    ],
  })
  await place.raw(
    `insert into sessions (user_id, created_at)
     select case when n % 2 = 0 then '${ANNA}'::uuid else '${BERT}' end, now() - (n - 0.5) * interval '1 day'
     from generate_series(1, 20) as n`,
  )
  // Of each: fresh, old, marked lately, marked long ago.
  for (const user of [ANNA, BERT]) {
    await place.raw(
      `with made as (
         insert into letters (user_id, updated_at, deleted_at) values
           ($1, now() - interval '364 days', null), ($1, now() - interval '366 days', null),
           ($1, now() - interval '400 days', now() - interval '29 days'),
           ($1, now() - interval '400 days', now() - interval '31 days')
         returning id
       )
       insert into versions (user_id, letter_id) select $1, id from made`,
      user,
    )
  }
})
afterEach(() => place.close())

const apply = async (of = 'null', role = 'tenantry_service'): Promise<unknown> =>
  place.database.driver.transaction(
    { preamble: [{ text: `select set_config('role', $1, true)`, params: [role] }] },
    async (connection) => {
      const [row] = (await connection.query({ text: `select tenantry.purge(${of})::text`, params: [] })).rows
      return JSON.parse(String(row?.[0]))
    },
  )
const marked = () =>
  place.raw('select user_id::text, count(*)::int, count(deleted_at)::int from letters group by 1 order by 1')

describe('rules as a function', () => {
  it('change what a run would, and answer by how much; again, nothing', async () => {
    const plan = await rules.plan(place.database)
    expect(plan.map(({ rule, phases }) => [rule, phases.map(({ effect, rows }) => [effect, rows])])).toEqual([
      [
        'letters',
        [
          ['purge', 2],
          ['soft-delete', 2],
        ],
      ],
      ['sessions', [['delete', 10]]],
    ])
    expect(await apply()).toEqual({ letters: 4, sessions: 10 })
    expect(await marked()).toEqual([
      [ANNA, 3, 2],
      [BERT, 3, 2],
    ])
    expect(await place.value('select count(*)::int from versions')).toBe(6)
    expect(await place.raw('select effect, changed from tenantry.retention_batches order by effect')).toEqual(
      [
        ['delete', 10],
        ['purge', 2],
        ['soft-delete', 2],
      ],
    )
    expect(
      (await rules.status(place.database)).map(({ lastRun, backlogRows }) => [lastRun?.changed, backlogRows]),
    ).toEqual([
      [4, 0],
      [10, 0],
    ])
    expect(await apply()).toEqual({ letters: 0, sessions: 0 })
  })

  it('are applied one by one where they are named', async () => {
    expect(await apply(`'{sessions}'`)).toEqual({ sessions: 10 })
    expect(await marked()).toEqual([
      [ANNA, 4, 2],
      [BERT, 4, 2],
    ])
  })

  it('heed a policy that is longer, one that is below the floor, and one that pauses', async () => {
    await place.raw(`insert into policies values ('sessions', 12, null), ('letters', null, 'paused')`)
    expect(await apply()).toEqual({ sessions: 8 })
    await place.raw(`update policies set days = 1 where rule = 'sessions'`)
    expect(await apply()).toEqual({ sessions: 7 })
  })

  it('keep what a hold reaches, also through what hangs on it', async () => {
    const [[version] = []] = await place.raw(
      `select id from versions where letter_id in (select id from letters where user_id = '${BERT}' and deleted_at < now() - interval '30 days')`,
    )
    await placeHold(place.service, { tenant: ANNA, reason: 'matter 12', by: 'counsel' })
    await placeHold(place.service, {
      table: versions,
      row: { id: version },
      reason: 'matter 13',
      by: 'counsel',
    })
    expect(await apply()).toEqual({ letters: 1, sessions: 5 })
    expect(await marked()).toEqual([
      [ANNA, 4, 2],
      [BERT, 4, 3],
    ])
  })

  it('take no more than the share of a rule: then nothing is changed at all', async () => {
    await place.raw(`delete from sessions where created_at > now() - interval '8 days'`)
    await expect(apply()).rejects.toMatchObject({
      cause: { message: expect.stringContaining('more than 0.7') },
    })
    expect(await place.value('select count(*)::int from sessions')).toBe(12)
    expect(await place.value('select count(*)::int from letters')).toBe(8)
  })

  it.each([
    ['of its table', 'sessions', 'sessions'],
    ['that a hold may name, and that hang on its own', 'versions', 'letters'],
  ])('are refused where a policy hides rows %s: nothing is changed at all', async (_what, table, rule) => {
    await place.raw(`create policy own on ${table} as restrictive using (user_id = '${ANNA}')`)
    await expect(apply(`'{${rule}}'`)).rejects.toMatchObject({
      cause: { message: expect.stringMatching(new RegExp(`row security hides rows of .*${table}`)) },
    })
    expect(await place.value('select count(*)::int from sessions')).toBe(20)
    expect(await place.value('select count(*)::int from letters')).toBe(8)
    await place.raw(`alter policy own on ${table} to pg_monitor`)
    expect(await apply()).toEqual({ letters: 4, sessions: 10 })
  })

  it('leave a rule that a worker has to that worker', async () => {
    await place.raw(
      `insert into tenantry.retention_leases (rule, fence, expires_at) values ('sessions', 7, now() + interval '1 hour')`,
    )
    expect(await apply()).toEqual({ letters: 4 })
  })

  it('are the service role’s, in a transaction that sees every hold', async () => {
    await expect(apply('null', 'tenantry_tenant')).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await expect(
      place.database.driver.transaction({ isolation: 'repeatable read' }, (connection) =>
        connection.query({ text: 'select tenantry.purge()', params: [] }),
      ),
    ).rejects.toMatchObject({ cause: { message: expect.stringContaining('READ COMMITTED') } })
  })
})

it('a function is refused for what only the engine can do', () => {
  const archived = defineRetention(sessions, {
    age: { column: 'createdAt', days: 10 },
    action: 'archive-then-delete',
  })
  expect(() => purgeFunction({ ...declared, name: 'x', rules: [archived] })).toThrow('archive-then-delete')
  const parents = pgTable('parents', { id: id(), createdAt: createdAt() })
  const children = pgTable('children', { id: id(), parentId: uuid('parent_id').references(() => parents.id) })
  const parentRule = defineRetention(parents, { age: { column: 'createdAt', days: 10 }, action: 'delete' })
  expect(() =>
    purgeFunction({ name: 'x', rules: [parentRule], schema: { parents, children }, tenants: [] }),
  ).toThrow('holds rows in place')
})
