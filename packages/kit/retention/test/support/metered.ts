/** A partitioned table with rows of many months, under tenants. */
import { createdAt, id } from '@tenantry/core'
import { partitioned } from '@tenantry/ddl'
import { defineTenancy, tenancyObjects } from '@tenantry/rls'
import { bigint, date, index, integer, numeric, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { defineRetention, retention, rollUp } from '../../src/index.ts'
import { moduleTableObjects } from './documents.ts'

export const customers = pgTable('customers', { id: id(), name: text('name') })

export const usage = pgTable(
  'usage',
  {
    id: uuid('id').notNull().defaultRandom(),
    customerId: uuid('customer_id')
      .notNull()
      .references(() => customers.id, { onDelete: 'cascade' }),
    resource: text('resource').notNull(),
    costCents: integer('cost_cents').notNull().default(0),
    tokens: numeric('tokens'),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.id, table.createdAt] }),
    index('usage_customer').on(table.customerId, table.createdAt),
    index('usage_created_at').on(table.createdAt),
  ],
)

export const usageMonthly = pgTable(
  'usage_monthly',
  {
    customerId: uuid('customer_id')
      .notNull()
      .references(() => customers.id, { onDelete: 'cascade' }),
    resource: text('resource').notNull(),
    month: date('month', { mode: 'string' }).notNull(),
    calls: bigint('calls', { mode: 'number' }).notNull(),
    costCents: bigint('cost_cents', { mode: 'number' }).notNull(),
    tokens: numeric('tokens').notNull(),
  },
  (table) => [primaryKey({ columns: [table.customerId, table.resource, table.month] })],
)

export const schema = { customers, usage, usageMonthly }

export const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  tables: {
    customers: { class: 'tenant', column: 'id' },
    usage: { class: 'tenant', column: 'customerId' },
    usageMonthly: { class: 'tenant', column: 'customerId' },
  },
})

export const tenants = tenancy.tables
export const partitions = { table: usage, by: 'created_at', every: 'month', initialFrom: '2026-01' } as const

export const usageRule = defineRetention(usage, {
  age: { column: 'createdAt', years: 2 },
  action: rollUp(usage, usageMonthly, {
    month: 'month',
    groupBy: { customerId: 'customerId', resource: 'resource' },
    sums: { costCents: 'costCents', tokens: 'tokens' },
    count: 'calls',
    dropPartitions: true,
  }),
  batch: { rows: 7, maxRows: 7 },
  floors: { maxFraction: null },
})

export const rules = retention({ rules: [usageRule], schema, tenants })
export const objects = [
  ...tenancyObjects(tenancy),
  ...partitioned(partitions),
  ...rules.module.objects,
  ...moduleTableObjects(rules.module),
]
