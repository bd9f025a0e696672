import {
  apartFromKit,
  type CatalogConstraint,
  type CatalogIndex,
  columnsOf,
  constraintsOf,
  enumsOf,
  functionsOf,
  indexesOf,
  policiesOf,
  relationsOf,
  superfluous,
  tenantConditions,
  triggersOf,
  unindexed,
} from '@tenantry/testing/catalog'
import { dumpCatalog } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { MODULE_TABLES, moduleTablesOf } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repostr } from '../src/index.ts'
import { migrations } from '../src/migrations.ts'
import {
  COLUMNS,
  DOCUMENTED_POLICIES,
  ENUMS,
  FOREIGN_KEYS,
  FUNCTIONS,
  INDEXES,
  KIT_FUNCTIONS,
  KIT_TRIGGERS,
  PRIMARY_KEYS,
  TRIGGERS,
} from './specification.ts'
import { NOBODY, type Place, repostrDatabase } from './support/place.ts'

let place: Place
let constraints: CatalogConstraint[]
let indexes: CatalogIndex[]
beforeAll(async () => {
  place = await repostrDatabase()
  constraints = await constraintsOf(place)
  indexes = await indexesOf(place)
})
afterAll(() => place?.close())

describe('the migrated catalog', () => {
  test('has every documented enum, with its labels in order, and no other', async () => {
    expect(await enumsOf(place)).toEqual(ENUMS)
  })

  test('has every documented table and column, with its type, nullability and default, and no other', async () => {
    expect(await columnsOf(place)).toEqual(COLUMNS)
  })

  test('has row security forced on every table, and no view', async () => {
    const relations = await relationsOf(place)
    expect(relations.filter(({ kind, forced }) => kind !== 'table' || !forced)).toEqual([])
  })

  test('has every documented key, with the tenant in each reference and its documented action', () => {
    const of = (type: string, words: string) =>
      constraints
        .filter((each) => each.type === type)
        .map(({ table, definition }) => `${table} ${definition.replace(words, '')}`)
        .toSorted()
    expect(of('p', 'PRIMARY KEY ')).toEqual(PRIMARY_KEYS)
    expect(of('f', 'FOREIGN KEY ')).toEqual(FOREIGN_KEYS)
  })

  test.each(INDEXES.map((index) => [`${index.table} (${index.keys.join(', ')})`, index] as const))(
    'serves the index %s',
    (_, { table, keys, unique }) => {
      const serves = indexes.filter(
        (index) =>
          index.table === table &&
          index.method === 'btree' &&
          index.where === null &&
          (unique === undefined || index.unique) &&
          index.keys.slice(0, keys.length).join() === keys.join(),
      )
      expect(serves).not.toEqual([])
    },
  )

  test('has no index too many, and none too few for its foreign keys', () => {
    expect(superfluous(indexes)).toEqual([])
    expect(unindexed(constraints, indexes)).toEqual([])
  })

  test('has the tenant in every unique key that is not primary', () => {
    const primary = new Set(constraints.filter(({ type }) => type === 'p').map(({ name }) => name))
    const without = indexes.filter(
      ({ name, unique, keys }) => unique && !primary.has(name) && !keys.includes('user_id'),
    )
    expect(without).toEqual([])
  })

  test('has every documented trigger and function, and no other', async () => {
    const triggers = apartFromKit(await triggersOf(place))
    expect(triggers.own).toEqual(TRIGGERS)
    expect(triggers.kit).toEqual(KIT_TRIGGERS)
    const functions = apartFromKit(await functionsOf(place))
    expect(functions.own).toEqual(FUNCTIONS)
    expect(functions.kit.filter((each) => !each.endsWith(' for nobody'))).toEqual(KIT_FUNCTIONS)
  })

  test('has the tables of plans and retention, of which a user reads the own counters alone', async () => {
    const found = await moduleTablesOf(place)
    expect(found.map(({ name }) => name)).toEqual(
      [...MODULE_TABLES.plans, ...MODULE_TABLES.retention].toSorted(),
    )
    expect(found.filter(({ forced }) => !forced)).toEqual([])
    expect(found.filter(({ readable }) => readable).map(({ name }) => name)).toEqual(['limit_counters'])
  })

  test('has every documented policy by its name and command', async () => {
    const policies = await policiesOf(place)
    for (const [table, documented] of Object.entries(DOCUMENTED_POLICIES)) {
      const permissive = policies[table]?.filter((each) => /^\w+ for \w+ to tenantry_tenant$/.test(each))
      const shared = table === 'templates' ? ['templates_shared_select for select'] : []
      expect(permissive?.map((each) => each.replace(' to tenantry_tenant', ''))).toEqual([
        ...documented,
        ...shared,
      ])
      expect(policies[table]?.filter((each) => each.startsWith('RESTRICTIVE'))).not.toEqual([])
    }
    expect(policies['schema_versions']).toEqual([
      'schema_versions_definer_select for select to tenantry_definer',
      'schema_versions_service_all for all to tenantry_service',
    ])
  })

  test('has no policy for users with another condition than the tenant’s, but for shared templates', async () => {
    const own = '(user_id = ( SELECT tenantry.current_user_text() AS current_user_text))'
    const shared = `( SELECT CASE WHEN (tenantry.current_user_text() IS NOT NULL) THEN 'system'::text ELSE NULL::text END AS "case")`
    expect((await tenantConditions(place)).toSorted()).toEqual(
      [
        own,
        `(${own} AND (user_id <> 'system'::text))`,
        `(user_id = ANY (ARRAY[( SELECT tenantry.current_user_text() AS current_user_text), ${shared}]))`,
        `(user_id = ${shared})`,
      ].toSorted(),
    )
  })

  test('says which version of the specification it has', async () => {
    expect(await place.rows('select version from schema_versions')).toEqual([{ version: '1.0.0' }])
  })
})

