import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { defineStateMachine } from '@tenantry/workflow'
import { generatedDrafts } from '../schema/index.ts'

/**
 * draft → approved | rejected; approved → scheduled | posted | rejected; scheduled → posted | approved.
 * A row may begin in any state that has been delivered, so that history can be imported.
 */
export const draftMachine = defineStateMachine({
  table: generatedDrafts,
  column: 'status',
  initial: ['draft', 'approved', 'scheduled', 'posted'],
  edges: {
    draft: ['approved', 'rejected'],
    approved: ['scheduled', 'posted', 'rejected'],
    scheduled: ['posted', 'approved'],
    posted: [],
    rejected: [],
  },
  stamps: { approved: 'approvedAt', posted: 'postedAt' },
  requires: {
    scheduled: {
      condition: 'new.scheduled_for > pg_catalog.now()',
      on: ['scheduledFor'],
      message: 'a scheduled draft needs a time in the future (scheduled_for)',
    },
  },
})

const FUNCTION = { schema: 'tenantry', name: 'assemble_generated_drafts_full_text' }

/**
 * `full_text` is hook, body, cta and hashtags with an empty line between them, unless it is given. A text that
 * was assembled follows its parts when they change; one that was given stays.
 */
export const draftText = lazyModule({
  name: 'draft text',
  objects: () => [
    sqlFunction({
      ...FUNCTION,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `
declare
  separator constant text := E'\\n\\n';
begin
  if tg_op = 'UPDATE' then
    if new.full_text is distinct from old.full_text and new.full_text <> '' then
      return new;
    end if;
    if new.full_text <> '' and old.full_text is distinct from
      pg_catalog.concat_ws(separator, old.hook, old.body, nullif(old.cta, ''), nullif(old.hashtags, ''))
    then
      return new;
    end if;
  elsif new.full_text <> '' then
    return new;
  end if;
  new.full_text := pg_catalog.concat_ws(separator, new.hook, new.body, nullif(new.cta, ''), nullif(new.hashtags, ''));
  return new;
end`,
    }),
    trigger({
      table: generatedDrafts,
      name: 'assemble_full_text',
      timing: 'before',
      events: ['insert', { updateOf: ['hook', 'body', 'cta', 'hashtags', 'full_text'] }],
      execute: FUNCTION,
    }),
  ],
})
