/** A table of events to be retained, refilled for each side of each round. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createdAt, id } from '@tenantry/core'
import { grants, migrate, policy, rowSecurity } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { defineRetention, retention } from '@tenantry/retention'
import { defineTenancy, tenancyObjects } from '@tenantry/rls'
import { index, integer, jsonb, numeric, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { createLoginDatabase, type LoginDatabase } from './login-database.ts'

export const events = pgTable(
  'events',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    kind: text('kind').notNull(),
    amount: numeric('amount'),
    tokens: integer('tokens').notNull(),
    details: jsonb('details').notNull(),
    createdAt: createdAt(),
  },
  (table) => [index('events_created').on(table.createdAt)],
)

const rule = (name: string, action: 'delete' | 'archive-then-delete') =>
  defineRetention(events, {
    name,
    age: { column: 'createdAt', days: 90 },
    action,
    floors: { maxFraction: null },
  })

const schema = { events }
export const eventRules = retention({
  rules: [rule('deleted', 'delete'), rule('archived', 'archive-then-delete')],
  schema,
})

const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  tables: { events: { class: 'internal' } },
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
          ...eventRules.module.objects,
          ...tables.flatMap(({ table }) => [
            rowSecurity({ table }),
            policy({
              table,
              name: 'service',
              as: 'permissive',
              command: 'select',
              to: ['tenantry_service'],
              using: 'true',
            }),
            grants({ table, to: 'tenantry_service', privileges: { select: true } }),
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
