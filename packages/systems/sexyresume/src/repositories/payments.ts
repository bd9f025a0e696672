import { UniqueViolationError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { paymentReceipts as table } from '../schema/index.ts'
import { type PaymentInput, paymentInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** Payments, mirrored from Stripe: read by their customer, written by the service role. */
export const payments = defineRepository(table, {
  tenant: 'userId',
  schema: { create: paymentInput },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Takes over what Stripe reports of a payment; a repeated report changes nothing. Throws
     * UniqueViolationError for a payment of another account. Service role only.
     */
    async record(input: PaymentInput): Promise<Row<typeof table>> {
      serviceOnly(executor, 'record')
      const { receiptUrl = null, ...payment } = parseInput(table, paymentInput, input)
      const values = { ...payment, receiptUrl }
      const returns = getTableColumns(table)
      const [made] = await repository.statement(
        'record',
        ({ tenant, value }) => ({
          returns,
          query: (columns) => sql`insert into ${table}
              (user_id, stripe_payment_intent_id, product, amount, currency, status, receipt_url)
            values (${tenant}, ${value('stripePaymentIntentId', table.stripePaymentIntentId)},
              ${value('product', table.product)}, ${value('amount', table.amount)}, ${value('currency', table.currency)},
              ${value('status', table.status)}, ${value('receiptUrl', table.receiptUrl)})
            on conflict (stripe_payment_intent_id) do nothing
            returning ${columns}`,
        }),
        values,
      )
      if (made !== undefined) return made
      // It is known; whose it is decides the condition, and nothing is taken over.
      const [recorded] = await repository.statement(
        'record again',
        ({ tenant, value }) => ({
          returns,
          query: (columns) => sql`update ${table}
            set status = ${value('status', table.status)}, amount = ${value('amount', table.amount)},
              receipt_url = coalesce(${value('receiptUrl', table.receiptUrl)}, ${table.receiptUrl})
            where ${table.userId} = ${tenant}
              and ${table.stripePaymentIntentId} = ${value('stripePaymentIntentId', table.stripePaymentIntentId)}
            returning ${columns}`,
        }),
        values,
      )
      if (recorded === undefined) {
        throw new UniqueViolationError('This payment belongs to another account', {
          table: getTableName(table),
          constraint: 'payment_receipts_stripe_payment_intent_id_key',
        })
      }
      return recorded
    },
  }),
})
