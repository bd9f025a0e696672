/** Credits in tables of their own, and beside them points in a host's tables, with other names and smaller types. */
import { createdAt, id } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, integer, jsonb, pgTable, text, timestamp, unique, uuid } from 'drizzle-orm/pg-core'
import { defineCredits } from '../../src/index.ts'
import { createSystem } from './system.ts'

export const pointBalances = pgTable(
  'point_balances',
  {
    userId: uuid('user_id').primaryKey(),
    points: integer('points').notNull().default(0),
    version: integer('version').notNull().default(0),
  },
  (table) => [check('point_balances_points_check', sql`${table.points} >= 0`)],
)

export const pointTransactions = pgTable(
  'point_transactions',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    transactionType: text('transaction_type').notNull(),
    amount: integer('amount').notNull(),
    source: text('source').notNull(),
    description: text('description'),
    balanceAfter: integer('balance_after').notNull(),
    idempotencyKey: text('idempotency_key'),
    version: integer('version').notNull(),
    reverses: integer('reverses'),
    expiresAt: timestamp('expires_at', { withTimezone: true }),
    lots: jsonb('lots'),
    createdAt: createdAt(),
  },
  (table) => [
    unique('point_transactions_key').on(table.userId, table.idempotencyKey),
    unique('point_transactions_version').on(table.userId, table.version),
    unique('point_transactions_reverses').on(table.userId, table.reverses),
    check(
      'point_transactions_type_check',
      sql`${table.transactionType} in ('earned', 'spent', 'refunded', 'expired')`,
    ),
  ],
)

export const tenant = { expression: 'tenantry.current_user_uuid()', type: 'uuid' } as const

export const credits = defineCredits({ tenant })

export const pointOptions = {
  tenant,
  name: 'points',
  kinds: { reversed: 'refunded' },
  tables: {
    balances: {
      table: pointBalances,
      columns: { tenant: 'userId', balance: 'points', version: 'version' },
    },
    entries: {
      table: pointTransactions,
      columns: {
        tenant: 'userId',
        version: 'version',
        kind: 'transactionType',
        amount: 'amount',
        balanceAfter: 'balanceAfter',
        source: 'source',
        description: 'description',
        idempotencyKey: 'idempotencyKey',
        reverses: 'reverses',
        expiresAt: 'expiresAt',
        lots: 'lots',
        createdAt: 'createdAt',
      },
    },
  },
} as const

export const points = defineCredits(pointOptions)

const readOnly = { class: 'tenant', column: 'userId', insert: false, update: false, delete: false } as const

export const createCredits = () =>
  createSystem(
    'credits',
    [credits.module, points.module],
    { pointBalances, pointTransactions },
    { pointBalances: readOnly, pointTransactions: readOnly },
  )
