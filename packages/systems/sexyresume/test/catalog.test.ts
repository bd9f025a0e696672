/** The migrated database against the specification, written out by hand in specification.ts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { dumpCatalog } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { MODULE_TABLES, moduleTablesOf } from '@tenantry/testing'
import {
  apartFromKit,
  type CatalogConstraint,
  type CatalogIndex,
  columnsOf,
  condition,
  constraintsOf,
  functionsOf,
  indexesOf,
  partitionsOf,
  policiesOf,
  relationsOf,
  superfluous,
  tenantConditions,
  triggersOf,
  unindexed,
  viewColumnsOf,
} from '@tenantry/testing/catalog'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sexyresume } from '../src/index.ts'
import { migrations } from '../src/migrations.ts'
import {
  CHECKS,
  COLUMNS,
  CUSTOMER_COMMANDS,
  FOREIGN_KEYS,
  FUNCTIONS,
  GLOBAL_UNIQUES,
  INDEXES,
  KIT_FUNCTIONS,
  KIT_TRIGGERS,
  OPERATIONS,
  OUT_OF_RETENTION,
  PRIMARY_KEYS,
  RETENTION_COMMANDS,
  SHARED,
  TRIGGERS,
  UNIQUE_KEYS,
  VIEWS,
} from './specification.ts'
import { type Place, placeOf } from './support/place.ts'

let place: Place
let constraints: CatalogConstraint[]
let indexes: CatalogIndex[]
beforeAll(async () => {
  place = await placeOf()
  constraints = await constraintsOf(place)
  indexes = await indexesOf(place)
})
afterAll(() => place?.close())

const definitions = (type: CatalogConstraint['type'], words: string) =>
  constraints
    .filter((each) => each.type === type)
    .map(({ table, definition }) => `${table} ${definition.replace(words, '')}`)
    .toSorted()

describe('the migrated catalog', () => {
  test('has every documented table and column, with its type, nullability and default, and no other', async () => {
    expect(await columnsOf(place)).toEqual(COLUMNS)
  })

  test('has every documented key, with the tenant in it and its action', () => {
    expect(definitions('p', 'PRIMARY KEY ')).toEqual(PRIMARY_KEYS.toSorted())
    expect(definitions('f', 'FOREIGN KEY ')).toEqual(FOREIGN_KEYS.toSorted())
    expect(definitions('u', 'UNIQUE ')).toEqual(UNIQUE_KEYS.toSorted())
  })

  test('has every documented CHECK, with exactly its values', () => {
    const checks = constraints.filter((each) => each.type === 'c')
    expect(
      Object.fromEntries(
        checks.map((each) => [each.name, condition(each.definition).replaceAll(/\s+/g, ' ').trim()]),
      ),
    ).toEqual(CHECKS)
  })

  test.each(Object.entries(INDEXES))('serves %s: same leading keys and order', (name, documented) => {
    const index = indexes.find((each) => each.name === name)
    expect(index).toMatchObject({
      table: documented.table,
      method: documented.method ?? 'btree',
      unique: documented.unique ?? false,
      where: null,
    })
    expect(index?.keys.slice(0, documented.keys.length)).toEqual(documented.keys)
  })

  test('has no index that another one makes superfluous, and one for every foreign key', () => {
    expect(superfluous(indexes)).toEqual([])
    expect(unindexed(constraints, indexes)).toEqual([])
  })

  test('has the tenant in every unique key of a customer’s table, but for values that are global by nature', () => {
    const primary = new Set(constraints.filter((each) => each.type === 'p').map((each) => each.name))
    const global = indexes.filter(
      ({ unique, name, keys, table }) =>
        unique &&
        table in CUSTOMER_COMMANDS &&
        !primary.has(name) &&
        !keys.includes('user_id') &&
        !keys.includes('referred_user_id'),
    )
    expect(global.map(({ name }) => name)).toEqual(GLOBAL_UNIQUES)
  })

  test('has row security forced on every table and partition, and the documented views', async () => {
    const relations = await relationsOf(place)
    const open = relations.filter(({ kind, forced }) => ['table', 'partition'].includes(kind) && !forced)
    expect(open).toEqual([])
    const named = (kind: string) => relations.filter((each) => each.kind === kind).map(({ name }) => name)
    expect(named('view')).toEqual(['user_dashboard_data'])
    expect(named('materialized view')).toEqual(['analytics_summary', 'daily_metrics'])
    expect(relations.find(({ kind }) => kind === 'view')?.options).toEqual(['security_invoker=true'])
    for (const [view, columns] of Object.entries(VIEWS)) {
      expect(await viewColumnsOf(place, view)).toEqual(columns)
    }
  })

  test('has every documented trigger and function, for whom it is meant, and no other', async () => {
    const triggers = apartFromKit(await triggersOf(place))
    expect(triggers.own).toEqual(TRIGGERS)
    expect(triggers.kit).toEqual(KIT_TRIGGERS)
    const functions = apartFromKit(await functionsOf(place))
    expect(functions.own).toEqual(FUNCTIONS)
    expect(functions.kit.filter((each) => !each.endsWith(' for nobody'))).toEqual(KIT_FUNCTIONS)
  })

  test('has the tables of plans, credits and retention, of which a customer reads counters and lots of their own', async () => {
    const found = await moduleTablesOf(place)
    expect(found.map(({ name }) => name)).toEqual(
      [...MODULE_TABLES.plans, ...MODULE_TABLES.retention, 'credits_lots'].toSorted(),
    )
    expect(found.filter(({ forced }) => !forced)).toEqual([])
    expect(found.filter(({ readable }) => readable).map(({ name }) => name)).toEqual([
      'credits_lots',
      'limit_counters',
    ])
  })

  test('has a restrictive policy for each command on every customer’s table, and permissive ones as granted', async () => {
    const trusted = [
      'service_role_full_access for all to tenantry_service',
      'users_definer for select to tenantry_definer',
    ]
    const retention = (table: string) =>
      (OUT_OF_RETENTION.includes(table) ? [] : ['select', ...(RETENTION_COMMANDS[table] ?? [])]).map(
        (command) => `retention_${command} for ${command} to tenantry_retention`,
      )
    const to = 'to tenantry_tenant'
    const restrictive = (commands: readonly string[]) =>
      commands.map((command) => `RESTRICTIVE users_isolation_${command} for ${command} ${to}`)
    const own = `RESTRICTIVE users_own_data_only for select ${to}`
    const expected = {
      ...Object.fromEntries(
        Object.entries(CUSTOMER_COMMANDS).map(([table, commands]) => [
          table,
          [
            ...trusted,
            ...retention(table),
            // Not even an admin sees where somebody is signed in.
            ...(table === 'user_sessions'
              ? [`RESTRICTIVE users_own_data_only for all ${to}`]
              : [own, ...restrictive(['insert', 'update', 'delete'])]),
            ...commands.map((command) => `users_${command} for ${command} ${to}`),
          ].toSorted(),
        ]),
      ),
      ...Object.fromEntries(
        SHARED.map((table) => [
          table,
          [...trusted, ...retention(table), `users_select for select ${to}`].toSorted(),
        ]),
      ),
      ...Object.fromEntries(
        OPERATIONS.map((table) => [
          table,
          [...trusted, ...retention(table), own, `users_select for select ${to}`].toSorted(),
        ]),
      ),
    }
    const policies = Object.entries(await policiesOf(place)).map(([table, each]) => [table, each.toSorted()])
    expect(Object.fromEntries(policies)).toEqual(expected)
  })

  test('asks each condition once per statement', async () => {
    const own = 'SELECT tenantry.current_user_uuid() AS current_user_uuid'
    const bound = (which: string) =>
      `( SELECT tenantry.${which}_readable(tenantry.current_user_uuid()) AS ${which}_readable)`
    expect(await tenantConditions(place)).toEqual(
      [
        '( SELECT tenantry.current_user_reads_all() AS current_user_reads_all)',
        'true',
        ...['id', 'referred_user_id', 'user_id'].flatMap((column) => [
          `(${column} = ( ${own}))`,
          `((${column} >= ${bound('first')}) AND (${column} <= ${bound('last')}))`,
        ]),
      ].toSorted(),
    )
  })

  test('has a partition of events for the last month, this one and the next three, in UTC, each locked down', async () => {
    const months = await place.rows(`
      select to_char(month, '"analytics_events_"YYYY_MM') as name, month::text as from,
        (month + interval '1 month')::text as to
      from generate_series(-1, 3) as n
      cross join lateral (
        select date_trunc('month', now() at time zone 'UTC') + n * interval '1 month' as month
      ) as months`)
    const partitions = await partitionsOf(place, 'analytics_events')
    expect(partitions).toEqual(months.map((month) => ({ ...month, grants: 0, policies: 0 })))
  })

  test('has the documented retention policies and funnels', async () => {
    expect(
      await place.rows(
        'select table_name, retention_days, soft_delete, is_active from data_retention_policies order by retention_days, table_name',
      ),
    ).toEqual(
      [
        ['exports', 1, false],
        ['cover_letters', 365, true],
        ['resumes', 365, true],
        ['analytics_events', 730, false],
        ['audit_logs', 1095, false],
        ['payment_receipts', 2555, false],
      ].map(([table_name, retention_days, soft_delete]) => ({
        table_name,
        retention_days,
        soft_delete,
        is_active: true,
      })),
    )
    expect(
      await place.rows(
        `select funnel_name, jsonb_array_length(steps) as steps, steps -> 0 ->> 'name' as first
         from conversion_funnels order by 1`,
      ),
    ).toEqual([
      { funnel_name: 'export_conversion', steps: 5, first: 'Resume Complete' },
      { funnel_name: 'user_onboarding', steps: 5, first: 'Account Creation' },
    ])
  })
})

test('nothing is open: the live database is what is declared', async () => {
  expect(await place.system.verify()).toEqual([])
})

test('nothing is declared that the migrations do not make', async () => {
  const { name, objects, schema } = sexyresume.definition
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
