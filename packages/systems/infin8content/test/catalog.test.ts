/** The migrated database against the specification. */
import { readFileSync, writeFileSync } from 'node:fs'
import { dumpCatalog } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { MODULE_TABLES, moduleTablesOf } from '@tenantry/testing'
import {
  type CatalogConstraint,
  type CatalogIndex,
  columnsOf,
  condition,
  constraintsOf,
  indexesOf,
  policiesOf,
  relationsOf,
  superfluous,
  unindexed,
} from '@tenantry/testing/catalog'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { infin8content } from '../src/index.ts'
import { migrations } from '../src/migrations.ts'
import {
  COLUMNS,
  COMMANDS,
  FOREIGN_KEYS,
  INDEXES,
  LIMIT_TRIGGERS,
  LISTS,
  PRIMARY_KEYS,
  RETENTION_DELETES,
  ROLE_POLICIES,
  UNIQUES,
} from './specification.ts'
import { type ContentDatabase, contentDatabase } from './support/content.ts'

let place: ContentDatabase
let constraints: CatalogConstraint[]
let indexes: CatalogIndex[]
beforeAll(async () => {
  place = await contentDatabase()
  constraints = await constraintsOf(place)
  indexes = await indexesOf(place)
})
afterAll(() => place?.close())

const ofType = (type: CatalogConstraint['type']) => constraints.filter((each) => each.type === type)

describe('the migrated catalog', () => {
  test('has every documented table and column, with its type, nullability and default, and no other', async () => {
    const found = Object.entries(await columnsOf(place)).map(([table, columns]) => [
      table,
      columns.map((column) => column.replaceAll(/\s+/g, ' ')),
    ])
    expect(Object.fromEntries(found)).toEqual(COLUMNS)
  })

  test('has row security forced on every table, and nothing beside tables', async () => {
    const relations = await relationsOf(place)
    expect(relations.map(({ name, kind, forced }) => [name, kind, forced])).toEqual(
      Object.keys(COLUMNS)
        .toSorted()
        .map((name) => [name, 'table', true]),
    )
  })

  test('has every documented primary key', () => {
    const keys = ofType('p').map((each) => `${each.table} ${each.definition.replace('PRIMARY KEY ', '')}`)
    expect(keys).toEqual(PRIMARY_KEYS)
  })

  test('limits every documented column to exactly its list', () => {
    const lists = ofType('c').flatMap((each) => {
      const text = condition(each.definition).replace(/^\((\w+) = '(\w+)'::text\)$/, '$1: $2')
      const [, column, values] = /^(\w+): (.*)$/.exec(text) ?? []
      return column === undefined ? [] : [[`${each.table}.${column}`, values]]
    })
    expect(Object.fromEntries(lists)).toEqual(LISTS)
  })

  test('has every documented foreign key, with the organization in it and its documented action', () => {
    const keys = ofType('f').map((each) => `${each.table} ${each.definition.replace('FOREIGN KEY ', '')}`)
    expect(keys.toSorted()).toEqual(FOREIGN_KEYS)
  })

  test('has every documented unique key', () => {
    const uniques = ofType('u').map((each) => `${each.table} ${each.definition.replace('UNIQUE ', '')}`)
    expect(uniques).toEqual(expect.arrayContaining([...UNIQUES]))
    expect(uniques).toContain(
      'keywords NULLS NOT DISTINCT (organization_id, keyword_normalized, workflow_id)',
    )
  })

  test.each(Object.entries(INDEXES))(
    'serves %s: same leading keys and predicate',
    (name, { table, keys, where, by }) => {
      const index = indexes.find((each) => each.name === (by ?? name))
      expect(index).toMatchObject({ table, method: 'btree', where: where ?? null })
      expect(index?.keys.slice(0, keys.length)).toEqual(keys)
    },
  )

  test('has no index that another one makes superfluous, and one for every foreign key', () => {
    expect(superfluous(indexes)).toEqual([])
    expect(unindexed(constraints, indexes)).toEqual([])
  })

  test('has the organization in every unique key, but for e-mail addresses', () => {
    const primary = new Set(ofType('p').map((each) => each.name))
    const global = indexes.filter(
      ({ name, unique, keys }) => unique && !primary.has(name) && !keys.includes('organization_id'),
    )
    expect(global.map(({ name }) => name)).toEqual(['users_email_key'])
  })

  test('has the documented policies, one for each command a member may use, and what their role adds', async () => {
    const expected = Object.entries(COMMANDS).map(([table, commands]) => [
      table,
      [
        'RESTRICTIVE organization_isolation for all to tenantry_tenant',
        "Users can view their organization's data for select to tenantry_tenant",
        'Service role can manage all data for all to tenantry_service',
        'organization_definer for select to tenantry_definer',
        ...commands.map((command) => `organization_${command} for ${command} to tenantry_tenant`),
        ...(table === 'workflow_transitions' ? [] : ['retention_select for select to tenantry_retention']),
        ...(RETENTION_DELETES.includes(table) ? ['retention_delete for delete to tenantry_retention'] : []),
        ...(ROLE_POLICIES[table] ?? []),
      ].toSorted(),
    ])
    const policies = Object.entries(await policiesOf(place)).map(([table, each]) => [table, each.toSorted()])
    expect(Object.fromEntries(policies)).toEqual(Object.fromEntries(expected))
  })
})

describe('what limits and retention bring', () => {
  test('is their tables, with row security forced, of which a tenant reads its own counters and nothing else', async () => {
    const tables = await moduleTablesOf(place)
    expect(tables.map(({ name }) => name)).toEqual(
      [...MODULE_TABLES.plans, ...MODULE_TABLES.retention].toSorted(),
    )
    expect(tables.filter(({ forced }) => !forced)).toEqual([])
    expect(tables.filter(({ readable }) => readable).map(({ name }) => name)).toEqual(['limit_counters'])
  })

  test('are guards that no session switches off by its settings', async () => {
    const triggers = await place.rows<{ trigger: string }>(`
      select tgrelid::regclass::text || ' ' || tgname || case tgenabled when 'A' then ' always' else ' origin' end as trigger
      from pg_trigger
      where not tgisinternal and tgname ~ '^(limit_guard_(insert|update|delete|truncate|key)|follow_usage)$'
      order by 1`)
    expect(triggers.map(({ trigger }) => trigger.replace('tenantry.', '')).toSorted()).toEqual(LIMIT_TRIGGERS)
  })
})

test('nothing is declared that the migrations do not make', async () => {
  const { name, objects, schema } = infin8content.definition
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
