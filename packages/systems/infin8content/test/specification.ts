/**
 * Infin8Content's data model, written out by hand from its specification and the rulings on it, and not from the
 * schema that is measured against it.
 */

const STAMPS = [
  'created_at timestamptz not null default now()',
  'updated_at timestamptz not null default now()',
]
const ID = 'id uuid not null default gen_random_uuid()'
const METADATA = "metadata jsonb not null default '{}'"

/** Columns: name, type, nullability, default. A column with a documented default is NOT NULL. */
export const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  users: [ID, 'email text not null', 'full_name text', 'avatar_url text', ...STAMPS],
  organizations: [ID, 'name text not null', ...STAMPS],
  user_organizations: [
    'user_id uuid not null',
    'organization_id uuid not null',
    "role text not null default 'member'",
    'active boolean not null default true',
    ...STAMPS,
  ],
  organization_invitations: [
    ID,
    'organization_id uuid not null',
    'email text not null',
    "role text not null default 'member'",
    "status text not null default 'pending'",
    'token_hash text not null',
    'invited_by uuid',
    'accepted_by uuid',
    'accepted_at timestamptz',
    "expires_at timestamptz not null default (now() + '7 days'::interval)",
    ...STAMPS,
  ],
  organization_subscriptions: [
    'organization_id uuid not null',
    'plan text not null',
    'status text not null',
    'past_due_since timestamptz',
    'ends_at timestamptz',
    ...STAMPS,
  ],
  organization_competitors: [
    ID,
    'organization_id uuid not null',
    'url text not null',
    `domain text not null generated as lower("substring"(url, '^https?://([^/:?#]+)'))`,
    'name text',
    'is_active boolean not null default true',
    ...STAMPS,
  ],
  intent_workflows: [
    ID,
    'organization_id uuid not null',
    'created_by uuid not null',
    'title text not null',
    'description text',
    "state text not null default 'CREATED'",
    'current_step integer not null default 1',
    'status text',
    'version integer not null default 1',
    METADATA,
    ...STAMPS,
  ],
  workflow_transitions: [
    ID,
    'workflow_id uuid not null',
    'organization_id uuid not null',
    'from_state text not null',
    'to_state text not null',
    'version integer not null',
    'transition_reason text',
    'idempotency_key text',
    'user_id uuid',
    METADATA,
    'created_at timestamptz not null default now()',
  ],
  keywords: [
    ID,
    'organization_id uuid not null',
    'workflow_id uuid',
    'competitor_url_id uuid',
    'parent_seed_keyword_id uuid',
    "parent_keyword_type text generated as CASE keyword_type WHEN 'longtail' THEN 'seed' WHEN 'subtopic' THEN 'longtail' ELSE NULL END",
    'workflow_scope uuid not null generated as COALESCE(workflow_id, organization_id)',
    'keyword text not null',
    "keyword_normalized text not null generated as lower(regexp_replace(keyword, '^[[:space:]]+|[[:space:]]+$', '', 'g'))",
    'keyword_type text not null',
    "longtail_status text not null default 'not_started'",
    "subtopics_status text not null default 'not_started'",
    "article_status text not null default 'not_started'",
    "filter_status text not null default 'not_started'",
    'search_volume integer',
    'competition_index numeric',
    'cost_per_click numeric',
    'keyword_difficulty integer',
    'ai_suggested boolean not null default false',
    'user_selected boolean not null default false',
    'decision_confidence numeric',
    "decision_metadata jsonb not null default '{}'",
    "subtopics jsonb not null default '[]'",
    'source text',
    METADATA,
    ...STAMPS,
  ],
  articles: [
    ID,
    'organization_id uuid not null',
    'workflow_id uuid',
    'keyword_id uuid',
    'title text not null',
    'slug text',
    'content text',
    'excerpt text',
    "status text not null default 'draft'",
    "publish_status text not null default 'not_published'",
    'meta_title text',
    'meta_description text',
    'focus_keyword text',
    'word_count integer',
    'reading_time integer',
    'quality_score numeric',
    'seo_score numeric',
    'wordpress_post_id bigint',
    'wordpress_url text',
    'published_at timestamptz',
    'completed_at timestamptz',
    'delivered_at timestamptz',
    'created_by uuid',
    ...STAMPS,
  ],
  article_sections: [
    ID,
    'organization_id uuid not null',
    'article_id uuid not null',
    'section_order integer not null',
    'title text',
    'content text',
    'html_content text',
    'research_query text',
    "research_sources jsonb not null default '[]'",
    'outline_prompt text',
    'model_used text',
    'tokens_used integer',
    'generation_time integer',
    'quality_score numeric',
    "status text not null default 'pending'",
    'lease_token uuid',
    'attempts integer not null default 0',
    'available_at timestamptz not null default now()',
    'last_error text',
    ...STAMPS,
  ],
  topic_clusters: [
    ID,
    'organization_id uuid not null',
    'workflow_id uuid not null',
    'hub_keyword_id uuid not null',
    'spoke_keyword_id uuid not null',
    'similarity_score numeric',
    "cluster_type text not null default 'automatic'",
    'created_at timestamptz not null default now()',
  ],
  cluster_validation_results: [
    ID,
    'organization_id uuid not null',
    'workflow_id uuid not null',
    'hub_keyword_id uuid not null',
    'validation_status text not null',
    'avg_similarity numeric',
    'spoke_count integer',
    'validation_reason text',
    "validation_metadata jsonb not null default '{}'",
    'created_at timestamptz not null default now()',
  ],
  intent_approvals: [
    ID,
    'workflow_id uuid not null',
    'entity_type text not null',
    'entity_id uuid not null',
    'entity_keyword_id uuid generated as NULLIF(entity_id, workflow_id)',
    'decision text not null',
    'feedback text',
    'confidence_score numeric',
    'user_id uuid not null',
    'organization_id uuid not null',
    "approval_metadata jsonb not null default '{}'",
    'created_at timestamptz not null default now()',
  ],
  publish_references: [
    ID,
    'organization_id uuid not null',
    'article_id uuid not null',
    'platform text not null',
    'platform_post_id text',
    'platform_url text',
    "publish_status text not null default 'pending'",
    'error_message text',
    'retry_count integer not null default 0',
    'lease_token uuid',
    'available_at timestamptz not null default now()',
    METADATA,
    ...STAMPS,
  ],
  tavily_research_cache: [
    ID,
    'organization_id uuid not null',
    'research_query text not null',
    'research_results jsonb not null',
    'cached_until timestamptz not null',
    'source_count integer',
    METADATA,
    'fill_token uuid',
    'fill_until timestamptz',
    ...STAMPS,
  ],
  rate_limits: [
    ID,
    'organization_id uuid not null',
    'key text not null',
    'limit_count integer not null',
    'window_minutes integer not null default 60',
    'current_count integer not null default 0',
    'window_start timestamptz not null default now()',
    METADATA,
    "instants timestamptz[] not null default '{}'::timestamptz[]",
    ...STAMPS,
  ],
  usage_tracking: [
    ID,
    'organization_id uuid not null',
    'metric_type text not null',
    'billing_period text not null',
    'usage_count integer not null default 0',
    'limit_count integer',
    'cost_amount numeric',
    METADATA,
    ...STAMPS,
  ],
  audit_logs: [
    ID,
    'table_name text not null',
    'operation text not null',
    'user_id uuid',
    'organization_id uuid',
    'old_data jsonb',
    'new_data jsonb',
    'created_at timestamptz not null default now()',
  ],
}

