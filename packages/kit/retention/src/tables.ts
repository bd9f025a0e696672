/** What retention remembers. All of it is the service role's and `tenantry_retention`'s alone. */
import { createdAt, id, instant } from '@tenantry/core'
import { bigint, index, integer, jsonb, pgSchema, text, unique, uuid } from 'drizzle-orm/pg-core'
import { LIBRARY_SCHEMA } from './names.ts'

const library = pgSchema(LIBRARY_SCHEMA)

/** One pass of one rule, from its pinned cut-off to its end, over as many processes as it takes. */
export const retentionRuns = library.table(
  'retention_runs',
  {
    id: id(),
    rule: text('rule').notNull(),
    /** `schema.name` of the table. */
    relation: text('relation').notNull(),
    action: text('action').notNull(),
    /** By the database's clock when the run began: what is older may go. */
    cutoff: instant('cutoff').notNull(),
    createdAt: createdAt(),
    /** Null: not at its end yet; the next worker goes on with it. */
    finishedAt: instant('finished_at'),
  },
  (table) => [index('retention_runs_rule').on(table.rule, table.createdAt)],
)

/** Who works on a rule. Every transaction that deletes holds the row's lock and compares the fence. */
export const retentionLeases = library.table('retention_leases', {
  rule: text('rule').primaryKey(),
  /** Raised by each worker that takes the rule: an earlier one is told apart by it, however late it wakes. */
  fence: bigint('fence', { mode: 'bigint' }).notNull(),
  expiresAt: instant('expires_at').notNull(),
})

/** The manifest: one row for each object that was read back and found whole. Without a row an object is nothing. */
export const archiveSegments = library.table(
  'archive_segments',
  {
    id: id(),
    runId: uuid('run_id').notNull(),
    rule: text('rule').notNull(),
    relation: text('relation').notNull(),
    sequence: integer('sequence').notNull(),
    /** Of the object in the store. */
    key: text('key').notNull(),
    format: text('format').notNull(),
    rowCount: bigint('row_count', { mode: 'number' }).notNull(),
    /** SHA-256 of the rows as lines, whatever the format; hex. */
    contentSha256: text('content_sha256').notNull(),
    /** SHA-256 of the object as it was read back; hex. */
    objectSha256: text('object_sha256').notNull(),
    objectBytes: bigint('object_bytes', { mode: 'number' }).notNull(),
    /** Name, type and nullability of each column, and the primary key, when the rows were archived. */
    shape: jsonb('shape').notNull(),
    /** Where the next segment begins. */
    position: jsonb('position').notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    unique('archive_segments_run').on(table.runId, table.sequence),
    unique('archive_segments_key').on(table.key),
    index('archive_segments_rule').on(table.rule, table.createdAt),
  ],
)

/** One row for each transaction that deleted or changed rows, written by the same statement. */
export const retentionBatches = library.table(
  'retention_batches',
  {
    id: id(),
    runId: uuid('run_id').notNull(),
    /** Null: the rows weren't archived. */
    segmentId: uuid('segment_id'),
    /** Of the worker that did it. */
    fence: bigint('fence', { mode: 'bigint' }).notNull(),
    /** `delete`, `soft-delete`, `anonymise`, and what other actions call theirs. */
    effect: text('effect').notNull(),
    changed: integer('changed').notNull(),
    /** Lines of the segment that this transaction dealt with, from 0; null without a segment. */
    firstLine: integer('first_line'),
    lastLine: integer('last_line'),
    /** Lines among them whose rows stayed: changed since, held, referred to or locked. */
    keptLines: integer('kept_lines').array(),
    createdAt: createdAt(),
  },
  (table) => [
    index('retention_batches_run').on(table.runId, table.createdAt),
    index('retention_batches_segment').on(table.segmentId, table.lastLine),
  ],
)
