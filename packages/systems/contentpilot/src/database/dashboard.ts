import type { Connection, Module } from '@tenantry/core'
import { grants, lockDown, materializedView, sqlFunction, view } from '@tenantry/ddl'
import { ROLES } from '@tenantry/rls'

/**
 * The documented query joins three one-to-many tables and multiplies their rows; here each is aggregated by
 * itself. Columns and meaning are the documented ones.
 */
const ALL_USERS = `
select
  users.id as user_id,
  coalesce(topics.pending, 0) as pending_topics,
  coalesce(drafts.pending, 0) as drafts_pending,
  coalesce(drafts.approved, 0) as drafts_approved,
  coalesce(drafts.posted, 0) as posts_published,
  discovered.last as last_topic_discovered,
  drafts.last as last_draft_generated
from public.users
left join (
  select user_id, count(*) as pending
  from public.classified_topics
  where status = 'classified'
  group by user_id
) as topics on topics.user_id = users.id
left join (
  select
    user_id,
    count(*) filter (where status = 'draft') as pending,
    count(*) filter (where status = 'approved') as approved,
    count(*) filter (where status = 'posted') as posted,
    max(created_at) as last
  from public.generated_drafts
  group by user_id
) as drafts on drafts.user_id = users.id
left join (
  select user_id, max(created_at) as last
  from public.raw_topics
  group by user_id
) as discovered on discovered.user_id = users.id`

/** The same for the users that the caller may see, each asked by index: fast for one user, per request. */
const LIVE = `
select
  users.id as user_id,
  topics.pending as pending_topics,
  drafts.pending as drafts_pending,
  drafts.approved as drafts_approved,
  drafts.posted as posts_published,
  discovered.last as last_topic_discovered,
  drafts.last as last_draft_generated
from public.users
cross join lateral (
  select count(*) as pending
  from public.classified_topics
  where user_id = users.id and status = 'classified'
) as topics
cross join lateral (
  select
    count(*) filter (where status = 'draft') as pending,
    count(*) filter (where status = 'approved') as approved,
    count(*) filter (where status = 'posted') as posted,
    max(created_at) as last
  from public.generated_drafts
  where user_id = users.id
) as drafts
cross join lateral (
  select max(created_at) as last
  from public.raw_topics
  where user_id = users.id
) as discovered`

const STATS = { name: 'user_dashboard_stats' }
const LIVE_VIEW = { name: 'user_dashboard_live' }

/** Whoever runs it, an owner or a login of the jobs, need only be able to become the service role. */
const REFRESH = `do $$ begin set local role ${ROLES.service}; perform public.refresh_dashboard_stats(); end $$`

/**
 * `user_dashboard_stats` is for operators and reports: a materialized view has no row security, so no tenant
 * role can read it. A tenant reads `user_dashboard_live`, or `dashboard.live()` of the repository.
 */
export const dashboard: Module = {
  name: 'dashboard',
  objects: [
    materializedView({
      ...STATS,
      query: ALL_USERS,
      owner: ROLES.definer,
      indexes: [{ name: 'idx_dashboard_stats_user_id', columns: ['user_id'], unique: true }],
    }),
    view({ ...LIVE_VIEW, query: LIVE }),
    lockDown(STATS, { owner: ROLES.definer }),
    grants({ table: STATS, to: ROLES.service, privileges: { select: true }, owner: ROLES.definer }),
    lockDown(LIVE_VIEW),
    ...[ROLES.tenant, ROLES.service].map((to) =>
      grants({ table: LIVE_VIEW, to, privileges: { select: true } }),
    ),
    sqlFunction({
      name: 'refresh_dashboard_stats',
      returns: 'void',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.definer,
      // Callers are the roles that may execute it. A refresh that finds another one running leaves it to that one.
      body: `
begin
  if not pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('tenantry:refresh user_dashboard_stats', 0)) then
    return;
  end if;
  if (select relispopulated from pg_catalog.pg_class where oid = 'public.user_dashboard_stats'::pg_catalog.regclass) then
    refresh materialized view concurrently public.user_dashboard_stats;
  else
    refresh materialized view public.user_dashboard_stats;
  end if;
end`,
      executableBy: [ROLES.service],
    }),
  ],
  jobs: [
    {
      name: 'refresh dashboard',
      schedule: '*/5 * * * *',
      description:
        'Refreshes user_dashboard_stats without blocking its readers; while it does not run, reports grow old',
      sql: REFRESH,
      async run(connection: Connection) {
        await connection.query({ text: REFRESH, params: [] })
        return { changed: 1, message: 'user_dashboard_stats is refreshed' }
      },
    },
  ],
}
