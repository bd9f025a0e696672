import { descending, id, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, pgTable, text, unique } from 'drizzle-orm/pg-core'
import { PAYMENT_STATUSES } from '../types/enums.ts'
import { userId } from './columns.ts'
import { users } from './users.ts'

/** Payments, mirrored from Stripe. The law keeps them for years, so they hold their user's row in place. */
export const paymentReceipts = pgTable(
  'payment_receipts',
  {
    id: id(),
    userId: userId(),
    stripePaymentIntentId: text('stripe_payment_intent_id'),
    product: text('product').notNull(),
    /** In the smallest unit of the currency. */
    amount: integer('amount').notNull(),
    /** ISO 4217, in lower case as Stripe has it. */
    currency: text('currency').notNull().default('usd'),
    status: text('status', { enum: PAYMENT_STATUSES }).notNull().default('pending'),
    receiptUrl: text('receipt_url'),
    ...timestamps(),
  },
  (table) => [
    foreignKey({
      name: 'payment_receipts_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('restrict'),
    unique('payment_receipts_stripe_payment_intent_id_key').on(table.stripePaymentIntentId),
    index('idx_payment_receipts_user_id').on(table.userId, descending(table.createdAt), descending(table.id)),
    index('idx_payment_receipts_created_at').on(descending(table.createdAt)),
    check('payment_receipts_amount_check', sql`${table.amount} >= 0`),
    check('payment_receipts_currency_check', sql`${table.currency} ~ '^[a-z]{3}$'`),
    check('payment_receipts_status_check', oneOf(table.status, PAYMENT_STATUSES)),
  ],
)
