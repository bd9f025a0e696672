-- Ten times the documented numbers of rows: 10,000 workflows with 50 keywords, 15 clusters and 5 approvals each,
-- 100,000 articles of 10 sections, spread over 100 organizations. Keys follow from numbers, so parents are known, and
-- those of the large tables rise, which keeps their indexes quick to fill.
-- Triggers are off, and keys and indexes are made afterwards, or it would take ten times as long; that the keys can
-- be made shows that the rows are sound.
set session_replication_role = replica;

create temporary table later as
select 1 as turn, conrelid::regclass::text as on_table, conname::text as name, true as is_constraint,
  format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as definition
from pg_constraint
where connamespace = 'public'::regnamespace and contype in ('p', 'u')
union all
select 3, conrelid::regclass::text, conname, true,
  format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
from pg_constraint
where connamespace = 'public'::regnamespace and contype = 'f'
union all
select 2, i.indrelid::regclass::text, c.relname, false, pg_get_indexdef(i.indexrelid)
from pg_index i
join pg_class c on c.oid = i.indexrelid
where c.relnamespace = 'public'::regnamespace
  and not exists (select from pg_constraint k where k.conindid = i.indexrelid);

do $$
declare each record;
begin
  for each in select * from later order by turn desc loop
    if each.is_constraint then
      execute format('alter table %s drop constraint %I', each.on_table, each.name);
    else
      execute format('drop index %I', each.name);
    end if;
  end loop;
end $$;

insert into users (id, email, full_name)
select md5('user' || n)::uuid, 'user' || n || '@example.com', 'User ' || n from generate_series(1, 100) n;

insert into organizations (id, name)
select md5('organization' || n)::uuid, 'Organization ' || n from generate_series(1, 100) n;

insert into user_organizations (user_id, organization_id, role)
select md5('user' || n)::uuid, md5('organization' || n)::uuid, 'owner' from generate_series(1, 100) n;

-- Guards count in every session: these organizations have no limit.
insert into organization_subscriptions (organization_id, plan, status) select id, 'agency', 'active' from organizations;

create temporary table states as
select state, row_number() over () as place
from unnest(array[
  'CREATED', 'COMPLETED', 'COMPLETED', 'COMPLETED', 'COMPLETED', 'COMPLETED', 'COMPLETED', 'COMPLETED', 'CANCELLED',
  'ICP_PENDING', 'COMPETITOR_PROCESSING', 'SEED_REVIEW_PENDING', 'CLUSTERING_FAILED', 'VALIDATION_COMPLETED',
  'ARTICLE_PENDING', 'ARTICLE_PROCESSING', 'PUBLISH_PENDING', 'PUBLISH_COMPLETED', 'COMPLETED', 'COMPLETED'
]) as state;

insert into intent_workflows (id, organization_id, created_by, title, state, created_at, updated_at)
select md5('workflow' || n)::uuid, md5('organization' || n % 100 + 1)::uuid, md5('user' || n % 100 + 1)::uuid,
  'Workflow ' || n, states.state, now() - n * interval '1 hour', now() - n * interval '1 hour'
from generate_series(1, 10000) n
join states on states.place = n / 100 % 20 + 1;

-- Five seeds, twenty longtails, twenty-five subtopics.
insert into keywords (id, organization_id, workflow_id, parent_seed_keyword_id, keyword, keyword_type, ai_suggested,
  article_status, created_at)
select lpad(to_hex(w * 100 + k), 32, '0')::uuid, md5('organization' || w % 100 + 1)::uuid, md5('workflow' || w)::uuid,
  case when k >= 25 then lpad(to_hex(w * 100 + (5 + k % 20)), 32, '0')::uuid
    when k >= 5 then lpad(to_hex(w * 100 + k % 5), 32, '0')::uuid end,
  'keyword ' || k || ' of ' || w,
  case when k >= 25 then 'subtopic' when k >= 5 then 'longtail' else 'seed' end,
  k = 7, case when k = 8 then 'ready' else 'not_started' end,
  now() - w * interval '1 hour'
from generate_series(1, 10000) w, generate_series(0, 49) k;

insert into topic_clusters (organization_id, workflow_id, hub_keyword_id, spoke_keyword_id, similarity_score)
select md5('organization' || w % 100 + 1)::uuid, md5('workflow' || w)::uuid, lpad(to_hex(w * 100 + k % 5), 32, '0')::uuid,
  lpad(to_hex(w * 100 + k), 32, '0')::uuid, 0.5 + k / 100.0
