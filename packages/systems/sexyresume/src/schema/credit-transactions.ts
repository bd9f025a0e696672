import { createdAt, descending, id, instant, oneOf } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, index, integer, jsonb, pgTable, text, unique } from 'drizzle-orm/pg-core'
import { TRANSACTION_TYPES } from '../types/enums.ts'
import type { Json } from '../types/json.ts'
import { userId } from './columns.ts'

/** Every credit that came and went. Append-only, so `user_id` has no foreign key that could cascade. */
export const creditTransactions = pgTable(
  'credit_transactions',
  {
    id: id(),
    userId: userId(),
    transactionType: text('transaction_type', { enum: TRANSACTION_TYPES }).notNull(),
    /** Negative where credits go. */
    amount: integer('amount').notNull(),
    source: text('source').notNull(),
    description: text('description'),
    balanceAfter: integer('balance_after').notNull(),
    /** The same key is the same entry: it is written once. */
    idempotencyKey: text('idempotency_key'),
    /** 1, 2, 3 … of the user. */
    version: integer('version').notNull(),
    /** The version of the entry that this one undoes. */
    reverses: integer('reverses'),
    /** Of credits that came: when what is left of them goes. */
    expiresAt: instant('expires_at'),
    /** Of credits that went: which expiring ones they were, as pairs of version and amount. */
    lots: jsonb('lots').$type<Json>(),
    createdAt: createdAt(),
  },
  (table) => [
    unique('credit_transactions_idempotency_key').on(table.userId, table.idempotencyKey),
    unique('credit_transactions_version_key').on(table.userId, table.version),
    unique('credit_transactions_reverses_key').on(table.userId, table.reverses),
    index('idx_credit_transactions_user_type_date').on(
      table.userId,
      table.transactionType,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_credit_transactions_user_date').on(
      table.userId,
      descending(table.createdAt),
      descending(table.id),
    ),
    check('credit_transactions_transaction_type_check', oneOf(table.transactionType, TRANSACTION_TYPES)),
    check(
      'credit_transactions_amount_check',
      sql`case ${table.transactionType} when 'earned' then ${table.amount} > 0 when 'refunded' then ${table.amount} <> 0 else ${table.amount} < 0 end`,
    ),
    check('credit_transactions_balance_after_check', sql`${table.balanceAfter} >= 0`),
  ],
)