const PRIMARY_KEY_OF: Readonly<Record<string, string>> = {
  user_organizations: 'user_id, organization_id',
  organization_subscriptions: 'organization_id',
}

export const PRIMARY_KEYS: readonly string[] = Object.keys(COLUMNS)
  .toSorted()
  .map((table) => `${table} (${PRIMARY_KEY_OF[table] ?? 'id'})`)

const STATES =
  'CREATED, CANCELLED, COMPLETED, ' +
  'ICP_PENDING, ICP_PROCESSING, ICP_COMPLETED, ICP_FAILED, ' +
  'COMPETITOR_PENDING, COMPETITOR_PROCESSING, COMPETITOR_COMPLETED, COMPETITOR_FAILED, ' +
  'SEED_REVIEW_PENDING, SEED_REVIEW_COMPLETED, ' +
  'CLUSTERING_PENDING, CLUSTERING_PROCESSING, CLUSTERING_COMPLETED, CLUSTERING_FAILED, ' +
  'VALIDATION_PENDING, VALIDATION_PROCESSING, VALIDATION_COMPLETED, VALIDATION_FAILED, ' +
  'ARTICLE_PENDING, ARTICLE_PROCESSING, ARTICLE_COMPLETED, ARTICLE_FAILED, ' +
  'PUBLISH_PENDING, PUBLISH_PROCESSING, PUBLISH_COMPLETED, PUBLISH_FAILED'

