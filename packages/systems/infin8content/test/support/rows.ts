/** A row in every table, by raw SQL: what isolation is tried on. */
import type { OrganizationPrincipal } from '@tenantry/core'
import type { OrganizationRole } from '../../src/types.ts'
import type { ContentDatabase } from './content.ts'

/** An organization with a member of this role, and a row of theirs everywhere. */
export async function seedEverything(
  { rows }: Pick<ContentDatabase, 'rows'>,
  role: OrganizationRole = 'owner',
): Promise<OrganizationPrincipal> {
  const [seeded] = await rows<{ user: string; organization: string }>(
    `with person as (
      insert into users (email, full_name) values ($1 || '@example.com', 'Person ' || $1) returning id
    ), organization as (
      insert into organizations (name) values ('Organization ' || $1) returning id
    ), subscription as (
      insert into organization_subscriptions (organization_id, plan, status) select id, 'agency', 'active' from organization
    ), member as (
      insert into user_organizations (user_id, organization_id, role)
      select person.id, organization.id, $2 from person, organization
    )
    select person.id as user, organization.id as organization from person, organization`,
    [crypto.randomUUID(), role],
  )
  if (seeded === undefined) throw new Error('nobody was made')
  const { user: userId, organization: organizationId } = seeded
  const insert = async (into: string, values: string, ...params: unknown[]): Promise<string> => {
    const [row] = await rows<{ id: string }>(
      `insert into ${into} (organization_id, ${values.split(' | ')[0]}) values ($1, ${values.split(' | ')[1]}) returning id`,
      [organizationId, ...params],
    )
    return row?.id ?? ''
  }
  const secret = crypto.randomUUID()
  await insert(
    'organization_invitations',
    `email, token_hash, invited_by | $2 || '@example.com', encode(sha256(convert_to($2, 'utf8')), 'hex'), $3::uuid`,
    secret,
    userId,
  )
  const competitor = await insert(
    'organization_competitors',
    `url, name | 'https://' || $2 || '.example', $2`,
    secret,
  )
  const workflow = await insert(
    'intent_workflows',
    'title, created_by | $2, $3',
    `Workflow ${secret}`,
    userId,
  )
  // The machine writes the transition; of another workflow, since the first one's row is tried as it is.
  const moved = await insert('intent_workflows', 'title, created_by | $2, $3', `Moved ${secret}`, userId)
  await rows(`update intent_workflows set state = 'ICP_PENDING' where id = $1`, [moved])
  const keyword = (text: string, type: string, parent: string | null) =>
    insert(
      'keywords',
      'workflow_id, competitor_url_id, keyword, keyword_type, parent_seed_keyword_id | $2, $3, $4, $5, $6',
      workflow,
      competitor,
      `${text} ${secret}`,
      type,
      parent,
    )
  const seed = await keyword('shoes', 'seed', null)
  const longtail = await keyword('shoes for running', 'longtail', seed)
  await insert(
    'topic_clusters',
    'workflow_id, hub_keyword_id, spoke_keyword_id, similarity_score | $2, $3, $4, 0.8',
    workflow,
    seed,
    longtail,
  )
  await insert('cluster_validation_results', 'workflow_id, hub_keyword_id | $2, $3', workflow, seed)
  await insert(
    'intent_approvals',
    `workflow_id, entity_type, entity_id, decision, feedback, user_id | $2, 'seed_keywords', $2, 'approved', $3, $4`,
    workflow,
    `feedback ${secret}`,
    userId,
  )
  const article = await insert(
    'articles',
    'workflow_id, keyword_id, title, created_by | $2, $3, $4, $5',
    workflow,
    longtail,
    `Article ${secret}`,
    userId,
  )
  await insert(
    'article_sections',
    'article_id, section_order, title | $2, 1, $3',
    article,
    `Section ${secret}`,
  )
  // Imported as published: the article stays in a state that a row may begin in.
  await insert(
    'publish_references',
    `article_id, platform, platform_url, publish_status | $2, 'wordpress', $3, 'published'`,
    article,
    secret,
  )
  await insert(
    'tavily_research_cache',
    `research_query, research_results, cached_until | $2, jsonb_build_array($2::text), now() + interval '1 day'`,
    `query ${secret}`,
  )
  await insert('rate_limits', `key, limit_count | $2, 10`, `key ${secret}`)
  await insert(
    'usage_tracking',
    `metric_type, billing_period, metadata | 'articles', '2026-11', jsonb_build_object('note', $2::text)`,
    secret,
  )
  await insert(
    'audit_logs',
    `table_name, operation, user_id, new_data | 'articles', 'INSERT', $2, jsonb_build_object('note', $3::text)`,
    userId,
    secret,
  )
  return { userId, organizationId }
}
