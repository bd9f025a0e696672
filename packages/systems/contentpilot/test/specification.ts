/**
 * ContentPilot's data model, written out by hand from its specification and the rulings on it, and not
 * from the schema that is measured against it.
 */

/** Columns in their documented order: name, type, nullability, default. */
export const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  users: [
    'id uuid not null default gen_random_uuid()',
    'clerk_id varchar(255) not null',
    'email varchar(255) not null',
    'full_name varchar(255)',
    'avatar_url text',
    "status varchar(50) not null default 'active'",
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
    'deleted_at timestamptz',
  ],
  profiles: [
    'id uuid not null default gen_random_uuid()',
    'user_id uuid not null',
    'linkedin_url varchar(500)',
    'target_audience text',
    'writing_style text',
    'voice_confidence_score integer not null default 0',
    'last_voice_training_at timestamptz',
    "preferences jsonb not null default '{}'",
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
  ],
  subscriptions: [
    'id uuid not null default gen_random_uuid()',
    'user_id uuid not null',
    'stripe_customer_id varchar(255)',
    'stripe_subscription_id varchar(255)',
    'plan_type varchar(50) not null',
    "status varchar(50) not null default 'trialing'",
    'current_period_start timestamptz not null',
    'current_period_end timestamptz not null',
    'cancel_at_period_end boolean not null default false',
    'trial_end timestamptz',
    'billing_anchor timestamptz',
    'past_due_since timestamptz',
    "ends_at timestamptz generated as CASE WHEN (cancel_at_period_end OR ((status) = 'canceled')) THEN current_period_end ELSE NULL::timestamptz END",
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
  ],
  pillars: [
    'id uuid not null default gen_random_uuid()',
    'user_id uuid not null',
    'name varchar(255) not null',
    'slug varchar(255) not null',
    'description text',
    'target_audience text',
    'tone varchar(100)',
    'classification_prompt text',
    'generation_prompt text',
    "status varchar(50) not null default 'active'",
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
  ],
  voice_examples: [
    'id uuid not null default gen_random_uuid()',
    'user_id uuid not null',
    'pillar_id uuid',
    'post_text text not null',
    'character_count integer not null generated as char_length(post_text)',
    'post_url varchar(500)',
    'engagement_metrics jsonb',
    'vector_embedding vector(1536)',
    "status varchar(50) not null default 'active'",
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
  ],
  raw_topics: [
    'id uuid not null default gen_random_uuid()',
    'user_id uuid not null',
    'source varchar(50) not null',
    'content text not null',
    'url varchar(1000)',
    "metadata jsonb not null default '{}'",
    "status varchar(50) not null default 'new'",
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
  ],
  classified_topics: [
    'id uuid not null default gen_random_uuid()',
    'user_id uuid not null',
    'raw_topic_id uuid',
    'pillar_id uuid not null',
    'content text not null',
    'url varchar(1000)',
    'ai_score integer not null',
    'hook_angle varchar(50)',
    'reasoning text',
    "status varchar(50) not null default 'classified'",
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
  ],
  generated_drafts: [
    'id uuid not null default gen_random_uuid()',
    'user_id uuid not null',
    'topic_id uuid not null',
    'pillar_id uuid not null',
    'variant_letter character(1) not null',
    'hook text not null',
    'body text not null',
    'cta text',
    'hashtags text',
    'full_text text not null',
    'character_count integer not null generated as char_length(full_text)',
    "status varchar(50) not null default 'draft'",
    'edited_text text',
    'user_notes text',
    'approved_at timestamptz',
    'posted_at timestamptz',
    'scheduled_for timestamptz',
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
  ],
  usage_tracking: [
    'id uuid not null default gen_random_uuid()',
    'user_id uuid not null',
    'resource_type varchar(100) not null',
    'resource_id uuid',
    'cost_cents integer not null default 0',
    "metadata jsonb not null default '{}'",
    'created_at timestamptz not null default now()',
  ],
  audit_logs: [
    'id uuid not null default gen_random_uuid()',
    'user_id uuid',
    'action varchar(100) not null',
    'table_name varchar(100) not null',
    'record_id uuid not null',
    'old_values jsonb',
    'new_values jsonb',
    'ip_address inet',
    'user_agent text',
    'created_at timestamptz not null default now()',
  ],
  usage_monthly: [
    'user_id uuid not null',
    'resource_type varchar(100) not null',
    'month date not null',
    'count bigint not null',
    'cost_cents bigint not null',
  ],
  user_secrets: [
    'id uuid not null default gen_random_uuid()',
    'user_id uuid not null',
    'provider varchar(50) not null',
    'label varchar(255) not null',
    'ciphertext bytea not null',
    'key_id varchar(255) not null',
    'created_at timestamptz not null default now()',
    'rotated_at timestamptz',
    'expires_at timestamptz',
  ],
}

