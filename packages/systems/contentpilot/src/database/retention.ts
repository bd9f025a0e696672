import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import {
  type ArchiveStore,
  defineRetention,
  expireArchive,
  type Retention,
  retention,
  RETENTION_ROLE,
  rollUp,
} from '@tenantry/retention'
import { sql } from 'drizzle-orm'
import * as schema from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'

const { auditLogs, classifiedTopics, generatedDrafts, rawTopics, usageMonthly, usageTracking } = schema

const auditTrail = defineRetention(auditLogs, {
  age: { column: 'createdAt', years: 1 },
  action: 'archive-then-delete',
})

/** Ages by `created_at`, as documented. Drafts go before the topics that they keep. */
const rules = [
  // What was posted, or may still be, stays.
  defineRetention(generatedDrafts, {
    name: 'rejected_drafts',
    age: { column: 'createdAt', days: 90 },
    where: sql`${generatedDrafts.status} = 'rejected'`,
    action: 'delete',
  }),
  defineRetention(classifiedTopics, {
    age: { column: 'createdAt', days: 180 },
    where: sql`not exists (
      select from ${generatedDrafts}
      where ${generatedDrafts.userId} = ${classifiedTopics.userId} and ${generatedDrafts.topicId} = ${classifiedTopics.id}
    )`,
    reads: [generatedDrafts],
    // The drafts that would go with a topic keep it: see draftedTopics.
    action: { kind: 'archive-then-delete', cascades: 'delete' },
  }),
  defineRetention(rawTopics, {
    age: { column: 'createdAt', days: 90 },
    where: sql`${rawTopics.status} in ('archived', 'classified')`,
    // A classified topic outlives its raw one, and then names none.
    action: { kind: 'archive-then-delete', cascades: 'delete' },
  }),
  auditTrail,
  // Six years there, after one in the table.
  expireArchive(auditTrail, { years: 6 }),
  defineRetention(usageTracking, {
    age: { column: 'createdAt', years: 2 },
    action: rollUp(usageTracking, usageMonthly, {
      month: 'month',
      groupBy: { userId: 'userId', resourceType: 'resourceType' },
      sums: { costCents: 'costCents' },
      count: 'count',
      dropPartitions: true,
    }),
  }),
]

/** Each at night, one after the other, as far as one waits for another. */
const schedules = {
  rejected_drafts: '30 1 * * *',
  classified_topics: '45 1 * * *',
  raw_topics: '0 2 * * *',
  audit_logs: '30 2 * * *',
  audit_logs_archive: '0 3 * * 0',
  usage_tracking: '0 4 * * *',
}

export function retentionWith(archive: ArchiveStore | null): Retention {
  return retention({
    rules,
    schema,
    tenants: tenancy.tables,
    schedules,
    ...(archive === null ? {} : { store: archive }),
  })
}

const KEEP = { schema: 'tenantry', name: 'keep_drafted_classified_topics' }

/**
 * The rule's condition is as old as its statement; a draft that came since would go with its topic. This looks once
 * more, when the row is locked and no draft can come any more.
 */
export const draftedTopics = lazyModule({
  name: 'drafted topics',
  objects: () => [
    sqlFunction({
      ...KEEP,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `
begin
  if exists (select from public.generated_drafts where user_id = old.user_id and topic_id = old.id) then
    return null;
  end if;
  return old;
end`,
    }),
    trigger({
      table: classifiedTopics,
      name: 'keep_drafted',
      timing: 'before',
      events: ['delete'],
      when: `current_user = '${RETENTION_ROLE}'`,
      execute: KEEP,
    }),
  ],
})
