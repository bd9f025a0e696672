/**
 * usegemz' data model, written out by hand from its specification and the rulings on it, and not from the schema
 * that is measured against it.
 */

/** Columns in their documented order, and after them what the rulings add: name, type, nullability, default. */
export const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  user_profiles: [
    'id uuid not null default gen_random_uuid()',
    'user_id text not null',
    'email text',
    'name text',
    'company_name text',
    'industry text',
    'signup_timestamp timestamptz not null default now()',
    "onboarding_step varchar(50) not null default 'pending'",
    'full_name text',
    'business_name text',
    'brand_description text',
    "email_schedule_status jsonb not null default '{}'",
    'trial_start_date timestamptz',
    'trial_end_date timestamptz',
    "trial_status varchar(20) not null default 'pending'",
    'stripe_customer_id text',
    'stripe_subscription_id text',
    "subscription_status varchar(20) not null default 'none'",
    'is_admin boolean not null default false',
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
    "plan varchar(20) not null generated as CASE WHEN (((trial_status) = 'converted') OR ((subscription_status) = ANY ((ARRAY['active', 'past_due'])[]))) THEN 'full' ELSE 'trial' END",
    'runs_until timestamptz',
  ],
  campaigns: [
    'id uuid not null default gen_random_uuid()',
    'user_id text not null',
    'name text not null',
    'description text',
    'search_type varchar(20) not null',
    "status varchar(20) not null default 'draft'",
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
  ],
  scraping_jobs: [
    'id uuid not null default gen_random_uuid()',
    'user_id text not null',
    'campaign_id uuid',
    "platform varchar(50) not null default 'TikTok'",
    'keywords jsonb',
    'target_username text',
    'search_params jsonb',
    "region varchar(10) not null default 'US'",
    "status varchar(20) not null default 'pending'",
    'run_id text',
    'qstash_message_id text',
    'processed_runs integer not null default 0',
    'processed_results integer not null default 0',
    'target_results integer not null default 1000',
    'cursor integer not null default 0',
    'progress numeric not null generated as LEAST((100)::numeric, round(((100.0 * (processed_results)::numeric) / (GREATEST(target_results, 1))::numeric), 2))',
    'created_at timestamptz not null default now()',
    'started_at timestamptz',
    'completed_at timestamptz',
    'timeout_at timestamptz',
    'updated_at timestamptz not null default now()',
    'error text',
    'lease_token uuid',
    'attempts integer not null default 0',
    'available_at timestamptz not null default now()',
  ],
  scraping_results: [
    'id uuid not null default gen_random_uuid()',
    'user_id text not null',
    'job_id uuid',
    'creators jsonb not null',
    'created_at timestamptz not null default now()',
  ],
  system_configurations: [
    'id uuid not null default gen_random_uuid()',
    'category varchar(50) not null',
    'key varchar(100) not null',
    'value text not null',
    'value_type varchar(20) not null',
    'description text',
    'is_hot_reloadable boolean not null default true',
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
  ],
  search_jobs: [
    'id text not null',
    'user_id text not null',
    'campaign_id uuid',
    'platform varchar(20) not null',
    'search_type varchar(20) not null',
    "status varchar(20) not null default 'queued'",
    'total_count integer not null',
    'completed_count integer not null default 0',
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
    'completed_at timestamptz',
  ],
  search_results: [
    'id uuid not null default gen_random_uuid()',
    'user_id text not null',
    'job_id text not null',
    'profile_id text not null',
    'username text not null',
    'display_name text',
    'platform varchar(20) not null',
    'profile_url text',
    'post_url text',
    'post_description text',
    'avatar_url text',
    'followers integer not null default 0',
    'is_verified boolean not null default false',
    'email text',
    'bio text',
    'raw_data jsonb',
    'created_at timestamptz not null default now()',
  ],
}

export const PRIMARY_KEYS: readonly string[] = Object.keys(COLUMNS)
  .toSorted()
  .map((table) => `${table} (id)`)

