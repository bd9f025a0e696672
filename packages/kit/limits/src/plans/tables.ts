/** What plans keep, in the Postgres schema of the library. Only functions write it, as the service role. */
import { createdAt, instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import {
  boolean,
  check,
  index,
  integer,
  numeric,
  pgSchema,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
  bigint,
} from 'drizzle-orm/pg-core'

/** The type of the ids of accounts: that of the column by which a subscription names its account. */
export type AccountType = 'uuid' | 'text'

const library = pgSchema('tenantry')

/** Beyond every sum of amounts that a double tells apart; null is unlimited. */
export const CAP_MAX = 1e15

const amount = (name: string) => numeric(name, { mode: 'number' })

/** The tables, for accounts whose ids are of a type. */
export function planTables(accountType: AccountType) {
  const account = () => (accountType === 'uuid' ? uuid('account') : text('account')).notNull()

  /** The declared features. */
  const limitFeatures = library.table('limit_features', {
    feature: text('feature').primaryKey(),
    /** `metered`, `allocated` or `costed`. */
    kind: text('kind').notNull(),
    /** A kind of `limit_period`; null where nothing starts anew. */
    period: text('period'),
    zone: text('zone').notNull(),
    /** Counted for each subject by itself, such as each topic. */
    bySubject: boolean('by_subject').notNull(),
    /** In the order of the declaration. */
    position: integer('position').notNull(),
    /** Goes up with every change of a plan. */
    revision: integer('revision').notNull().default(0),
  })

  /** The declared plans, the smallest first. */
  const limitPlans = library.table('limit_plans', {
    plan: text('plan').primaryKey(),
    rank: integer('rank').notNull(),
  })

  const limitCaps = library.table(
    'limit_caps',
    {
      plan: text('plan').notNull(),
      feature: text('feature').notNull(),
      /** Null: unlimited. */
      cap: amount('cap'),
    },
    (table) => [
      primaryKey({ columns: [table.plan, table.feature] }),
      // NaN and Infinity are greater than every number: a bound above refuses both.
      check('limit_caps_cap_check', sql`${table.cap} between '0' and ${sql.raw(`'${CAP_MAX}'`)}`),
    ],
  )

  /** One row for each account that ever used something: its lock orders changes of its plan and new counters. */
  const limitAccounts = library.table('limit_accounts', {
    account: account().primaryKey(),
    refreshedAt: instant('refreshed_at').notNull(),
  })

  /** Exceptions from the plan, for one account. */
  const limitOverrides = library.table(
    'limit_overrides',
    {
      account: account(),
      feature: text('feature').notNull(),
      /** Instead of the plan's. Null: unlimited. */
      cap: amount('cap'),
      /** From when on the plan's cap is in force again. Null: never. */
      expiresAt: instant('expires_at'),
      reason: text('reason'),
      createdAt: createdAt(),
    },
    (table) => [
      primaryKey({ columns: [table.account, table.feature] }),
      check('limit_overrides_cap_check', sql`${table.cap} between '0' and ${sql.raw(`'${CAP_MAX}'`)}`),
    ],
  )

  /** What was used in one period. The row of the period that is open holds the cap that is in force. */
  const limitCounters = library.table(
    'limit_counters',
    {
      account: account(),
      feature: text('feature').notNull(),
      /** Empty where the feature isn't counted by subject. */
      subject: text('subject').notNull(),
      starts: instant('starts').notNull(),
      ends: instant('ends').notNull(),
      kind: text('kind').notNull(),
      plan: text('plan'),
      /** Null: unlimited. */
      cap: amount('cap'),
      /** Whether the standing of the account admits anything. */
      consumes: boolean('consumes').notNull(),
      /** Until when plan, cap and standing hold; they are looked up again by the first caller after it. */
      validUntil: instant('valid_until').notNull(),
      used: amount('used').notNull().default(0),
      /** Held by work that isn't finished. */
      reserved: amount('reserved').notNull().default(0),
      /** Delivered beyond the cap, or after the hold had run out. */
      overage: amount('overage').notNull().default(0),
    },
    (table) => [
      // The end leads to the open period: an index scan that begins at now finds one row, not a history.
      primaryKey({ columns: [table.account, table.feature, table.subject, table.ends] }),
      // One, and with a literal of the column's type: each UPDATE reads the text of a check anew, and folds its casts.
      // That a period begins before it ends is so by how `limit_open` makes it: around the time at which it is asked.
      check('limit_counters_check', sql`least(${table.used}, ${table.reserved}, ${table.overage}) >= '0'`),
    ],
  )

  /** Units held for work under way, and effects that have a key. */
  const limitHolds = library.table(
    'limit_holds',
    {
      id: uuid('id').primaryKey().defaultRandom(),
      account: account(),
      key: text('key').notNull(),
      feature: text('feature').notNull(),
      subject: text('subject').notNull(),
      /** Of the counter that it belongs to. */
      ends: instant('ends').notNull(),
      amount: amount('amount').notNull(),
      /** As it was asked for. Null: consumed at once. */
      ttlMs: bigint('ttl_ms', { mode: 'number' }),
      expiresAt: instant('expires_at'),
      /** `pending`, then `committed`, `released`, `expired` or, finished after it had expired, `late`. */
      state: text('state').notNull(),
      /** What the work took in the end. */
      actual: amount('actual'),
      createdAt: createdAt(),
      resolvedAt: instant('resolved_at'),
    },
    (table) => [
      uniqueIndex('limit_holds_key')
        .on(table.account, table.key)
        .where(sql`state in ('pending', 'committed')`),
      index('limit_holds_pending_idx')
        .on(table.expiresAt)
        .where(sql`state = 'pending'`),
      // For forgetting keys; it costs an insert next to nothing.
      index('limit_holds_created_idx').using('brin', table.createdAt),
    ],
  )

  /** Rows of guarded tables that were counted, each once. */
  const limitMarks = library.table(
    'limit_marks',
    {
      feature: text('feature').notNull(),
      /** The primary key of the row. */
      rowKey: text('row_key').notNull(),
      account: account(),
      subject: text('subject').notNull(),
      ends: instant('ends').notNull(),
      amount: amount('amount').notNull(),
    },
    (table) => [primaryKey({ columns: [table.feature, table.rowKey] })],
  )

  return {
    limitFeatures,
    limitPlans,
    limitCaps,
    limitAccounts,
    limitOverrides,
    limitCounters,
    limitHolds,
    limitMarks,
  }
}

export type PlanTables = ReturnType<typeof planTables>
