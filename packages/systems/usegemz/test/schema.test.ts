/** The migrated database against the specification. */
import { readFileSync, writeFileSync } from 'node:fs'
import { dumpCatalog } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import {
  apartFromKit,
  type CatalogConstraint,
  type CatalogIndex,
  columnsOf,
  condition,
  constraintsOf,
  functionsOf,
  indexesOf,
  policiesOf,
  relationsOf,
  superfluous,
  tenantConditions,
  triggersOf,
  unindexed,
} from '@tenantry/testing/catalog'
import { MODULE_TABLES, moduleTablesOf } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { usegemz } from '../src/index.ts'
import { migrations } from '../src/migrations.ts'
import {
  CHECKS,
  COLUMNS,
  COMMANDS,
  FOREIGN_KEYS,
  FUNCTIONS,
  GLOBAL_UNIQUES,
  INDEXES,
  KIT_FUNCTIONS,
  KIT_TRIGGERS,
  OTHER_CHECKS,
  PRIMARY_KEYS,
  RETAINED,
  TRIGGERS,
} from './specification.ts'
import { type GemsDatabase, gemsDatabase } from './support/gems.ts'

let place: GemsDatabase
let constraints: CatalogConstraint[]
let indexes: CatalogIndex[]
beforeAll(async () => {
  place = await gemsDatabase()
  constraints = await constraintsOf(place)
  indexes = await indexesOf(place)
})
afterAll(() => place?.close())

describe('the migrated catalog', () => {
  test('has every documented table and column, with its type, nullability and default, and no other', async () => {
    expect(await columnsOf(place)).toEqual(COLUMNS)
  })

  test('has row security forced on every table, and no view', async () => {
    const relations = await relationsOf(place)
    expect(relations.map(({ name }) => name)).toEqual(Object.keys(COLUMNS).toSorted())
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

  test('has every documented CHECK, with exactly its values', () => {
    const checks = constraints.filter(({ type }) => type === 'c')
    const short = checks.filter(({ name }) => !OTHER_CHECKS.includes(name))
    expect(Object.fromEntries(short.map((each) => [each.name, condition(each.definition)]))).toEqual(CHECKS)
    expect(checks).toHaveLength(short.length + OTHER_CHECKS.length)
  })

  test.each(Object.entries(INDEXES))(
    'serves %s: same leading keys, order and predicate',
    (name, { table, keys, unique = false, where = null }) => {
      const index = indexes.find((each) => each.name === name)
      expect(index).toMatchObject({ table, method: 'btree', unique, where })
      expect(index?.keys.slice(0, keys.length)).toEqual(keys)
    },
  )

  test('has no index too many, and none too few for its foreign keys', () => {
    expect(superfluous(indexes)).toEqual([])
    expect(unindexed(constraints, indexes)).toEqual([])
  })

  test('has the tenant in every unique key that is not primary, but where there is no tenant', () => {
    const primary = new Set(constraints.filter(({ type }) => type === 'p').map(({ name }) => name))
    const without = indexes.filter(
      ({ name, unique, keys }) => unique && !primary.has(name) && !keys.includes('user_id'),
    )
    expect(without.map(({ name }) => name)).toEqual(GLOBAL_UNIQUES)
  })

  test('has every trigger that keeps a rule, enabled, and every function, for whom it is meant', async () => {
    expect((await triggersOf(place)).filter((text) => text.includes('BEFORE'))).toEqual(TRIGGERS)
    const announcing = await place.rows(`
      select tgrelid::regclass::text || ': ' || tgname as name from pg_trigger
      where not tgisinternal and tgtype & 2 = 0 and tgenabled = 'O' order by 1`)
    expect(announcing.map(({ name }) => name)).toEqual([
      'scraping_jobs: announce_inserted_status',
      'system_configurations: announce_changes',
      'user_profiles: limit_of_erased_people',
    ])
    const kit = await place.rows(`
      select tgrelid::regclass::text || ': ' || tgname as name from pg_trigger
      join pg_class on pg_class.oid = tgrelid
      where relnamespace = 'public'::regnamespace and not tgisinternal and tgenabled = 'A' order by 1`)
    expect(kit.map(({ name }) => name)).toEqual(KIT_TRIGGERS)
    const functions = apartFromKit(await functionsOf(place))
    expect(functions.own).toEqual(FUNCTIONS)
    expect(functions.kit.filter((each) => !each.endsWith(' for nobody'))).toEqual(KIT_FUNCTIONS)
  })

  test('has the tables of plans, windows and retention, of which a person reads the own counts alone', async () => {
    const found = await moduleTablesOf(place)
    expect(found.map(({ name }) => name)).toEqual(
      ['api_call_windows', ...MODULE_TABLES.plans, ...MODULE_TABLES.retention].toSorted(),
    )
    expect(found.filter(({ forced }) => !forced)).toEqual([])
    expect(found.filter(({ readable }) => readable).map(({ name }) => name)).toEqual([
      'api_call_windows',
      'limit_counters',
    ])
  })

  test('has a restrictive policy for each command, and a permissive one for each that a person may use', async () => {
    const expected = Object.entries(COMMANDS).map(([table, commands]) => [
      table,
      [
        'tenant_definer for select to tenantry_definer',
        ...(RETAINED[table] === undefined
          ? []
          : ['select', ...RETAINED[table]].map(
              (command) => `retention_${command} for ${command} to tenantry_retention`,
            )),
        'RESTRICTIVE tenant_isolation for select to tenantry_tenant',
        ...(table === 'system_configurations'
          ? []
          : ['insert', 'update', 'delete'].map(
              (command) => `RESTRICTIVE tenant_isolation_${command} for ${command} to tenantry_tenant`,
            )),
        'tenant_service for all to tenantry_service',
        ...commands.map((command) => `tenant_${command} for ${command} to tenantry_tenant`),
      ].toSorted(),
    ])
    const policies = Object.entries(await policiesOf(place)).map(([table, each]) => [table, each.toSorted()])
    expect(policies).toEqual(expected)
  })

  test('has no policy for people with another condition than the tenant’s, or the reader’s', async () => {
    const own = 'tenantry.current_user_text()'
    expect(await tenantConditions(place)).toEqual([
      '( SELECT tenantry.current_user_reads_all() AS current_user_reads_all)',
      `((user_id >= ( SELECT tenantry.first_readable(${own}) AS first_readable)) AND (user_id <= ( SELECT tenantry.last_readable(${own}) AS last_readable)))`,
      `(user_id = ( SELECT ${own} AS current_user_text))`,
    ])
  })

  test('says of the legacy tables that they are deprecated', async () => {
    expect(
      await place.rows(`select relname as name from pg_class
        where obj_description(oid, 'pg_class') like 'Deprecated:%' order by 1`),
    ).toEqual([{ name: 'search_jobs' }, { name: 'search_results' }])
  })
})

test('nothing is declared that the migrations do not make', async () => {
  const { name, objects, schema } = usegemz.definition
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
