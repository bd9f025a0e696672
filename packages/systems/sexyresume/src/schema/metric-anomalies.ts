import { id, instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { date, doublePrecision, pgTable, text, unique } from 'drizzle-orm/pg-core'

/** Days on which a metric was far from what the four weeks before had it. */
export const metricAnomalies = pgTable(
  'metric_anomalies',
  {
    id: id(),
    metric: text('metric').notNull(),
    /** UTC. */
    day: date('day', { mode: 'string' }).notNull(),
    value: doublePrecision('value').notNull(),
    /** The mean of the days before. */
    expected: doublePrecision('expected').notNull(),
    /** How many standard deviations lie between; negative: less than expected. */
    deviations: doublePrecision('deviations').notNull(),
    detectedAt: instant('detected_at')
      .notNull()
      .default(sql`now()`),
  },
  (table) => [unique('metric_anomalies_metric_day_key').on(table.metric, table.day)],
)
