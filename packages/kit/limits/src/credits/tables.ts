/** The tables of credits, where the host has none of its own. */
import { createdAt, instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { bigint, check, index, jsonb, pgSchema, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core'

const library = pgSchema('tenantry')
type TenantType = 'uuid' | 'text'

const tenantColumn = (type: TenantType) => (type === 'uuid' ? uuid('tenant') : text('tenant'))
const count = (name: string) => bigint(name, { mode: 'number' })

/** What each tenant has: the sum of its entries, and the row at which those who post take turns. */
export function balancesTable(name: string, type: TenantType) {
  return library.table(
    `${name}_balances`,
    {
      tenant: tenantColumn(type).primaryKey(),
      balance: count('balance').notNull().default(0),
      /** Of the last entry. */
      version: count('version').notNull().default(0),
    },
    (table) => [
      check(`${name}_balances_balance_check`, sql`${table.balance} between 0 and 9007199254740991`),
    ],
  )
}

/** Everything that came and went, each with what was there after it. */
export function entriesTable(name: string, type: TenantType) {
  return library.table(
    `${name}_entries`,
    {
      tenant: tenantColumn(type).notNull(),
      /** 1, 2, 3 … of the tenant. */
      version: count('version').notNull(),
      kind: text('kind').notNull(),
      /** Negative where credits go. */
      amount: count('amount').notNull(),
      balanceAfter: count('balance_after').notNull(),
      source: text('source').notNull(),
      description: text('description'),
      idempotencyKey: text('idempotency_key'),
      /** The version of the entry that this one undoes. */
      reverses: count('reverses'),
      /** Of credits that came: when what is left of them goes. */
      expiresAt: instant('expires_at'),
      /** Of credits that went: which expiring ones they were. */
      lots: jsonb('lots'),
      createdAt: createdAt(),
    },
    (table) => [
      primaryKey({ name: `${name}_entries_pkey`, columns: [table.tenant, table.version] }),
      unique(`${name}_entries_idempotency_key`).on(table.tenant, table.idempotencyKey),
      unique(`${name}_entries_reverses`).on(table.tenant, table.reverses),
      check(`${name}_entries_amount_check`, sql`${table.amount} <> 0`),
      check(`${name}_entries_balance_after_check`, sql`${table.balanceAfter} >= 0`),
    ],
  )
}

/** What is left of credits that will expire. */
export function lotsTable(name: string, type: TenantType) {
  return library.table(
    `${name}_lots`,
    {
      tenant: tenantColumn(type).notNull(),
      /** Of the entry by which they came. */
      version: count('version').notNull(),
      remaining: count('remaining').notNull(),
      expiresAt: instant('expires_at').notNull(),
    },
    (table) => [
      primaryKey({ name: `${name}_lots_pkey`, columns: [table.tenant, table.version] }),
      index(`${name}_lots_expires_at`).on(table.expiresAt),
      check(`${name}_lots_remaining_check`, sql`${table.remaining} > 0`),
    ],
  )
}