from generate_series(1, 10000) w, generate_series(5, 19) k;

insert into cluster_validation_results (organization_id, workflow_id, hub_keyword_id, validation_status)
select md5('organization' || w % 100 + 1)::uuid, md5('workflow' || w)::uuid, lpad(to_hex(w * 100 + k), 32, '0')::uuid,
  case when k = 0 then 'invalid' else 'valid' end
from generate_series(1, 10000) w, generate_series(0, 4) k;

insert into intent_approvals (organization_id, workflow_id, entity_type, entity_id, decision, user_id)
select md5('organization' || w % 100 + 1)::uuid, md5('workflow' || w)::uuid,
  (array['seed_keywords', 'clusters', 'subtopics', 'subtopics', 'subtopics'])[k + 1],
  case when k < 3 then md5('workflow' || w)::uuid else lpad(to_hex(w * 100 + k), 32, '0')::uuid end,
  case when k = 4 then 'rejected' else 'approved' end, md5('user' || w % 100 + 1)::uuid
from generate_series(1, 10000) w, generate_series(0, 4) k;

insert into workflow_transitions (organization_id, workflow_id, from_state, to_state, version, user_id, created_at)
select md5('organization' || w % 100 + 1)::uuid, md5('workflow' || w)::uuid, 'CREATED', 'ICP_PENDING', k,
  md5('user' || w % 100 + 1)::uuid, now() - w * interval '1 hour' + k * interval '1 minute'
from generate_series(1, 10000) w, generate_series(2, 11) k;

insert into articles (id, organization_id, workflow_id, keyword_id, title, status, created_by, created_at)
select lpad(to_hex(a), 32, '0')::uuid, md5('organization' || a / 10 % 100 + 1)::uuid, md5('workflow' || a / 10)::uuid,
  lpad(to_hex((a / 10) * 100 + (5 + a % 10)), 32, '0')::uuid, 'Article ' || a,
  case when a % 20 = 0 then 'generating' when a % 5 = 0 then 'draft' else 'published' end,
  md5('user' || a / 10 % 100 + 1)::uuid, now() - a * interval '5 minutes'
from generate_series(10, 100009) a;

insert into article_sections (id, organization_id, article_id, section_order, title, content, status, created_at)
select lpad(to_hex(a * 16 + s), 32, '0')::uuid, md5('organization' || a / 10 % 100 + 1)::uuid,
  lpad(to_hex(a), 32, '0')::uuid, s, 'Section ' || s, 'Text',
  case when a % 1000 = 0 then 'pending' else 'completed' end, now() - a * interval '5 minutes'
from generate_series(10, 100009) a, generate_series(1, 10) s;

insert into publish_references (organization_id, article_id, platform, publish_status)
select md5('organization' || a / 10 % 100 + 1)::uuid, lpad(to_hex(a), 32, '0')::uuid, 'wordpress',
  case when a % 500 = 1 then 'pending' else 'published' end
from generate_series(11, 100009, 2) a;

insert into tavily_research_cache (organization_id, research_query, research_results, cached_until)
select md5('organization' || n % 100 + 1)::uuid, 'query ' || n, '[]', now() + (n % 50 - 1) * interval '1 hour'
from generate_series(1, 50000) n;

insert into usage_tracking (organization_id, metric_type, billing_period, usage_count)
select md5('organization' || o)::uuid, metric, to_char(date '2022-01-01' + m * interval '1 month', 'YYYY-MM'), o
from generate_series(1, 100) o, generate_series(0, 59) m, unnest(array['articles', 'keywords', 'research_queries']) metric;

insert into rate_limits (organization_id, key, limit_count)
select md5('organization' || o)::uuid, 'key ' || k, 10 from generate_series(1, 100) o, generate_series(1, 50) k;

insert into audit_logs (organization_id, table_name, operation, user_id, new_data, created_at)
select md5('organization' || n % 100 + 1)::uuid, 'articles', 'UPDATE', md5('user' || n % 100 + 1)::uuid, '{}',
  now() - n * interval '4 minutes'
from generate_series(1, 50000) n;

do $$
declare each text;
begin
  for each in select definition from later order by turn loop
    execute each;
  end loop;
end $$;

set session_replication_role = origin;
analyze;
