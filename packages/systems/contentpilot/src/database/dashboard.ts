import { lazyModule } from '@tenantry/core'
import { grants, lockDown, view } from '@tenantry/ddl'
import { refreshedView } from '@tenantry/retention'
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

const LIVE_VIEW = { name: 'user_dashboard_live' }

/**
 * For operators and reports: a materialized view has no row security, so no tenant role can read it. A tenant reads
 * `user_dashboard_live`, or `dashboard.live()` of the repository.
 */
export const dashboardStats = refreshedView({
  name: 'user_dashboard_stats',
  query: ALL_USERS,
  key: ['user_id'],
  indexName: 'idx_dashboard_stats_user_id',
  functionName: 'refresh_dashboard_stats',
  schedule: '*/5 * * * *',
})

export const dashboardLive = lazyModule({
  name: 'live dashboard',
  objects: () => [
    view({ ...LIVE_VIEW, query: LIVE }),
    lockDown(LIVE_VIEW),
    ...[ROLES.tenant, ROLES.service].map((to) =>
      grants({ table: LIVE_VIEW, to, privileges: { select: true } }),
    ),
  ],
})
