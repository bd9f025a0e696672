import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { ROLES } from '@tenantry/rls'
import { articles, articleSections } from '../schema/index.ts'

/** Beyond every clock, and still a Date, which `infinity` isn't. */
const NEVER = `timestamptz '9999-12-31 00:00:00+00'`

const WAIT = { schema: 'tenantry', name: 'wait_for_generating' }
const OFFER = { schema: 'tenantry', name: 'offer_sections' }
const DELIVER = { schema: 'tenantry', name: 'deliver_article' }

/**
 * Sections are there to be claimed while their article is being generated, and at no other time: that is what the
 * plan counts, and what nobody may get around by a draft, or by an article that was given up.
 */
export const sections = lazyModule({
  name: 'sections',
  objects: () => [
    sqlFunction({
      ...WAIT,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      // The article stays as it is found until the section is there, so that whoever moves it next offers the section,
      // or takes it back.
      body: `
declare
  status text;
begin
  select article.status into status
  from public.articles as article
  where article.organization_id = new.organization_id and article.id = new.article_id
  for share;
  if status is distinct from 'generating' then
    new.available_at := ${NEVER};
  end if;
  return new;
end`,
    }),
    trigger({
      table: articleSections,
      // After guard_lease_of_status, which makes a section that is put back available at once.
      name: 'wait_for_generating',
      timing: 'before',
      events: ['insert', { updateOf: ['status'] }],
      when: `new.status = 'pending'`,
      execute: WAIT,
    }),
    sqlFunction({
      ...OFFER,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      // When a section is available isn't a member's to write; whose it is follows from their article.
      security: 'definer',
      owner: ROLES.service,
      body: `
begin
  update public.article_sections
  set available_at = case new.status when 'generating' then pg_catalog.statement_timestamp() else ${NEVER} end
  where organization_id = new.organization_id and article_id = new.id and status = 'pending'
    and (available_at = ${NEVER}) = (new.status = 'generating');
  return null;
end`,
    }),
    trigger({
      table: articles,
      name: 'offer_sections',
      timing: 'after',
      events: [{ updateOf: ['status'] }],
      when: `(new.status = 'generating') <> (old.status = 'generating')`,
      execute: OFFER,
    }),
    sqlFunction({
      ...DELIVER,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      // A stamp that no member may write, or they would read a text, empty it, and have the article's unit back.
      security: 'definer',
      owner: ROLES.service,
      body: `
begin
  update public.articles
  set delivered_at = pg_catalog.statement_timestamp()
  where organization_id = new.organization_id and id = new.article_id and delivered_at is null;
  return null;
end`,
    }),
    trigger({
      table: articleSections,
      name: 'deliver_article',
      timing: 'after',
      events: ['insert', { updateOf: ['content', 'html_content'] }],
      when: 'new.content is not null or new.html_content is not null',
      execute: { ...DELIVER, owner: ROLES.service },
    }),
  ],
})
