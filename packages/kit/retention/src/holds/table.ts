import { id, instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, index, jsonb, pgSchema, text } from 'drizzle-orm/pg-core'
import { LIBRARY_SCHEMA } from '../names.ts'

/**
 * Legal holds, active and past. Exactly one of: a tenant, a table (`table_name` alone), a row (`table_name` and
 * `row_key`). A hold is in force until it is released or its `until` has passed.
 */
export const legalHolds = pgSchema(LIBRARY_SCHEMA).table(
  'legal_holds',
  {
    id: id(),
    /** The tenant's id as text. */
    tenant: text('tenant'),
    /** `schema.name`. */
    tableName: text('table_name'),
    /** The row's primary key: column names and values in one text form, whatever the session's settings. */
    rowKey: jsonb('row_key').$type<Readonly<Record<string, string>>>(),
    reason: text('reason').notNull(),
    placedBy: text('placed_by').notNull(),
    placedAt: instant('placed_at')
      .notNull()
      .default(sql`now()`),
    /** Null: until it is released. */
    until: instant('until'),
    releasedBy: text('released_by'),
    releasedAt: instant('released_at'),
    releaseReason: text('release_reason'),
  },
  (table) => [
    index('legal_holds_tenant')
      .on(table.tenant)
      .where(sql`${table.releasedAt} is null`),
    index('legal_holds_row')
      .on(table.tableName, table.rowKey)
      .where(sql`${table.releasedAt} is null`),
    check(
      'legal_holds_subject',
      sql`(${table.tenant} is not null) <> (${table.tableName} is not null) and (${table.rowKey} is null or ${table.tableName} is not null)`,
    ),
    check('legal_holds_said', sql`length(trim(${table.reason})) > 0 and length(trim(${table.placedBy})) > 0`),
    check(
      'legal_holds_release',
      sql`(${table.releasedAt} is null) = (${table.releasedBy} is null) and (${table.releasedAt} is null) = (${table.releaseReason} is null)`,
    ),
  ],
)
