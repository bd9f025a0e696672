/** What operators read: `readers` of the system see it, and the service role writes it. */
import { defineRepository } from '@tenantry/repository'
import {
  cohortAnalysis,
  dataRetentionPolicies,
  metricAnomalies,
  queryPerformanceLog,
} from '../schema/index.ts'
import { retentionInput } from '../types/inputs.ts'

/** Cohorts as `analytics.computeCohorts` left them. */
export const cohorts = defineRepository(cohortAnalysis, {
  tenant: null,
  defaultSort: [{ cohortPeriod: 'asc' }, { cohortDate: 'asc' }, { periodNumber: 'asc' }],
})

/** Days on which a metric was far from its usual. */
export const anomalies = defineRepository(metricAnomalies, { tenant: null, defaultSort: [{ day: 'desc' }] })

/**
 * For how long rows are kept, by table. A policy can be lengthened and paused; below the floor of its table
 * (RETENTION_DAYS_MIN) it is a CheckViolationError.
 */
export const retention = defineRepository(dataRetentionPolicies, {
  tenant: null,
  schema: { update: retentionInput },
  defaultSort: [{ tableName: 'asc' }],
})

/** Slow statements, as `log_slow_query()` found them. */
export const slowQueries = defineRepository(queryPerformanceLog, {
  tenant: null,
  defaultSort: [{ createdAt: 'desc' }],
})