export const PRIMARY_KEYS: readonly string[] = [
  'audit_logs (id)',
  'classified_topics (id)',
  'generated_drafts (id)',
  'pillars (id)',
  'profiles (id)',
  'raw_topics (id)',
  'subscriptions (id)',
  'usage_monthly (user_id, resource_type, month)',
  'usage_tracking (id, created_at)',
  'user_secrets (id)',
  'users (id)',
  'voice_examples (id)',
]

/** Name → the values that a column is limited to, or its condition. */
export const CHECKS: Readonly<Record<string, string>> = {
  users_status_check: 'status: active, suspended, deleted',
  profiles_voice_confidence_score_check:
    '((voice_confidence_score >= 0) AND (voice_confidence_score <= 100))',
  subscriptions_plan_type_check: 'plan_type: starter, growth, agency',
  subscriptions_status_check: 'status: trialing, active, past_due, canceled, paused',
  pillars_status_check: 'status: active, inactive',
  voice_examples_status_check: 'status: active, inactive, archived',
  raw_topics_source_check: 'source: perplexity, reddit, fireflies, manual, company',
  raw_topics_status_check: 'status: new, processing, classified, archived',
  classified_topics_ai_score_check: '((ai_score >= 0) AND (ai_score <= 100))',
  classified_topics_hook_angle_check: 'hook_angle: rational, emotional, aspirational',
  classified_topics_status_check: 'status: classified, drafted, archived',
  generated_drafts_variant_letter_check: 'variant_letter: A, B, C',
  generated_drafts_status_check: 'status: draft, approved, rejected, posted, scheduled',
  usage_monthly_month_check: '(EXTRACT(day FROM month) = (1)::numeric)',
  usage_monthly_count_check: '(count >= 0)',
}

/** Between two tenant tables a key carries the tenant; SET NULL names the one column that it clears. */
export const FOREIGN_KEYS: readonly string[] = [
  'classified_topics (user_id) REFERENCES users(id) ON DELETE CASCADE',
  'classified_topics (user_id, pillar_id) REFERENCES pillars(user_id, id) ON DELETE CASCADE',
  'classified_topics (user_id, raw_topic_id) REFERENCES raw_topics(user_id, id) ON DELETE SET NULL (raw_topic_id)',
  'generated_drafts (user_id) REFERENCES users(id) ON DELETE CASCADE',
  'generated_drafts (user_id, pillar_id) REFERENCES pillars(user_id, id) ON DELETE CASCADE',
  'generated_drafts (user_id, topic_id) REFERENCES classified_topics(user_id, id) ON DELETE CASCADE',
  'pillars (user_id) REFERENCES users(id) ON DELETE CASCADE',
  'profiles (user_id) REFERENCES users(id) ON DELETE CASCADE',
  'raw_topics (user_id) REFERENCES users(id) ON DELETE CASCADE',
  'subscriptions (user_id) REFERENCES users(id) ON DELETE CASCADE',
  'usage_monthly (user_id) REFERENCES users(id) ON DELETE CASCADE',
  'usage_tracking (user_id) REFERENCES users(id) ON DELETE CASCADE',
  'user_secrets (user_id) REFERENCES users(id) ON DELETE CASCADE',
  'voice_examples (user_id) REFERENCES users(id) ON DELETE CASCADE',
  'voice_examples (user_id, pillar_id) REFERENCES pillars(user_id, id) ON DELETE SET NULL (pillar_id)',
]

