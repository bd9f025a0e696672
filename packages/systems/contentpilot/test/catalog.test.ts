/** Views, functions, triggers, policies and partitions of the migrated database against the specification. */
import { readFileSync, writeFileSync } from 'node:fs'
import { dumpCatalog } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import {
  apartFromKit,
  functionsOf,
  partitionsOf,
  policiesOf,
  relationsOf,
  tenantConditions,
  triggersOf,
  viewColumnsOf,
} from '@tenantry/testing/catalog'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contentpilot } from '../src/index.ts'
import { migrations } from '../src/migrations.ts'
import {
  COLUMNS,
  CUSTOMER_COMMANDS,
  DASHBOARD_COLUMNS,
  FUNCTIONS,
  PLAN_CALLS,
  PLAN_TRIGGERS,
  RETENTION_COMMANDS,
  TRIGGERS,
} from './specification.ts'
import { type PilotDatabase, pilotDatabase } from './support/pilot.ts'

let place: PilotDatabase
beforeAll(async () => {
  place = await pilotDatabase()
})
afterAll(() => place?.close())

describe('the migrated catalog', () => {
  test('has the documented tables with row security forced, two views, and nothing else', async () => {
    const relations = await relationsOf(place)
    const named = (kind: string) => relations.filter((each) => each.kind === kind).map(({ name }) => name)
    expect(named('table')).toEqual(Object.keys(COLUMNS).toSorted())
    const open = relations.filter(({ kind, forced }) => ['table', 'partition'].includes(kind) && !forced)
    expect(open).toEqual([])
    expect(named('view')).toEqual(['user_dashboard_live'])
    expect(named('materialized view')).toEqual(['user_dashboard_stats'])
    expect(relations.find(({ kind }) => kind === 'view')?.options).toEqual(['security_invoker=true'])
  })

  test.each(['user_dashboard_stats', 'user_dashboard_live'])(
    '%s has the documented columns',
    async (view) => {
      expect(await viewColumnsOf(place, view)).toEqual(DASHBOARD_COLUMNS)
    },
  )

  test('has every documented trigger, enabled, and no other', async () => {
    const { own, kit } = apartFromKit(await triggersOf(place))
    expect(own).toEqual(TRIGGERS)
    expect(kit.map((each) => each.replace(/ (?:BEFORE|AFTER) .*\(always\)$/, ''))).toEqual(PLAN_TRIGGERS)
  })

  test('has every documented function, for whom it is meant, and no other', async () => {
    const { own, kit } = apartFromKit(await functionsOf(place))
    expect(own).toEqual(FUNCTIONS)
    expect(kit.filter((each) => !each.endsWith('for nobody'))).toEqual(PLAN_CALLS)
  })

  test('has one restrictive policy on every table, and a permissive one for each command a customer may use', async () => {
    const expected = Object.entries(CUSTOMER_COMMANDS).map(([table, commands]) => [
      table,
      [
        'user_definer_policy for select to tenantry_definer',
        'RESTRICTIVE user_isolation_policy for all to tenantry_tenant',
        'user_service_policy for all to tenantry_service',
        ...commands.map((command) => `user_${command}_policy for ${command} to tenantry_tenant`),
        ...(RETENTION_COMMANDS[table] ?? []).map(
          (command) => `retention_${command} for ${command} to tenantry_retention`,
        ),
      ].toSorted(),
    ])
    const policies = Object.entries(await policiesOf(place)).map(([table, each]) => [table, each.toSorted()])
    expect(policies).toEqual(expected)
  })

  test('has no policy for customers with another condition than the tenant’s, asked once per statement', async () => {
    const once = (column: string) =>
      `(${column} = ( SELECT tenantry.current_user_uuid() AS current_user_uuid))`
    expect(await tenantConditions(place)).toEqual([once('id'), once('user_id')])
  })

  test('has a partition of usage for the last month, this one and the next three, in UTC, each locked down', async () => {
    const months = await place.rows(`
      select to_char(month, '"usage_tracking_"YYYY_MM') as name, month::text as from,
        (month + interval '1 month')::text as to
      from generate_series(-1, 3) as n
      cross join lateral (
        select date_trunc('month', now() at time zone 'UTC') + n * interval '1 month' as month
      ) as months`)
    const partitions = await partitionsOf(place, 'usage_tracking')
    expect(partitions).toEqual(months.map((month) => ({ ...month, grants: 0, policies: 0 })))
  })
})

test('nothing is open: the live database is what is declared', async () => {
  expect(await place.pilot.verify()).toEqual([])
})

test('nothing is declared that the migrations do not make', async () => {
  const { name, objects, schema } = contentpilot.definition
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
