/** Whatever steps led there, a database is the one that its declaration makes from nothing. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type DdlObject } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import {
  check,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { expect, it } from 'vitest'
import { generateMigration } from '../src/generate.ts'
import {
  dumpCatalog,
  grants,
  lockDown,
  materializedView,
  migrate,
  partitioned,
  policy,
  role,
  rowSecurity,
  schema,
  setNullColumns,
  sqlFunction,
  statement,
  touchUpdatedAt,
  trigger,
  view,
} from '../src/index.ts'
import { asPlainOwner, serverUrl, setup, type TestPlace } from './support.ts'

interface Version {
  readonly schema: Readonly<Record<string, unknown>>
  readonly objects: readonly DdlObject[]
}

const at = (name: string) => timestamp(name, { withTimezone: true }).notNull().defaultNow()

const usage = pgTable(
  'usage_tracking',
  { id: uuid('id').notNull(), userId: uuid('user_id').notNull(), createdAt: at('created_at') },
  (t) => [primaryKey({ columns: [t.id, t.createdAt] }), index('usage_user').on(t.userId, t.createdAt.desc())],
)

function versions(prefix: string): readonly Version[] {
  const [tenant, service, reader] = [`${prefix}_tenant`, `${prefix}_service`, `${prefix}_reader`]
  const currentUser = (args: { name: string; type: string }[], body: string) =>
    sqlFunction({
      schema: 'tenantry',
      name: 'current_user_id',
      args,
      returns: 'uuid',
      language: 'sql',
      volatility: 'stable',
      body,
      executableBy: [tenant],
    })
  const mine = (table: { name: string }, using: string) =>
    policy({ table, name: 'mine', as: 'permissive', command: 'all', to: [tenant], using, check: using })
  const roles = [
    role({ name: tenant }),
    role({ name: service }),
    schema({ name: 'tenantry', usableBy: [tenant] }),
  ]

  const pillars = pgTable(
    'pillars',
    {
      id: uuid('id').primaryKey(),
      userId: uuid('user_id').notNull(),
      name: text('name').notNull(),
      score: integer('score'),
      updatedAt: at('updated_at'),
    },
    (t) => [unique('pillars_user_id_id_key').on(t.userId, t.id)],
  )
  const topicColumns = {
    id: uuid('id').primaryKey(),
    userId: uuid('user_id').notNull(),
    pillarId: uuid('pillar_id'),
    body: text('body').notNull(),
  }
  const topics = pgTable('topics', topicColumns, (t) => [
    foreignKey({
      name: 'topics_pillar_fk',
      columns: [t.userId, t.pillarId],
      foreignColumns: [pillars.userId, pillars.id],
    }).onDelete('set null'),
  ])
  const first: Version = {
    schema: { pillars, topics, usage },
    objects: [
      ...roles,
      ...partitioned({ table: usage, by: 'created_at', every: 'month' }),
      setNullColumns(topics, 'topics_pillar_fk', ['pillar_id']),
      currentUser([], `select nullif(current_setting('app.user', true), '')::uuid`),
      sqlFunction({
        name: 'shout',
        args: [{ name: 'input', type: 'text' }],
        returns: 'text',
        language: 'sql',
        volatility: 'immutable',
        body: 'select upper(input)',
        beforeTables: true,
      }),
      sqlFunction({
        name: 'noop',
        returns: 'trigger',
        language: 'plpgsql',
        volatility: 'volatile',
        body: 'begin return new; end',
      }),
      view({ name: 'names', query: 'select id, name, score from public.pillars' }),
      materializedView({
        name: 'counts',
        query: 'select user_id, count(*) as n from public.pillars group by 1',
        owner: service,
        indexes: [{ name: 'counts_user', columns: ['user_id'], unique: true }],
      }),
      ...touchUpdatedAt([pillars]),
      trigger({
        table: topics,
        name: 'noop',
        timing: 'before',
        events: ['insert'],
        execute: { name: 'noop' },
      }),
      trigger({
        table: usage,
        name: 'noop',
        timing: 'before',
        events: ['insert'],
        execute: { name: 'noop' },
      }),
      ...[pillars, topics, usage].map((table) => rowSecurity({ table })),
      mine({ name: 'pillars' }, 'user_id = (select tenantry.current_user_id())'),
      policy({
        table: pillars,
        name: 'scored',
        as: 'restrictive',
        command: 'select',
        to: [tenant],
        using: 'score is not null',
      }),
      mine({ name: 'topics' }, 'user_id = (select tenantry.current_user_id())'),
      lockDown(pillars),
      grants({ table: pillars, to: tenant, privileges: { select: true, update: ['name', 'score'] } }),
      grants({ table: pillars, to: service, privileges: { select: true } }),
      grants({ table: topics, to: tenant, privileges: { select: true, insert: true } }),
      grants({ table: { name: 'names' }, to: tenant, privileges: { select: true } }),
      statement({
        id: 'index on shouted names',
        kind: 'finale',
        create: ['create index pillars_shout on public.pillars (public.shout(name))'],
        drop: ['drop index public.pillars_shout'],
      }),
    ],
  }

  // Bodies, arguments, conditions, grants, views and keys change; a table and a role come.
  const drafts = pgTable('drafts', { id: uuid('id').primaryKey(), userId: uuid('user_id').notNull() }, () => [
    check('drafts_v7', sql`id is not null`),
  ])
  const second: Version = {
    schema: { pillars, topics, usage, drafts },
    objects: [
      ...first.objects.filter(
        ({ id }) =>
          !/current_user_id|public\.noop|names|noop on|mine on public.pillars|grants on public.pillars|foreign key/.test(
            id,
          ),
      ),
      role({ name: reader }),
      schema({ name: 'reports', usableBy: [reader] }),
      currentUser(
        [{ name: 'setting', type: 'text' }],
        'select nullif(current_setting(setting, true), $$$$)::uuid',
      ),
      sqlFunction({
        name: 'noop',
        returns: 'trigger',
        language: 'plpgsql',
        volatility: 'volatile',
        security: 'definer',
        body: 'begin return null; end',
      }),
      view({ name: 'names', query: 'select name, id, upper(name) as loud from public.pillars' }),
      trigger({
        table: topics,
        name: 'noop',
        timing: 'after',
        events: ['update', 'delete'],
        execute: { name: 'noop' },
        enable: 'always',
      }),
      trigger({ table: usage, name: 'noop', timing: 'after', events: ['insert'], execute: { name: 'noop' } }),
      mine({ name: 'pillars' }, `user_id = (select tenantry.current_user_id('app.user'))`),
      grants({ table: pillars, to: tenant, privileges: { select: true, update: ['name'] } }),
      grants({ table: pillars, to: reader, privileges: { select: ['id', 'name'] } }),
      grants({ table: { name: 'names' }, to: reader, privileges: { select: true } }),
      rowSecurity({ table: drafts }),
    ].map((object) =>
      object.id === 'policy mine on public.topics'
        ? mine({ name: 'topics' }, `user_id = (select tenantry.current_user_id('app.user'))`)
        : object,
    ),
  }

  // A column that a policy and a view use changes its type, another goes; objects and a table go.
  const pillars3 = pgTable(
    'pillars',
    {
      id: uuid('id').primaryKey(),
      userId: uuid('user_id').notNull(),
      name: varchar('name', { length: 80 }).notNull(),
      updatedAt: at('updated_at'),
    },
    (t) => [unique('pillars_user_id_id_key').on(t.userId, t.id)],
  )
  const topics3 = pgTable('topics', topicColumns, (t) => [
    foreignKey({
      name: 'topics_pillar_fk',
      columns: [t.userId, t.pillarId],
      foreignColumns: [pillars3.userId, pillars3.id],
    }).onDelete('set null'),
  ])
  const third: Version = {
    schema: { pillars: pillars3, topics: topics3, usage },
    objects: [
      ...second.objects.filter(({ id }) => !/scored|counts|reports|drafts|lock down|index on/.test(id)),
      setNullColumns(topics3, 'topics_pillar_fk', ['pillar_id']),
      statement({
        id: 'index on shouted names',
        kind: 'finale',
        create: ['create index pillars_shout on public.pillars (public.shout(name::text), id)'],
        drop: ['drop index public.pillars_shout'],
      }),
    ],
  }
  const last: Version = {
    schema: { pillars: pillars3, usage },
    objects: [...partitioned({ table: usage, by: 'created_at', every: 'month' })],
  }
  return [first, second, third, last, first]
}

async function apply(place: Pick<TestPlace, 'driver'>, version: Version, directory: string): Promise<void> {
  await generateMigration({ name: 'app', ...version, directory })
  await migrate(place.driver, { system: 'app', migrations: directory })
}

it.skipIf(serverUrl === null)('a database migrated step by step equals one made from nothing', async () => {
  await using place = await setup()
  const schemas = ['public', 'tenantry', 'reports']
  for (const [step, version] of versions(place.prefix).entries()) {
    await apply(place, version, join(place.folder, 'steps'))
    await using fresh = await place.another()
    mkdirSync(join(fresh.folder, 'fresh'))
    await apply(fresh, version, join(fresh.folder, 'fresh'))
    const [stepwise, atOnce] = [
      await dumpCatalog(place.driver, { schemas }),
      await dumpCatalog(fresh.driver, { schemas }),
    ]
    expect(stepwise, `version ${step}`).toEqual(atOnce)
    // The dump has something to compare, and generating again finds nothing to do.
    expect(Object.keys(stepwise.tables).length).toBeGreaterThan(2)
    expect(
      await generateMigration({ name: 'app', ...version, directory: join(place.folder, 'steps') }),
    ).toEqual({ file: null, text: null })
  }
})

it.skipIf(serverUrl === null)('the embedded server gets the same catalog as a real one', async () => {
  await using place = await setup()
  const embedded = await connect('memory://')
  const [first] = versions(place.prefix)
  if (first === undefined) throw new Error('no version')
  const schemas = ['public', 'tenantry']
  try {
    await apply(place, first, join(place.folder, 'system'))
    await migrate(embedded.driver, { system: 'app', migrations: join(place.folder, 'system') })
    expect(await dumpCatalog(embedded.driver, { schemas })).toEqual(
      await dumpCatalog(place.driver, { schemas }),
    )
  } finally {
    await embedded.close()
  }
})

it.skipIf(serverUrl === null)('an owner who is no superuser can take every step', async () => {
  await using place = await setup()
  const owner = await asPlainOwner(place)
  try {
    for (const version of versions(place.prefix)) {
      await apply({ driver: owner.driver }, version, join(place.folder, 'steps'))
    }
    const { tables } = await dumpCatalog(owner.driver, { schemas: ['public'] })
    expect(new Set(Object.values(tables).map((table) => table.owner))).toEqual(new Set(['migrator']))
  } finally {
    await owner.close()
  }
})
