/** A product with plans: drafts that count once when they are approved, pillars that count while they live. */
import { id } from '@tenantry/core'
import type { Executor, Module } from '@tenantry/core'
import { contextExpressions } from '@tenantry/rls'
import { bigint, index, numeric, pgTable, text, timestamp, unique, uuid } from 'drizzle-orm/pg-core'
import { definePlans, guard } from '../../src/index.ts'
import { createSystem, type TestSystem } from './system.ts'

const at = (name: string) => timestamp(name, { withTimezone: true })

export const subscriptions = pgTable(
  'subscriptions',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    plan: text('plan').notNull(),
    status: text('status', { enum: ['trialing', 'active', 'past_due', 'paused', 'canceled'] }).notNull(),
    anchor: at('anchor'),
    currentPeriodEnd: at('current_period_end'),
    pastDueSince: at('past_due_since'),
    paidUntil: at('paid_until'),
  },
  (table) => [unique('subscriptions_user_id_key').on(table.userId)],
)

export const drafts = pgTable(
  'drafts',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    status: text('status').notNull().default('draft'),
  },
  (table) => [index('drafts_user').on(table.userId)],
)

export const pillars = pgTable(
  'pillars',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    status: text('status').notNull().default('active'),
  },
  (table) => [index('pillars_user').on(table.userId)],
)

export const files = pgTable(
  'files',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    folder: text('folder').notNull().default('inbox'),
    bytes: bigint('bytes', { mode: 'number' }).notNull().default(1),
  },
  (table) => [index('files_user').on(table.userId)],
)

export const requests = pgTable(
  'requests',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    status: text('status').notNull().default('pending'),
    cost: numeric('cost', { mode: 'number' }),
  },
  (table) => [index('requests_user').on(table.userId)],
)

export const schema = { subscriptions, drafts, pillars, files, requests }

export const features = {
  posts: { kind: 'metered', per: 'calendar_month' },
  pillars: { kind: 'allocated' },
  files: { kind: 'allocated' },
  storage: { kind: 'allocated', subject: 'folder' },
  regenerations: { kind: 'metered', per: 'calendar_month', subject: 'topic' },
  requests: { kind: 'metered', per: 'calendar_day' },
  calls: { kind: 'metered', per: 'billing_month' },
  spend: { kind: 'costed', per: 'calendar_month' },
} as const

export const plans = definePlans({
  features,
  plans: {
    free: { posts: 0, pillars: 1, files: 2, storage: 10, regenerations: 0, requests: 1, calls: 1, spend: 0 },
    starter: {
      posts: 10,
      pillars: 2,
      files: 5,
      storage: 100,
      regenerations: 3,
      requests: 10,
      calls: 50,
      spend: 5,
    },
    growth: {
      posts: 30,
      pillars: 5,
      files: 50,
      storage: 1000,
      regenerations: 10,
      requests: 100,
      calls: 500,
      spend: 50,
    },
    agency: {
      posts: null,
      pillars: 10,
      files: null,
      storage: null,
      regenerations: null,
      requests: null,
      calls: null,
      spend: null,
    },
  },
  subscription: {
    table: subscriptions,
    account: 'userId',
    plan: 'plan',
    status: 'status',
    anchor: 'anchor',
    paidUntil: 'paidUntil',
  },
  standing: {
    trialing: 'consumes',
    active: 'consumes',
    past_due: { until: 'pastDueSince', graceDays: 14 },
    paused: 'reads',
    canceled: { until: 'currentPeriodEnd' },
  },
  defaultPlan: 'free',
  tenant: { expression: contextExpressions({ kind: 'user-uuid' }).tenant, type: 'uuid' },
  guards: [
    guard({
      table: drafts,
      account: 'userId',
      counts: [{ feature: 'posts', where: `status in ('approved', 'scheduled', 'posted')`, once: true }],
    }),
    guard({
      table: pillars,
      account: 'userId',
      counts: [{ feature: 'pillars', where: `status not in ('inactive', 'archived')` }],
    }),
    guard({
      table: files,
      account: 'userId',
      counts: [{ feature: 'files' }, { feature: 'storage', subject: 'folder', amount: 'bytes' }],
    }),
    guard({
      table: requests,
      account: 'userId',
      counts: [
        { feature: 'requests', where: 'true', once: { givesBack: `status = 'failed'` } },
        { feature: 'spend', amount: 'coalesce(cost, 0)', grows: true },
      ],
    }),
  ],
})

const tenant = { class: 'tenant', column: 'userId' } as const

export const classes = {
  subscriptions: { ...tenant, insert: false, update: false, delete: false },
  drafts: tenant,
  pillars: tenant,
  files: tenant,
  requests: tenant,
} as const

export interface Studio extends TestSystem {
  readonly modules: readonly Module[]
  limits(userId: string, executor?: Executor): ReturnType<typeof plans.bind>
  /** A new account with a subscription. */
  subscribe(plan: string, more?: Readonly<Record<string, string>>): Promise<string>
  /** What the account has used of a feature in its open period, or null. */
  used(userId: string, feature: string): Promise<number | null>
  /** Moves the one clock of all limits, for this database. */
  setClock(at: string | null): Promise<void>
}

export async function createStudio(): Promise<Studio> {
  const test = await createSystem('studio', [plans.module], schema, classes)
  return {
    ...test,
    modules: [plans.module],
    limits: (userId, executor = test.as(userId)) => plans.bind(executor),
    async subscribe(plan, more = {}) {
      const columns = { status: 'active', ...more }
      const names = Object.keys(columns)
      const rows = await test.raw(
        `insert into subscriptions (user_id, plan, ${names.join(', ')})
        values (gen_random_uuid(), $1, ${names.map((_, index) => `$${index + 2}`).join(', ')}) returning user_id`,
        plan,
        ...Object.values(columns),
      )
      return String(rows[0]?.[0])
    },
    async used(userId, feature) {
      const rows = await test.raw(
        'select sum(used)::float8 from tenantry.limit_counters where account = $1 and feature = $2 and ends > tenantry.limit_clock() and starts <= tenantry.limit_clock()',
        userId,
        feature,
      )
      return rows[0]?.[0] === null ? null : Number(rows[0]?.[0])
    },
    async setClock(time) {
      const now = time === null ? 'pg_catalog.statement_timestamp()' : `timestamptz '${time}'`
      await test.raw(
        `create or replace function tenantry.limit_clock() returns timestamptz language sql stable as $$ select ${now} $$`,
      )
    },
  }
}