export interface DocumentedIndex {
  readonly table: string
  /** Leading keys: an index may go on with others. */
  readonly keys: readonly string[]
  readonly unique?: true
  readonly where?: string
  readonly method?: 'gin' | 'hnsw'
}

export const INDEXES: Readonly<Record<string, DocumentedIndex>> = {
  idx_users_clerk_id: { table: 'users', keys: ['clerk_id'], unique: true },
  idx_users_email: { table: 'users', keys: ['email'], unique: true },
  idx_users_status: { table: 'users', keys: ['status'], where: 'active' },
  idx_profiles_user_id: { table: 'profiles', keys: ['user_id'], unique: true },
  idx_subscriptions_user_id: { table: 'subscriptions', keys: ['user_id'], unique: true },
  idx_subscriptions_stripe_customer: { table: 'subscriptions', keys: ['stripe_customer_id'], unique: true },
  subscriptions_stripe_subscription_id_key: {
    table: 'subscriptions',
    keys: ['stripe_subscription_id'],
    unique: true,
  },
  idx_subscriptions_status: { table: 'subscriptions', keys: ['status'], where: 'active' },
  idx_pillars_user_id: { table: 'pillars', keys: ['user_id'] },
  idx_pillars_user_status: { table: 'pillars', keys: ['user_id', 'status'], where: 'active' },
  idx_pillars_user_slug: { table: 'pillars', keys: ['user_id', 'slug'], unique: true },
  idx_voice_examples_user_id: { table: 'voice_examples', keys: ['user_id'] },
  idx_voice_examples_pillar_id: { table: 'voice_examples', keys: ['pillar_id'] },
  idx_voice_examples_user_status: { table: 'voice_examples', keys: ['user_id', 'status'], where: 'active' },
  idx_voice_examples_vector: {
    table: 'voice_examples',
    keys: ['vector_embedding vector_cosine_ops'],
    method: 'hnsw',
  },
  idx_raw_topics_user_id: { table: 'raw_topics', keys: ['user_id'] },
  idx_raw_topics_user_status: { table: 'raw_topics', keys: ['user_id', 'status'] },
  idx_raw_topics_created_at: { table: 'raw_topics', keys: ['created_at DESC'] },
  idx_raw_topics_content_fts: {
    table: 'raw_topics',
    keys: ["to_tsvector('english'::regconfig, content)"],
    method: 'gin',
  },
  idx_classified_topics_user_id: { table: 'classified_topics', keys: ['user_id'] },
  idx_classified_topics_pillar_id: { table: 'classified_topics', keys: ['pillar_id'] },
  idx_classified_topics_user_status: { table: 'classified_topics', keys: ['user_id', 'status'] },
  idx_classified_topics_ai_score: { table: 'classified_topics', keys: ['ai_score DESC'] },
  idx_classified_topics_created_at: { table: 'classified_topics', keys: ['created_at DESC'] },
  idx_classified_topics_content_fts: {
    table: 'classified_topics',
    keys: ["to_tsvector('english'::regconfig, content)"],
    method: 'gin',
  },
  classified_topics_raw_topic_id_key: { table: 'classified_topics', keys: ['raw_topic_id'], unique: true },
  idx_drafts_user_id: { table: 'generated_drafts', keys: ['user_id'] },
  idx_drafts_topic_id: { table: 'generated_drafts', keys: ['topic_id'] },
  idx_drafts_pillar_id: { table: 'generated_drafts', keys: ['pillar_id'] },
  idx_drafts_user_status: { table: 'generated_drafts', keys: ['user_id', 'status'] },
  idx_drafts_status_created: { table: 'generated_drafts', keys: ['status', 'created_at DESC'] },
  idx_drafts_scheduled: { table: 'generated_drafts', keys: ['scheduled_for'], where: 'scheduled' },
  idx_drafts_topic_variant: { table: 'generated_drafts', keys: ['topic_id', 'variant_letter'], unique: true },
  idx_usage_user_id: { table: 'usage_tracking', keys: ['user_id'] },
  idx_usage_user_date: { table: 'usage_tracking', keys: ['user_id', 'created_at'] },
  idx_usage_resource_type: { table: 'usage_tracking', keys: ['resource_type'] },
  idx_audit_logs_user_id: { table: 'audit_logs', keys: ['user_id'] },
  idx_audit_logs_table_record: { table: 'audit_logs', keys: ['table_name', 'record_id'] },
  idx_audit_logs_created_at: { table: 'audit_logs', keys: ['created_at DESC'] },
}