/** Of each documented list its values, by `table.column`. */
export const LISTS: Readonly<Record<string, string>> = {
  'user_organizations.role': 'owner, admin, member',
  'organization_invitations.role': 'owner, admin, member',
  'organization_invitations.status': 'pending, accepted, revoked',
  'organization_subscriptions.plan': 'free, starter, pro, agency',
  'organization_subscriptions.status': 'trialing, active, past_due, paused, canceled',
  'intent_workflows.state': STATES,
  'workflow_transitions.from_state': STATES,
  'workflow_transitions.to_state': STATES,
  'keywords.keyword_type': 'seed, longtail, subtopic',
  'keywords.longtail_status': 'not_started, processing, complete, failed',
  'keywords.subtopics_status': 'not_started, processing, complete, failed',
  'keywords.article_status': 'not_started, processing, complete, failed, ready',
  'keywords.filter_status': 'not_started, approved, rejected',
  'articles.status': 'draft, generating, completed, published, failed',
  'articles.publish_status': 'not_published, publishing, published, failed',
  'article_sections.status': 'pending, researching, generating, completed, failed',
  'topic_clusters.cluster_type': 'automatic, manual, ai_suggested',
  'cluster_validation_results.validation_status': 'valid, invalid',
  'intent_approvals.entity_type': 'seed_keywords, subtopics, clusters',
  'intent_approvals.decision': 'approved, rejected',
  'publish_references.platform': 'wordpress',
  'publish_references.publish_status': 'pending, publishing, published, failed',
  'audit_logs.operation': 'INSERT, UPDATE, DELETE',
}

/** A key between two tables of organizations carries the organization; a keyword's and a cluster's the workflow too. */
export const FOREIGN_KEYS: readonly string[] = [
  'article_sections (organization_id, article_id) REFERENCES articles(organization_id, id) ON DELETE CASCADE',
  'articles (created_by) REFERENCES users(id) ON DELETE SET NULL',
  'articles (organization_id) REFERENCES organizations(id) ON DELETE CASCADE',
  'articles (organization_id, keyword_id) REFERENCES keywords(organization_id, id) ON DELETE CASCADE',
  'articles (organization_id, workflow_id) REFERENCES intent_workflows(organization_id, id) ON DELETE CASCADE',
  'cluster_validation_results (organization_id, workflow_id) REFERENCES intent_workflows(organization_id, id) ON DELETE CASCADE',
  'cluster_validation_results (organization_id, workflow_id, hub_keyword_id) REFERENCES keywords(organization_id, workflow_scope, id) ON DELETE CASCADE',
  'intent_approvals (organization_id) REFERENCES organizations(id) ON DELETE CASCADE',
  'intent_approvals (organization_id, workflow_id) REFERENCES intent_workflows(organization_id, id) ON DELETE CASCADE',
  'intent_approvals (organization_id, workflow_id, entity_keyword_id) REFERENCES keywords(organization_id, workflow_scope, id) ON DELETE CASCADE',
  'intent_approvals (user_id) REFERENCES users(id) ON DELETE CASCADE',
  'intent_workflows (created_by) REFERENCES users(id) ON DELETE CASCADE',
  'intent_workflows (organization_id) REFERENCES organizations(id) ON DELETE CASCADE',
  'keywords (organization_id) REFERENCES organizations(id) ON DELETE CASCADE',
  'keywords (organization_id, competitor_url_id) REFERENCES organization_competitors(organization_id, id) ON DELETE CASCADE',
  'keywords (organization_id, workflow_id) REFERENCES intent_workflows(organization_id, id) ON DELETE CASCADE',
  'keywords (organization_id, workflow_scope, parent_seed_keyword_id, parent_keyword_type) REFERENCES keywords(organization_id, workflow_scope, id, keyword_type) ON DELETE CASCADE',
  'organization_competitors (organization_id) REFERENCES organizations(id) ON DELETE CASCADE',
  'organization_invitations (accepted_by) REFERENCES users(id) ON DELETE SET NULL',
  'organization_invitations (invited_by) REFERENCES users(id) ON DELETE SET NULL',
  'organization_invitations (organization_id) REFERENCES organizations(id) ON DELETE CASCADE',
  'organization_subscriptions (organization_id) REFERENCES organizations(id) ON DELETE CASCADE',
  'publish_references (organization_id, article_id) REFERENCES articles(organization_id, id) ON DELETE CASCADE',
  'rate_limits (organization_id) REFERENCES organizations(id) ON DELETE CASCADE',
  'tavily_research_cache (organization_id) REFERENCES organizations(id) ON DELETE CASCADE',
  'topic_clusters (organization_id, workflow_id) REFERENCES intent_workflows(organization_id, id) ON DELETE CASCADE',
  'topic_clusters (organization_id, workflow_id, hub_keyword_id) REFERENCES keywords(organization_id, workflow_scope, id) ON DELETE CASCADE',
  'topic_clusters (organization_id, workflow_id, spoke_keyword_id) REFERENCES keywords(organization_id, workflow_scope, id) ON DELETE CASCADE',
  'usage_tracking (organization_id) REFERENCES organizations(id) ON DELETE CASCADE',
  'user_organizations (organization_id) REFERENCES organizations(id) ON DELETE CASCADE',
  'user_organizations (user_id) REFERENCES users(id) ON DELETE CASCADE',
]

