/** Limits of each kind, in each of their forms, and the host's tables that two of them read. */
import { id } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { integer, pgTable, text, timestamp, unique, uuid } from 'drizzle-orm/pg-core'
import { defineRateLimitRows, defineRateLimits } from '../../src/index.ts'
import { createSystem } from './system.ts'

export const settings = pgTable('settings', { key: text('key').primaryKey(), value: text('value').notNull() })

export const rateLimits = pgTable(
  'rate_limits',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    key: text('key').notNull(),
    limitCount: integer('limit_count').notNull(),
    windowMinutes: integer('window_minutes').notNull().default(60),
    currentCount: integer('current_count').notNull().default(0),
    windowStart: timestamp('window_start', { withTimezone: true }).notNull().defaultNow(),
    instants: timestamp('instants', { withTimezone: true })
      .array()
      .notNull()
      .default(sql`'{}'`),
  },
  (table) => [unique('rate_limits_key').on(table.userId, table.key)],
)

export const tenant = { expression: 'tenantry.current_user_uuid()', type: 'uuid' } as const

export const declared = defineRateLimits({
  tenant,
  limits: {
    calls: { kind: 'sliding-window', limit: 10, windowMs: 3_600_000 },
    brief: { kind: 'sliding-window', limit: 5, windowMs: 400 },
    closed: { kind: 'sliding-window', limit: 0, windowMs: 1000 },
    wide: { kind: 'sliding-window', limit: 1000, windowMs: 86_400_000 },
    bucket: { kind: 'token-bucket', capacity: 10, refill: 1, perMs: 3_600_000 },
    quick: { kind: 'token-bucket', capacity: 5, refill: 10, perMs: 1000 },
    configured: {
      kind: 'sliding-window',
      limit: { sql: `select value::integer from public.settings where key = 'max_calls' || p_subject` },
      windowMs: 3_600_000,
    },
  },
})

export const rows = defineRateLimitRows({
  table: rateLimits,
  tenant,
  columns: {
    tenant: 'userId',
    key: 'key',
    limit: 'limitCount',
    window: 'windowMinutes',
    instants: 'instants',
    count: 'currentCount',
    windowStart: 'windowStart',
  },
  windowUnitMs: 60_000,
})

export const createRateLimits = () =>
  createSystem(
    'rates',
    [declared.module, rows.module],
    { settings, rateLimits },
    {
      settings: { class: 'internal' },
      rateLimits: { class: 'tenant', column: 'userId', insert: false, update: false, delete: false },
    },
  )