/** Name → the values that a column is limited to, or its condition. Longer conditions are tried by their rows. */
export const CHECKS: Readonly<Record<string, string>> = {
  campaigns_search_type_check: 'search_type: keyword, similar',
  campaigns_status_check: 'status: draft, active, completed, archived',
  scraping_jobs_cursor_check: '(cursor >= 0)',
  scraping_jobs_platform_check: 'platform: TikTok, Instagram, YouTube',
  scraping_jobs_processed_results_check: '(processed_results >= 0)',
  scraping_jobs_processed_runs_check: '(processed_runs >= 0)',
  scraping_jobs_status_check: 'status: pending, processing, completed, error, timeout',
  scraping_jobs_target_results_check: '(target_results > 0)',
  search_jobs_completed_count_check: '(completed_count >= 0)',
  search_jobs_platform_check: 'platform: TikTok, Instagram, YouTube',
  search_jobs_search_type_check: 'search_type: keyword, similar',
  search_jobs_total_count_check: '(total_count >= 0)',
  search_results_followers_check: '(followers >= 0)',
  search_results_platform_check: 'platform: TikTok, Instagram, YouTube',
  system_configurations_value_type_check: 'value_type: string, number, boolean, duration, json',
  user_profiles_onboarding_step_check: 'onboarding_step: pending, info_captured, intent_captured, completed',
  user_profiles_subscription_status_check: 'subscription_status: none, trialing, active, past_due, canceled',
  user_profiles_trial_status_check: 'trial_status: pending, active, expired, cancelled, converted',
  user_profiles_user_id_check: "(user_id <> ''::text)",
}

export const OTHER_CHECKS: readonly string[] = [
  'scraping_jobs_keywords_check',
  'scraping_jobs_search_check',
  'scraping_results_creators_check',
  'system_configurations_api_calls_check',
  'system_configurations_value_check',
  'user_profiles_trial_dates_check',
]

/** Between two tenant tables a key carries the tenant. */
export const FOREIGN_KEYS: readonly string[] = [
  'campaigns (user_id) REFERENCES user_profiles(user_id) ON DELETE CASCADE',
  'scraping_jobs (user_id) REFERENCES user_profiles(user_id) ON DELETE CASCADE',
  'scraping_jobs (user_id, campaign_id) REFERENCES campaigns(user_id, id)',
  'scraping_results (user_id) REFERENCES user_profiles(user_id) ON DELETE CASCADE',
  'scraping_results (user_id, job_id) REFERENCES scraping_jobs(user_id, id)',
  'search_jobs (user_id) REFERENCES user_profiles(user_id) ON DELETE CASCADE',
  'search_jobs (user_id, campaign_id) REFERENCES campaigns(user_id, id)',
  'search_results (user_id) REFERENCES user_profiles(user_id) ON DELETE CASCADE',
  'search_results (user_id, job_id) REFERENCES search_jobs(user_id, id)',
]

export interface DocumentedIndex {
  readonly table: string
  /** Leading keys: an index may go on with others. */
  readonly keys: readonly string[]
  readonly unique?: true
  readonly where?: string
}

export const INDEXES: Readonly<Record<string, DocumentedIndex>> = {
  user_profiles_user_id_key: { table: 'user_profiles', keys: ['user_id'], unique: true },
  idx_user_profiles_trial_status: { table: 'user_profiles', keys: ['trial_status'] },
  idx_user_profiles_trial_dates: { table: 'user_profiles', keys: ['trial_start_date', 'trial_end_date'] },
  idx_user_profiles_stripe_customer: { table: 'user_profiles', keys: ['stripe_customer_id'] },
  idx_user_profiles_is_admin: { table: 'user_profiles', keys: ['is_admin'], where: '(is_admin = true)' },
  idx_user_profiles_admin_details: {
    table: 'user_profiles',
    keys: ['is_admin', 'full_name', 'email', 'updated_at'],
  },
  idx_scraping_jobs_status: { table: 'scraping_jobs', keys: ['status'] },
  idx_scraping_jobs_platform: { table: 'scraping_jobs', keys: ['platform'] },
  idx_scraping_jobs_user_campaign: { table: 'scraping_jobs', keys: ['user_id', 'campaign_id'] },
  idx_scraping_results_job_id: { table: 'scraping_results', keys: ['job_id'] },
  idx_scraping_results_created_at: { table: 'scraping_results', keys: ['created_at'] },
  unique_category_key: { table: 'system_configurations', keys: ['category', 'key'], unique: true },
}

/** Unique without a tenant: the settings have none. */
export const GLOBAL_UNIQUES: readonly string[] = ['unique_category_key']

const touched = (table: string) =>
  `${table}: update_${table}_updated_at BEFORE UPDATE, update_updated_at_timestamp`

export const TRIGGERS: readonly string[] = [
  'campaigns: enforce_status BEFORE INSERT OR UPDATE, enforce_campaigns_status',
  touched('campaigns'),
  'scraping_jobs: enforce_status BEFORE INSERT OR UPDATE, enforce_scraping_jobs_status',
  'scraping_jobs: guard_lease_of_status BEFORE INSERT OR UPDATE, guard_lease_of_scraping_jobs_status',
  'scraping_jobs: keep_time BEFORE UPDATE, keep_time_of_scraping_jobs',
  touched('scraping_jobs'),
  'scraping_results: match_job BEFORE INSERT OR UPDATE OF creators, job_id, match_job_of_scraping_results',
  touched('search_jobs'),
  touched('system_configurations'),
  'user_profiles: enforce_onboarding_step BEFORE INSERT OR UPDATE, enforce_user_profiles_onboarding_step',
  'user_profiles: enforce_trial_status BEFORE INSERT OR UPDATE, enforce_user_profiles_trial_status',
  'user_profiles: keep_trial_dates BEFORE UPDATE OF trial_status, trial_start_date, trial_end_date, date_trial',
  'user_profiles: set_runs_until BEFORE INSERT OR UPDATE, set_runs_until',
  touched('user_profiles'),
]