export interface DocumentedIndex {
  readonly table: string
  /** Leading keys: an index may go on with others. */
  readonly keys: readonly string[]
  readonly where?: string
  /** The index that serves it, where that has a constraint's name. */
  readonly by?: string
}

const on = (table: string, ...keys: string[]): DocumentedIndex => ({ table, keys })

export const INDEXES: Readonly<Record<string, DocumentedIndex>> = {
  idx_workflows_organization_id: on('intent_workflows', 'organization_id'),
  idx_workflows_state: on('intent_workflows', 'state'),
  idx_workflows_created_by: on('intent_workflows', 'created_by'),
  idx_workflows_org_state: on('intent_workflows', 'organization_id', 'state'),
  idx_workflows_active: {
    ...on('intent_workflows', 'organization_id', 'created_at'),
    where: "(state <> ALL (ARRAY['COMPLETED'::text, 'CANCELLED'::text]))",
  },
  idx_workflows_failed: {
    ...on('intent_workflows', 'organization_id', 'updated_at'),
    where: "(state ~~ '%_FAILED'::text)",
  },
  idx_transitions_workflow_id: on('workflow_transitions', 'workflow_id'),
  idx_transitions_organization_id: on('workflow_transitions', 'organization_id'),
  idx_transitions_created_at: on('workflow_transitions', 'created_at'),
  idx_keywords_organization_id: on('keywords', 'organization_id'),
  idx_keywords_workflow_id: on('keywords', 'workflow_id'),
  idx_keywords_parent_seed: on('keywords', 'parent_seed_keyword_id'),
  idx_keywords_type: on('keywords', 'keyword_type'),
  idx_keywords_status: on('keywords', 'longtail_status', 'subtopics_status', 'article_status'),
  idx_keywords_ai_suggested: on('keywords', 'ai_suggested'),
  idx_keywords_workflow_type: on('keywords', 'workflow_id', 'keyword_type'),
  idx_articles_organization_id: on('articles', 'organization_id'),
  idx_articles_workflow_id: on('articles', 'workflow_id'),
  idx_articles_keyword_id: on('articles', 'keyword_id'),
  idx_articles_status: on('articles', 'status'),
  idx_articles_created_by: on('articles', 'created_by'),
  idx_articles_org_status: on('articles', 'organization_id', 'status'),
  idx_sections_article_id: {
    ...on('article_sections', 'article_id'),
    by: 'article_sections_article_id_section_order_key',
  },
  idx_sections_status: on('article_sections', 'status'),
  idx_sections_order: on('article_sections', 'section_order'),
  idx_clusters_workflow_id: on('topic_clusters', 'workflow_id'),
  idx_clusters_hub_keyword: on('topic_clusters', 'hub_keyword_id'),
  idx_clusters_spoke_keyword: on('topic_clusters', 'spoke_keyword_id'),
  idx_clusters_similarity: on('topic_clusters', 'similarity_score'),
  idx_validation_workflow_id: on('cluster_validation_results', 'workflow_id'),
  idx_validation_hub_keyword: on('cluster_validation_results', 'hub_keyword_id'),
  idx_validation_status: on('cluster_validation_results', 'validation_status'),
  idx_approvals_workflow_id: on('intent_approvals', 'workflow_id'),
  idx_approvals_entity: on('intent_approvals', 'entity_type', 'entity_id'),
  idx_approvals_user_id: on('intent_approvals', 'user_id'),
  idx_approvals_decision: on('intent_approvals', 'decision'),
  idx_publish_references_article_id: {
    ...on('publish_references', 'article_id'),
    by: 'publish_references_article_id_platform_key',
  },
  idx_publish_references_platform: on('publish_references', 'platform'),
  idx_publish_references_status: on('publish_references', 'publish_status'),
  idx_tavily_cache_org_id: {
    ...on('tavily_research_cache', 'organization_id'),
    by: 'tavily_research_cache_organization_id_research_query_key',
  },
  idx_tavily_cache_query: on('tavily_research_cache', 'research_query'),
  idx_tavily_cache_cached_until: on('tavily_research_cache', 'cached_until'),
  idx_tavily_cache_lookup: on(
    'tavily_research_cache',
    'organization_id',
    'lower(research_query)',
    'cached_until',
  ),
  idx_tavily_cache_expiry: {
    ...on('tavily_research_cache', 'cached_until'),
    by: 'idx_tavily_cache_cached_until',
  },
  idx_rate_limits_org_id: {
    ...on('rate_limits', 'organization_id'),
    by: 'rate_limits_organization_id_key_key',
  },
  idx_rate_limits_key: on('rate_limits', 'key'),
  idx_rate_limits_window: on('rate_limits', 'window_start'),
  idx_usage_tracking_org_id: {
    ...on('usage_tracking', 'organization_id'),
    by: 'usage_tracking_organization_id_metric_type_billing_period_key',
  },
  idx_usage_tracking_metric: on('usage_tracking', 'metric_type'),
  idx_usage_tracking_period: on('usage_tracking', 'billing_period'),
}