/** Values that are unique over all customers by their nature. Any other unique key holds the tenant. */
export const GLOBAL_UNIQUES: readonly string[] = [
  'idx_subscriptions_stripe_customer',
  'idx_users_clerk_id',
  'idx_users_email',
  'subscriptions_stripe_subscription_id_key',
]

/** The dashboard, refreshed and live: the documented columns. */
export const DASHBOARD_COLUMNS: readonly string[] = [
  'user_id uuid',
  'pending_topics bigint',
  'drafts_pending bigint',
  'drafts_approved bigint',
  'posts_published bigint',
  'last_topic_discovered timestamptz',
  'last_draft_generated timestamptz',
]

const touched = (table: string) =>
  `${table}: update_${table}_updated_at BEFORE UPDATE, update_updated_at_timestamp`

/** Every table with `updated_at` keeps it; the rest enforce the rules on a draft's and a topic's state. */
export const TRIGGERS: readonly string[] = [
  'audit_logs: refuse_audit_logs_change BEFORE DELETE OR UPDATE OR TRUNCATE, refuse_change (always)',
  'classified_topics: archive_low_score BEFORE INSERT OR UPDATE OF ai_score, status, archive_low_classified_topics',
  'classified_topics: keep_drafted BEFORE DELETE, keep_drafted_classified_topics',
  touched('classified_topics'),
  'generated_drafts: assemble_full_text BEFORE INSERT OR UPDATE OF hook, body, cta, hashtags, full_text, assemble_generated_drafts_full_text',
  'generated_drafts: enforce_draft_limits AFTER UPDATE, enforce_subscription_limits (always)',
  'generated_drafts: enforce_status BEFORE INSERT OR UPDATE, enforce_generated_drafts_status',
  touched('generated_drafts'),
  touched('pillars'),
  touched('profiles'),
  touched('raw_topics'),
  'subscriptions: stamp_past_due BEFORE INSERT OR UPDATE OF status, past_due_since, stamp_past_due_subscriptions',
  touched('subscriptions'),
  touched('users'),
  touched('voice_examples'),
]

/** By which rows count, counters follow a subscription, and nothing stays of who is erased: enabled always. */
export const PLAN_TRIGGERS: readonly string[] = [
  ...['delete', 'insert', 'key', 'truncate', 'update'].map(
    (event) => `generated_drafts: limit_guard_${event}`,
  ),
  ...['delete', 'insert', 'truncate', 'update'].map((event) => `pillars: limit_guard_${event}`),
  ...['delete', 'insert', 'truncate', 'update'].map((event) => `subscriptions: limit_follow_${event}`),
  ...['delete', 'truncate'].map((event) => `users: limit_follow_gone_${event}`),
  ...['delete', 'insert', 'truncate', 'update'].map((event) => `voice_examples: limit_guard_${event}`),
]

