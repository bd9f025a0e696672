import { instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, integer, pgTable, uuid } from 'drizzle-orm/pg-core'
import { ownedBy } from './columns.ts'

/** What each user may spend: the sum of their credit_transactions, and the row that callers take turns at. */
export const creditBalances = pgTable(
  'credit_balances',
  {
    userId: uuid('user_id').primaryKey(),
    balance: integer('balance').notNull().default(0),
    /** Of the last entry. */
    version: integer('version').notNull().default(0),
    updatedAt: instant('updated_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    ownedBy('credit_balances', table.userId),
    check('credit_balances_balance_check', sql`${table.balance} >= 0`),
  ],
)
