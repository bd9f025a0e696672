import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { definePlans, guard } from '@tenantry/limits'
import { contextExpressions } from '@tenantry/rls'
import { generatedDrafts, pillars, subscriptions, users, voiceExamples } from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'
import { PAST_DUE_GRACE_DAYS, PLAN_LIMITS } from '../types/enums.ts'

const LIVE = `row.status not in ('inactive', 'archived')`

/** What a customer's plan allows, counted in the database whoever writes. */
export const plans = definePlans({
  features: {
    // A subscription without an anchor has the calendar's months, in UTC: so the choice is each subscription's.
    posts: { kind: 'metered', per: 'billing_month' },
    pillars: { kind: 'allocated' },
    regenerations: { kind: 'metered', per: 'calendar_month', subject: 'topic' },
    voice_examples: { kind: 'allocated' },
    generations: { kind: 'metered', per: 'calendar_month' },
  },
  plans: PLAN_LIMITS,
  subscription: {
    table: subscriptions,
    account: 'userId',
    plan: 'planType',
    status: 'status',
    anchor: 'billingAnchor',
  },
  standing: {
    // Until a date, not until somebody says so: a webhook that is late or lost prolongs nothing.
    trialing: { until: 'trialEnd' },
    active: { until: 'endsAt' },
    past_due: { until: 'pastDueSince', graceDays: PAST_DUE_GRACE_DAYS },
    paused: 'reads',
    canceled: { until: 'endsAt' },
  },
  tenant: { expression: contextExpressions(tenancy).tenant, type: 'uuid' },
  accounts: users.id,
  guards: [
    guard({
      table: generatedDrafts,
      account: 'userId',
      counts: [{ feature: 'posts', where: `row.status in ('approved', 'scheduled', 'posted')`, once: true }],
    }),
    guard({ table: pillars, account: 'userId', counts: [{ feature: 'pillars', where: LIVE }] }),
    guard({ table: voiceExamples, account: 'userId', counts: [{ feature: 'voice_examples', where: LIVE }] }),
  ],
})

/** Names the hold under which a text is written anew, for the length of a transaction. */
export const REGENERATION_HOLD = 'tenantry.regeneration_hold'

const ENFORCE = { name: 'enforce_subscription_limits' }
const PARTS = ['hook', 'body', 'cta', 'hashtags', 'full_text'] as const

/**
 * The documented function and trigger count what a guard on rows can't see: that the text of a draft is another one.
 * (An edit is kept beside the text.) Posts are counted by the guard above.
 */
export const regenerationLimit = lazyModule({
  name: 'regeneration limit',
  objects: () => [
    sqlFunction({
      ...ENFORCE,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `
declare
  hold constant text := nullif(pg_catalog.current_setting('${REGENERATION_HOLD}', true), '');
  taken jsonb;
begin
  if hold is null then
    perform tenantry.limit_consume(new.user_id, 'regenerations', new.topic_id::text, 1, null);
    return null;
  end if;
  taken := tenantry.limit_commit(new.user_id, hold::uuid, 1);
  -- One hold is one text, of the topic that it was made for.
  if (taken ->> 'feature' = 'regenerations' and taken ->> 'subject' = new.topic_id::text and taken -> 'replayed' = 'false') is not true then
    raise exception 'the hold is not for this text' using errcode = 'TN003';
  end if;
  -- Late work is kept beyond the limit, but no more of it than the limit: or holds that run out would be the way around.
  if taken ->> 'state' = 'late' and exists (
    select from tenantry.limit_counters as counter
    where counter.account = new.user_id and counter.feature = 'regenerations' and counter.subject = new.topic_id::text
      and counter.overage > counter.cap
  ) then
    perform tenantry.limit_consume(new.user_id, 'regenerations', new.topic_id::text, 1, null);
  end if;
  return null;
end`,
    }),
    trigger({
      table: generatedDrafts,
      name: 'enforce_draft_limits',
      timing: 'after',
      events: ['update'],
      when: `(${PARTS.map((part) => `old.${part}`).join(', ')}) is distinct from (${PARTS.map((part) => `new.${part}`).join(', ')})`,
      execute: ENFORCE,
      enable: 'always',
    }),
  ],
})

const STAMP = { schema: 'tenantry', name: 'stamp_past_due_subscriptions' }

/** Since when a payment is overdue: by the database's clock, as the status changes, and kept while it stays so. */
export const pastDue = lazyModule({
  name: 'past due',
  objects: () => [
    sqlFunction({
      ...STAMP,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `
begin
  new.past_due_since := case when new.status = 'past_due' then coalesce(new.past_due_since, pg_catalog.now()) end;
  return new;
end`,
    }),
    trigger({
      table: subscriptions,
      name: 'stamp_past_due',
      timing: 'before',
      events: ['insert', { updateOf: ['status', 'past_due_since'] }],
      execute: STAMP,
    }),
  ],
})
