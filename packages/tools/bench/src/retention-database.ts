/** A table of events to be retained, refilled for each side of each round. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createdAt, id } from '@tenantry/core'
import { grants, migrate, partitioned, policy, rowSecurity } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { defineRetention, dropPartitions, retention } from '@tenantry/retention'
import { defineTenancy, tenancyObjects } from '@tenantry/rls'
import { index, integer, jsonb, numeric, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { createLoginDatabase, type LoginDatabase } from './login-database.ts'

const columns = {
  userId: uuid('user_id').notNull(),
  kind: text('kind').notNull(),
  amount: numeric('amount'),
  tokens: integer('tokens').notNull(),
  details: jsonb('details').notNull(),
  createdAt: createdAt(),
}

export const events = pgTable('events', { id: id(), ...columns }, (table) => [
  index('events_created').on(table.createdAt),
])

/** The same rows by month. */
const monthlyEvents = pgTable(
  'monthly_events',
  { id: uuid('id').notNull().defaultRandom(), ...columns },
  (table) => [
    primaryKey({ columns: [table.id, table.createdAt] }),
    index('monthly_events_created').on(table.createdAt),
  ],
)

const rule = (name: string, action: 'delete' | 'archive-then-delete') =>
  defineRetention(events, {
    name,
    age: { column: 'createdAt', days: 90 },
    action,
    floors: { maxFraction: null },
  })

const retired = defineRetention(monthlyEvents, {
  name: 'retired',
  age: { column: 'createdAt', months: 2 },
  action: dropPartitions({ archive: false }),
  floors: { maxFraction: null },
})

const schema = { events, monthlyEvents }
export const eventRules = retention({
  rules: [rule('deleted', 'delete'), rule('archived', 'archive-then-delete'), retired],
  schema,
})

const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  tables: { events: { class: 'internal' }, monthlyEvents: { class: 'internal' } },
})

/** `old` rows beyond the age of the rules, and as many that aren't. */
export const refill = (old: number): readonly string[] => [
  'truncate events',
  `insert into events (user_id, kind, amount, tokens, details, created_at)
   select
     ('00000000-0000-4000-8000-' || lpad((n % 1000)::text, 12, '0'))::uuid, 'generated', n / 7.0, n,
     jsonb_build_object('model', 'large', 'topic', md5(n::text), 'n', n),
     now() - case when n <= ${old} then interval '100 days' else interval '1 day' end + n * interval '1 millisecond'
   from generate_series(1, ${old * 2}) as n`,
  'vacuum analyze events',
]

/** Partitions that a rule retires, with `old` rows in them. */
export const refillMonths = (old: number): readonly string[] => [
  `select tenantry.ensure_partitions('monthly_events', ${MONTHS + 3}, (now() - interval '${MONTHS + 2} months')::date)`,
  `insert into monthly_events (user_id, kind, amount, tokens, details, created_at)
   select
     ('00000000-0000-4000-8000-' || lpad((n % 1000)::text, 12, '0'))::uuid, 'generated', n / 7.0, n,
     jsonb_build_object('model', 'large', 'topic', md5(n::text), 'n', n),
     date_trunc('month', now(), 'UTC') - make_interval(months => 3 + n % ${MONTHS}) + n * interval '1 millisecond'
   from generate_series(1, ${old}) as n`,
  'vacuum analyze monthly_events',
]

/** As many as the old rows are divided among. */
const MONTHS = 3

export async function createRetentionDatabase(serverUrl: string): Promise<LoginDatabase> {
  return createLoginDatabase(serverUrl, async (ownerUrl) => {
    const owner = await connect(ownerUrl)
    const directory = mkdtempSync(join(tmpdir(), 'tenantry-bench-'))
    const tables = eventRules.module.tables ?? []
    try {
      await generateMigration({
        name: 'events',
        directory,
        schema: { ...schema, ...Object.fromEntries(tables.map(({ table }, n) => [`module_${n}`, table])) },
        objects: [
          ...tenancyObjects(tenancy),
          ...partitioned({ table: monthlyEvents, by: 'created_at', every: 'month', initialFrom: '2026-01' }),
          ...eventRules.module.objects,
          ...tables.flatMap(({ table }) => [
            rowSecurity({ table }),
            policy({
              table,
              name: 'service',
              as: 'permissive',
              command: 'all',
              to: ['tenantry_service'],
              using: 'true',
              check: 'true',
            }),
            grants({
              table,
              to: 'tenantry_service',
              privileges: { select: true, insert: true, update: true, delete: true },
            }),
          ]),
        ],
      })
      await migrate(owner.driver, { system: 'events', migrations: directory })
    } finally {
      await owner.close()
      rmSync(directory, { recursive: true })
    }
  })
}
