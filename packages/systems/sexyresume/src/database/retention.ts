import { type Job, lazyModule } from '@tenantry/core'
import {
  type ArchiveStore,
  defineRetention,
  dropPartitions,
  type PolicySource,
  purgeFunction,
  retention,
  type Retention,
} from '@tenantry/retention'
import { ROLES } from '@tenantry/rls'
import { lt, sql } from 'drizzle-orm'
import * as schema from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'
import { REMOVED_DAYS, RETENTION_DAYS_MIN } from '../types/enums.ts'

/** Most of what is short-lived is old at any time. */
const anyShare = { maxFraction: null }

const exports = defineRetention(schema.exports, {
  age: { column: 'createdAt', days: RETENTION_DAYS_MIN.exports },
  // A file may have been made late; it is kept for a day from then.
  where: lt(schema.exports.expiresAt, sql`now()`),
  action: 'delete',
  floors: anyShare,
})

const sessions = defineRetention(schema.userSessions, {
  age: { column: 'expiresAt', hours: 1 },
  action: 'delete',
  floors: anyShare,
})

const [coverLetters, resumes] = [
  defineRetention(schema.coverLetters, {
    age: { column: 'updatedAt', days: RETENTION_DAYS_MIN.cover_letters },
    action: { kind: 'soft-delete-then-purge', column: 'deletedAt', purgeAfterDays: REMOVED_DAYS },
  }),
  // With a resume go the enhancements and recommendations of it.
  defineRetention(schema.resumes, {
    age: { column: 'updatedAt', days: RETENTION_DAYS_MIN.resumes },
    action: { kind: 'soft-delete-then-purge', column: 'deletedAt', purgeAfterDays: REMOVED_DAYS },
  }),
]

const receipts = defineRetention(schema.paymentReceipts, {
  age: { column: 'createdAt', days: RETENTION_DAYS_MIN.payment_receipts },
  action: 'delete',
})

/** By whole months. */
const events = defineRetention(schema.analyticsEvents, {
  age: { column: 'timestamp', days: RETENTION_DAYS_MIN.analytics_events },
  action: dropPartitions(),
})

const auditLogs = defineRetention(schema.auditLogs, {
  age: { column: 'createdAt', days: RETENTION_DAYS_MIN.audit_logs },
  action: 'archive-then-delete',
})

/** Those that a statement can apply, in the order in which they are. */
const direct = [exports, sessions, coverLetters, resumes, receipts]
const shared = { schema, tenants: tenancy.tables }

/** The rows of data_retention_policies, by the rule's table. */
const policy: PolicySource = {
  reads: [schema.dataRetentionPolicies],
  async resolve(connection, { name }) {
    const { rows } = await connection.query({
      text: 'select retention_days::text, is_active from public.data_retention_policies where table_name = $1',
      params: [name],
    })
    const [days, active] = rows[0] ?? []
    return rows.length === 0 ? null : { days: Number(days), paused: active === false }
  },
}

/** The same as functions of the database: `tenantry.purge_data(rules)`. */
export const purge = lazyModule({
  name: 'purge',
  objects: () => [
    purgeFunction({
      ...shared,
      name: 'purge_data',
      rules: direct,
      policy: ({ name }) => ({
        days: `(select known.retention_days from public.data_retention_policies as known where known.table_name = '${name}')`,
        paused: `(select not known.is_active from public.data_retention_policies as known where known.table_name = '${name}')`,
      }),
    }),
  ],
})

/** All rules. `store`: where their jobs put analytics events and audit logs before these go; null: they refuse to run. */
export function retentionWith(store: ArchiveStore | null): Retention {
  const declared = retention({
    ...shared,
    rules: [...direct, events, auditLogs],
    policy,
    // Files and sessions are of hours; the others are looked at each night, one after the other.
    schedules: {
      exports: '50 * * * *',
      user_sessions: '55 * * * *',
      cover_letters: '10 3 * * *',
      resumes: '20 3 * * *',
      payment_receipts: '30 3 * * *',
      analytics_events: '40 3 * * *',
      audit_logs: '50 3 * * *',
    },
    ...(store === null ? {} : { store }),
  })
  const { jobs = [] } = declared.module
  return { ...declared, module: { ...declared.module, jobs: jobs.map(withSql) } }
}

/** A rule that a function of the database applies is pg_cron's to run as well. */
function withSql(job: Job): Job {
  const rule = direct.find(({ name }) => job.name === `retention ${name}`)
  if (rule === undefined) return job
  const call = `tenantry.purge_data('{${rule.name}}')`
  return { ...job, sql: `do $$ begin set local role ${ROLES.service}; perform ${call}; end $$` }
}
