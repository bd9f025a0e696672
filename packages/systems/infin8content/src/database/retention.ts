/**
 * How long rows are kept: what the document says, and no more. A rate limit's row is the limit itself, and holds its
 * calls only while they count; transitions of workflows are kept for good.
 */
import { type ArchiveStore, defineRetention, retention, type Retention } from '@tenantry/retention'
import { sql } from 'drizzle-orm'
import * as schema from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'
import { AUDIT_DAYS } from '../types/enums.ts'

const { auditLogs, tavilyResearchCache } = schema

const rules = [
  defineRetention(tavilyResearchCache, {
    name: 'research-cache',
    // Nothing reads an entry that has expired; an hour is the least that a rule can wait.
    age: { column: 'cachedUntil', hours: 1 },
    // One that somebody is filling has expired from its beginning.
    where: sql`${tavilyResearchCache.fillUntil} is null or ${tavilyResearchCache.fillUntil} < pg_catalog.now()`,
    action: 'delete',
    // After a quiet day all of it has expired.
    floors: { maxFraction: null },
    // A copy of what the research service says; no record of anything.
    hold: false,
  }),
  defineRetention(auditLogs, {
    name: 'audit-logs',
    age: { column: 'createdAt', days: AUDIT_DAYS },
    action: 'archive-then-delete',
    floors: { minimumDays: AUDIT_DAYS },
  }),
]

/** `archive`: where removed audit rows are kept. Null: each run has to be given one. */
export const retentionWith = (archive: ArchiveStore | null): Retention =>
  retention({
    rules,
    schema,
    tenants: tenancy.tables,
    schedules: { 'research-cache': '17 * * * *' },
    ...(archive === null ? {} : { store: archive }),
  })