const EVERYBODY = 'tenantry_definer tenantry_service tenantry_tenant'

/** Documented ones in `public`, ours in `tenantry`; nothing is executable by everyone. */
export const FUNCTIONS: readonly string[] = [
  'public.enforce_subscription_limits() returns trigger, invoker, for nobody',
  'public.refresh_dashboard_stats() returns boolean, definer, for tenantry_service',
  'public.update_updated_at_timestamp() returns trigger, invoker, for nobody',
  'tenantry.archive_low_classified_topics() returns trigger, invoker, for nobody',
  'tenantry.assemble_generated_drafts_full_text() returns trigger, invoker, for nobody',
  `tenantry.claimed_user_uuid() returns uuid, invoker, for ${EVERYBODY}`,
  `tenantry.current_user_uuid() returns uuid, invoker, for ${EVERYBODY}`,
  'tenantry.enforce_generated_drafts_status() returns trigger, invoker, for nobody',
  'tenantry.ensure_partitions(parent regclass, months_ahead integer, first_month date) returns integer, invoker, for nobody',
  'tenantry.keep_drafted_classified_topics() returns trigger, invoker, for nobody',
  'tenantry.refuse_change() returns trigger, invoker, for nobody',
  'tenantry.search_classified_topics(query text, max integer) returns TABLE(id uuid, rank real), definer, for tenantry_tenant',
  'tenantry.search_raw_topics(query text, max integer) returns TABLE(id uuid, rank real), definer, for tenantry_tenant',
  'tenantry.similar_voice_examples(embedding text, max integer) returns TABLE(id uuid, distance double precision), definer, for tenantry_tenant',
  'tenantry.stamp_past_due_subscriptions() returns trigger, invoker, for nobody',
]

/** Of the functions of plans, those that somebody else than their owner, the service role, may call. */
export const PLAN_CALLS: readonly string[] = [
  'tenantry.limit_clock for tenantry_service tenantry_tenant',
  'tenantry.limit_commit for tenantry_tenant',
  'tenantry.limit_consume for tenantry_tenant',
  'tenantry.limit_consume_each for tenantry_tenant',
  `tenantry.limit_period for ${EVERYBODY}`,
  'tenantry.limit_release for tenantry_tenant',
  'tenantry.limit_reserve for tenantry_tenant',
  'tenantry.limit_usage for tenantry_tenant',
]

/** What a customer may do with their own rows: what is missing is billing's, Clerk's or retention's. */
export const CUSTOMER_COMMANDS: Readonly<Record<string, readonly string[]>> = {
  audit_logs: ['select'],
  classified_topics: ['delete', 'insert', 'select', 'update'],
  generated_drafts: ['delete', 'insert', 'select', 'update'],
  pillars: ['delete', 'insert', 'select', 'update'],
  profiles: ['insert', 'select', 'update'],
  raw_topics: ['delete', 'insert', 'select', 'update'],
  subscriptions: ['select'],
  usage_monthly: ['select'],
  usage_tracking: ['insert', 'select'],
  user_secrets: ['delete', 'insert', 'select', 'update'],
  users: ['select', 'update'],
  voice_examples: ['delete', 'insert', 'select', 'update'],
}

/** What retention does by its own role: it reads what its rules' foreign keys lead to, for legal holds. */
export const RETENTION_COMMANDS: Readonly<Record<string, readonly string[]>> = {
  audit_logs: ['delete', 'select'],
  classified_topics: ['delete', 'select'],
  generated_drafts: ['delete', 'select'],
  pillars: ['select'],
  profiles: ['select'],
  raw_topics: ['delete', 'select'],
  subscriptions: ['select'],
  usage_monthly: ['insert', 'select', 'update'],
  usage_tracking: ['delete', 'select'],
  user_secrets: ['select'],
  users: ['select'],
  voice_examples: ['select'],
}