const EVERYBODY = 'tenantry_definer tenantry_service tenantry_tenant'

/** Ours in `tenantry`; nothing is executable by everyone. */
export const FUNCTIONS: readonly string[] = [
  'public.set_user_admin(target_user_id text, makes_admin boolean) returns boolean, definer, for tenantry_tenant',
  'public.update_updated_at_timestamp() returns trigger, invoker, for nobody',
  'tenantry.announce_scraping_jobs_status() returns trigger, invoker, for nobody',
  'tenantry.announce_system_configurations() returns trigger, invoker, for nobody',
  `tenantry.claimed_user_text() returns text, invoker, for ${EVERYBODY}`,
  'tenantry.current_user_reads_all() returns boolean, definer, for tenantry_service tenantry_tenant',
  `tenantry.current_user_text() returns text, invoker, for ${EVERYBODY}`,
  'tenantry.date_trial() returns trigger, invoker, for nobody',
  'tenantry.enforce_campaigns_status() returns trigger, invoker, for nobody',
  'tenantry.enforce_scraping_jobs_status() returns trigger, invoker, for nobody',
  'tenantry.enforce_user_profiles_onboarding_step() returns trigger, invoker, for nobody',
  'tenantry.enforce_user_profiles_trial_status() returns trigger, invoker, for nobody',
  `tenantry.first_readable(own text) returns text, invoker, for ${EVERYBODY}`,
  'tenantry.forget_erased_people() returns trigger, definer, for nobody',
  'tenantry.guard_lease_of_scraping_jobs_status() returns trigger, invoker, for nobody',
  'tenantry.keep_time_of_scraping_jobs() returns trigger, invoker, for nobody',
  `tenantry.last_readable(own text) returns text, invoker, for ${EVERYBODY}`,
  'tenantry.last_tenant() returns text, definer, for tenantry_service tenantry_tenant',
  'tenantry.match_job_of_scraping_results() returns trigger, invoker, for nobody',
  'tenantry.refuse_change() returns trigger, invoker, for nobody',
  'tenantry.set_runs_until() returns trigger, invoker, for nobody',
  'tenantry.take_api_call_windows(p_tenant text, p_limit text, p_subject text, p_amount integer) returns TABLE(allowed boolean, quota bigint, remaining bigint, retry_after_ms bigint, reset_after_ms bigint), definer, for tenantry_tenant',
]

/** Of plans and retention those that anybody may call; the others are parts of them, and bodies of triggers. */
export const KIT_FUNCTIONS: readonly string[] = [
  'tenantry.limit_clock for tenantry_service tenantry_tenant',
  'tenantry.limit_commit for tenantry_tenant',
  'tenantry.limit_consume for tenantry_tenant',
  'tenantry.limit_consume_each for tenantry_tenant',
  'tenantry.limit_period for tenantry_definer tenantry_service tenantry_tenant',
  'tenantry.limit_release for tenantry_tenant',
  'tenantry.limit_reserve for tenantry_tenant',
  'tenantry.limit_usage for tenantry_tenant',
]

const EVENTS = ['delete', 'insert', 'truncate', 'update']

/** What is begun is counted, and counters follow trials, whoever writes and whatever replication is set to. */
export const KIT_TRIGGERS: readonly string[] = [
  ...EVENTS.map((event) => `campaigns: limit_guard_${event}`),
  'scraping_jobs: limit_guard_insert',
  ...[...EVENTS, 'gone_delete', 'gone_truncate']
    .toSorted()
    .map((event) => `user_profiles: limit_follow_${event}`),
]

/** What retention may do with a table, beside reading it. */
export const RETAINED: Readonly<Record<string, readonly string[]>> = {
  campaigns: [],
  scraping_jobs: ['delete'],
  scraping_results: ['delete'],
  search_jobs: ['delete'],
  search_results: ['delete'],
  user_profiles: [],
}

/** What a person may do with their own rows; administrators read those of all, and the settings. */
export const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  campaigns: ['delete', 'insert', 'select', 'update'],
  scraping_jobs: ['insert', 'select'],
  scraping_results: ['select'],
  search_jobs: ['select'],
  search_results: ['select'],
  system_configurations: ['select'],
  user_profiles: ['select', 'update'],
}
