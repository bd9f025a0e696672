import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { publishReferences } from '../schema/index.ts'

const FOLLOW = { schema: 'tenantry', name: 'follow_publishing' }

/** The article's own statuses follow its reference, whoever moves that: a verb, a worker, or a claim that gives it up. */
export const publishing = lazyModule({
  name: 'publishing',
  objects: () => [
    sqlFunction({
      ...FOLLOW,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      // A WordPress post's number is kept as one; another platform's id isn't one.
      body: `
begin
  if tg_op = 'INSERT' then
    -- An expression of its own: an insert has no row before it. What is imported brings its own statuses.
    if new.publish_status <> 'pending' then return null; end if;
  elsif new.publish_status in (old.publish_status, 'publishing') then
    return null;
  end if;
  update public.articles as article
  set publish_status = case new.publish_status when 'pending' then 'publishing' else new.publish_status end,
    status = case new.publish_status when 'published' then 'published' else article.status end,
    wordpress_url = case new.publish_status when 'published' then new.platform_url else article.wordpress_url end,
    wordpress_post_id = case
      when new.publish_status <> 'published' then article.wordpress_post_id
      when new.platform_post_id ~ '^[0-9]{1,15}$' then new.platform_post_id::bigint
    end
  where article.organization_id = new.organization_id and article.id = new.article_id
    and (
      new.publish_status = 'published'
      or (new.publish_status = 'failed' and article.publish_status = 'publishing')
      or (new.publish_status = 'pending' and article.publish_status <> 'publishing')
    );
  return null;
end`,
    }),
    trigger({
      table: publishReferences,
      name: 'follow_publishing',
      timing: 'after',
      events: ['insert', { updateOf: ['publish_status'] }],
      execute: FOLLOW,
    }),
  ],
})