test('nothing is open: the live database is what is declared', async () => {
  expect(await place.repostr.verify()).toEqual([])
})

test('nothing is declared that the migrations do not make', async () => {
  const { name, objects, schema } = repostr.definition
  expect(await generateMigration({ name, objects, schema, directory: migrations, dryRun: true })).toEqual({
    file: null,
    text: null,
  })
})

describeOnServer('the committed snapshot of the catalog', () => {
  test('is what a fresh migration makes: a change to the database is seen in review', async () => {
    const file = new URL('catalog.json', migrations)
    const catalog = await dumpCatalog(place.database.driver, { schemas: ['public', 'tenantry'] })
    if (process.env['UPDATE_CATALOG'] === '1') writeFileSync(file, `${JSON.stringify(catalog, null, 2)}\n`)
    expect(catalog).toEqual(JSON.parse(readFileSync(file, 'utf8')))
  })
})

describe('the path of a file', () => {
  const project = async (userId: string) => {
    const [row] = await place.rows<{ id: string }>(
      `insert into projects (user_id, title) values ($1, 'x') returning id`,
      [userId],
    )
    return row?.id ?? ''
  }
  const file = (userId: string, projectId: string, path: string) =>
    place.rows('insert into files (user_id, project_id, path) values ($1, $2, $3) returning path', [
      userId,
      projectId,
      path,
    ])

  test('begins with its user and project, and goes on with one name', async () => {
    const id = await project('user_ann')
    expect(await file('user_ann', id, `user_ann/${id}/660e8400.mp3`)).toHaveLength(1)
    for (const path of [
      '660e8400.mp3',
      `user_ben/${id}/a.mp3`,
      `user_ann/${NOBODY}/a.mp3`,
      `user_ann/${id}`,
      `user_ann/${id}/`,
      `user_ann/${id}/..`,
      `user_ann/${id}/../a.mp3`,
      `user_ann/${id}/b/a.mp3`,
      `user_an_/${id}/a.mp3`,
      ` user_ann/${id}/a.mp3`,
    ]) {
      await expect(file('user_ann', id, path), path).rejects.toMatchObject({ constraint: 'files_path_check' })
    }
  })

  test('is one file’s', async () => {
    const id = await project('user_ann')
    await file('user_ann', id, `user_ann/${id}/twice.mp3`)
    await expect(file('user_ann', id, `user_ann/${id}/twice.mp3`)).rejects.toMatchObject({
      constraint: 'files_path_key',
    })
  })

  test('is nobody else’s, even where an id looks like a path', async () => {
    const own = await project('user_ann')
    const odd = `user_ann/${own}`
    const other = await project(odd)
    const path = `${odd}/${other}/a.mp3`
    expect(await file(odd, other, path)).toEqual([{ path }])
    await expect(file('user_ann', own, path)).rejects.toMatchObject({ constraint: 'files_path_check' })
  })
})

test('a project goes with its files, outputs and archived outputs', async () => {
  const counts = () =>
    place.rows(`select (select count(*)::int from files where user_id = 'user_gone') as files,
      (select count(*)::int from outputs where user_id = 'user_gone') as outputs,
      (select count(*)::int from outputs_archive where user_id = 'user_gone') as archived`)
  await place.rows(`
    with project as (insert into projects (user_id, title) values ('user_gone', 'x') returning id),
      file as (insert into files (user_id, project_id, path)
        select 'user_gone', id, 'user_gone/' || id || '/a' from project),
      output as (insert into outputs (user_id, project_id, kind) select 'user_gone', id, 'blog' from project)
    insert into outputs_archive (user_id, project_id, kind) select 'user_gone', id, 'blog' from project`)
  expect(await counts()).toEqual([{ files: 1, outputs: 1, archived: 1 }])
  await place.rows(`delete from projects where user_id = 'user_gone'`)
  expect(await counts()).toEqual([{ files: 0, outputs: 0, archived: 0 }])
})

test('a reference to another user’s project fails like one to a missing project', async () => {
  const [theirs] = await place.rows<{ id: string }>(
    `insert into projects (user_id, title) values ('user_ben', 'x') returning id`,
  )
  const insert = (id: string | undefined) =>
    place
      .rowsAs('user_ann', `insert into outputs (user_id, project_id, kind) values ('user_ann', $1, 'blog')`, [
        id,
      ])
      .then(
        () => 'written',
        (error: { code: string; message: string; constraint: string }) =>
          `${error.code} ${error.message} ${error.constraint}`,
      )
  expect(await insert(theirs?.id)).toBe(await insert(NOBODY))
  expect(await insert(NOBODY)).toContain('TENANTRY_FOREIGN_KEY')
})

test('updated_at is the time of every change, whoever writes', async () => {
  await place.rows(`insert into profiles (user_id) values ('user_touched')`)
  await place.rows(`insert into projects (user_id, title) values ('user_touched', 'x')`)
  await place.rows(`insert into outputs (user_id, project_id, kind)
    select user_id, id, 'blog' from projects where user_id = 'user_touched'`)
  for (const table of ['profiles', 'projects', 'outputs']) {
    expect(
      await place.rows(`update ${table} set updated_at = '2001-01-01' where user_id = 'user_touched'
        returning updated_at = now() as now`),
      table,
    ).toEqual([{ now: true }])
  }
})
