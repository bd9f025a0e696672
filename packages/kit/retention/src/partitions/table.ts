import { createdAt, id, instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, index, pgSchema, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { LIBRARY_SCHEMA } from '../names.ts'

/**
 * Partitions on their way out, and those that went. Written before a partition is detached: from then on nothing in
 * the catalog says whose it was.
 */
export const partitionRetirements = pgSchema(LIBRARY_SCHEMA).table(
  'partition_retirements',
  {
    id: id(),
    /** `schema.name` of the partitioned table. */
    parent: text('parent').notNull(),
    /** `schema.name`. */
    partition: text('partition').notNull(),
    /** `FOR VALUES FROM (…) TO (…)`, with timestamps in UTC: to attach it again. */
    bound: text('bound').notNull(),
    /** Of its rows before they were archived; null: they needed no archive. */
    fingerprint: text('fingerprint'),
    /** Rows of `archive_segments` that hold its rows. */
    segments: uuid('segments')
      .array()
      .notNull()
      .default(sql`'{}'::uuid[]`),
    startedAt: createdAt(),
    finishedAt: instant('finished_at'),
    /** Null while it is on its way. */
    outcome: text('outcome'),
  },
  (table) => [
    uniqueIndex('partition_retirements_open')
      .on(table.partition)
      .where(sql`${table.finishedAt} is null`),
    index('partition_retirements_parent').on(table.parent, table.startedAt),
    check('partition_retirements_outcome', sql`${table.outcome} in ('dropped', 'kept')`),
    check('partition_retirements_finished', sql`(${table.finishedAt} is null) = (${table.outcome} is null)`),
  ],
)