/** Keys that the document makes unique, with the organization in each. */
export const UNIQUES: readonly string[] = [
  'article_sections (article_id, organization_id, section_order)',
  'cluster_validation_results (workflow_id, hub_keyword_id, organization_id)',
  'intent_approvals (workflow_id, entity_type, entity_id, organization_id)',
  'publish_references (article_id, organization_id, platform)',
  'rate_limits (organization_id, key)',
  'tavily_research_cache (organization_id, research_query)',
  'topic_clusters (workflow_id, spoke_keyword_id, organization_id)',
  'usage_tracking (organization_id, metric_type, billing_period)',
  'workflow_transitions (workflow_id, idempotency_key, organization_id)',
]

/** What a member may do with each table, besides seeing it. */
export const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  users: ['update'],
  organizations: ['update'],
  user_organizations: ['update', 'delete'],
  organization_invitations: ['insert', 'update'],
  organization_subscriptions: [],
  organization_competitors: ['insert', 'update', 'delete'],
  intent_workflows: ['insert', 'update', 'delete'],
  workflow_transitions: ['insert'],
  keywords: ['insert', 'update', 'delete'],
  articles: ['insert', 'update', 'delete'],
  article_sections: ['insert', 'update', 'delete'],
  topic_clusters: ['insert', 'update', 'delete'],
  cluster_validation_results: ['insert', 'update', 'delete'],
  intent_approvals: ['insert', 'update'],
  publish_references: ['insert', 'update', 'delete'],
  tavily_research_cache: ['insert', 'update', 'delete'],
  rate_limits: [],
  usage_tracking: [],
  audit_logs: [],
}

/** What a member's role adds: restrictive policies. */
export const ROLE_POLICIES: Readonly<Record<string, readonly string[]>> = {
  organizations: ['RESTRICTIVE managers_update for update to tenantry_tenant'],
  user_organizations: [
    'RESTRICTIVE managers_delete for delete to tenantry_tenant',
    'RESTRICTIVE managers_update for update to tenantry_tenant',
  ],
  organization_invitations: [
    'RESTRICTIVE managers_insert for insert to tenantry_tenant',
    'RESTRICTIVE managers_update for update to tenantry_tenant',
  ],
}

/**
 * What `tenantry_retention` may do: read what foreign keys connect with a table of a rule, since holds are followed
 * through them (all but the transitions, which have none), and delete from the two tables of which the document says that rows go.
 */
export const RETENTION_DELETES: readonly string[] = ['audit_logs', 'tavily_research_cache']

/** Guards that count rows, and the trigger by which usage_tracking follows the counters. */
export const LIMIT_TRIGGERS: readonly string[] = [
  'articles limit_guard_delete always',
  'articles limit_guard_insert always',
  'articles limit_guard_key always',
  'articles limit_guard_truncate always',
  'articles limit_guard_update always',
  'keywords limit_guard_insert always',
  'limit_counters follow_usage origin',
]
