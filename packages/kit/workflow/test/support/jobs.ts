/** A system with two claimed tables: one with a text state and everything said, one with an enum and defaults. */
import { createdAt, id } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, index, integer, jsonb, pgEnum, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { defineTenancy, tenancyObjects } from '@tenantry/rls'
import { defineClaims, leaseColumns } from '../../src/index.ts'

export const jobs = pgTable(
  'jobs',
  {
    id: id(),
    userId: text('user_id').notNull(),
    title: text('title').notNull().default(''),
    priority: integer('priority').notNull().default(0),
    status: text('status').notNull().default('queued'),
    result: jsonb('result').$type<{ readonly words: number }>(),
    startedAt: timestamp('started_at', { withTimezone: true }),
    ...leaseColumns(),
    createdAt: createdAt(),
  },
  (table) => [
    index('jobs_user').on(table.userId),
    check(
      'jobs_status_check',
      sql.raw(
        `"status" in ('queued', 'fetching', 'writing', 'done', 'empty', 'failed', 'timeout', 'cancelled')`,
      ),
    ),
  ],
)

export const outputStatus = pgEnum('output_status', ['queued', 'processing', 'completed', 'failed'])

export const outputs = pgTable(
  'outputs',
  {
    id: id(),
    userId: text('user_id').notNull(),
    status: outputStatus('status').notNull().default('queued'),
    body: text('body'),
    ...leaseColumns(),
    createdAt: createdAt(),
  },
  (table) => [index('outputs_user').on(table.userId)],
)

export const schema = { jobs, outputStatus, outputs }

export const jobOptions = {
  table: jobs,
  tenant: 'userId',
  state: {
    column: 'status',
    ready: 'queued',
    working: ['fetching', 'writing'],
    done: ['done', 'empty'],
    failed: 'failed',
    abandoned: 'timeout',
  },
  edges: { queued: ['cancelled'], cancelled: [], failed: ['queued'], timeout: ['queued'] },
  stamps: { fetching: 'startedAt' },
  priority: 'priority',
  leaseSeconds: 60,
  maxAttempts: 3,
  backoff: { baseSeconds: 10, maxSeconds: 15 },
} as const

export const jobClaims = defineClaims(jobOptions)

/** The same work by workers that can't wait long for each other's leases. */
export const hastyClaims = defineClaims({ ...jobOptions, backoff: { baseSeconds: 0.5, maxSeconds: 0.5 } })

export const outputClaims = defineClaims({
  table: outputs,
  tenant: 'userId',
  state: { column: 'status', ready: 'queued', working: 'processing', done: 'completed', failed: 'failed' },
  leaseSeconds: 3600,
})

const managed = ['createdAt', 'status', 'leaseToken', 'attempts', 'availableAt', 'lastError'] as const

export const tenancy = defineTenancy({
  kind: 'user-text',
  schema,
  tables: {
    jobs: { class: 'tenant', column: 'userId', managed: [...managed, 'startedAt', 'priority'] },
    outputs: { class: 'tenant', column: 'userId', managed },
  },
})

export const objects = [
  ...tenancyObjects(tenancy),
  ...jobClaims.module.objects,
  ...outputClaims.module.objects,
]
