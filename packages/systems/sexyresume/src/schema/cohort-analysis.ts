import { id, instant, oneOf } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, date, integer, numeric, pgTable, text, unique } from 'drizzle-orm/pg-core'
import { COHORT_PERIODS } from '../types/enums.ts'

/** Who of those that signed up in one period came back, and paid, in each period since. */
export const cohortAnalysis = pgTable(
  'cohort_analysis',
  {
    id: id(),
    cohortPeriod: text('cohort_period', { enum: COHORT_PERIODS }).notNull(),
    /** First day of the period, UTC: a Monday or the first of a month. */
    cohortDate: date('cohort_date', { mode: 'string' }).notNull(),
    /** Periods since the sign-up; 0 is the period of the sign-up itself. */
    periodNumber: integer('period_number').notNull(),
    userCount: integer('user_count').notNull(),
    retainedUsers: integer('retained_users').notNull(),
    /** Percent. */
    retentionRate: numeric('retention_rate', { precision: 5, scale: 2, mode: 'number' }).notNull(),
    /** In the smallest unit of the currency. */
    revenueTotal: integer('revenue_total').notNull().default(0),
    revenuePerUser: numeric('revenue_per_user', { precision: 10, scale: 2, mode: 'number' })
      .notNull()
      .default(0),
    computedAt: instant('computed_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [
    unique('cohort_analysis_cohort_key').on(table.cohortPeriod, table.cohortDate, table.periodNumber),
    check('cohort_analysis_cohort_period_check', oneOf(table.cohortPeriod, COHORT_PERIODS)),
    check('cohort_analysis_period_number_check', sql`${table.periodNumber} >= 0`),
    check(
      'cohort_analysis_retained_users_check',
      sql`${table.retainedUsers} between 0 and ${table.userCount}`,
    ),
  ],
)
