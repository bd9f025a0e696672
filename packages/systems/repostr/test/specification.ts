/**
 * Repostr's data model, written out by hand from its specification and the rulings on it, and not from the schema
 * that is measured against it.
 */

export const ENUMS: Readonly<Record<string, readonly string[]>> = {
  output_kind: ['blog', 'social', 'email'],
  output_status: ['queued', 'processing', 'completed', 'failed'],
  template_type: ['blog', 'linkedin', 'twitter', 'instagram', 'email'],
}

/** The documented columns, and those of a lease. */
const OUTPUTS = [
  'id uuid not null default gen_random_uuid()',
  'user_id text not null',
  'project_id uuid not null',
  'kind output_kind not null',
  "status output_status not null default 'queued'::output_status",
  'request jsonb',
  'body text',
  "metadata jsonb not null default '{}'",
  'created_at timestamptz not null default now()',
  'updated_at timestamptz not null default now()',
  'lease_token uuid',
  'attempts integer not null default 0',
  'available_at timestamptz not null default now()',
  'last_error text',
]

/** Columns in their documented order: name, type, nullability, default. */
export const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  profiles: [
    'user_id text not null',
    'name text',
    "preferences jsonb not null default '{}'",
    'tone_of_voice text',
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
  ],
  projects: [
    'id uuid not null default gen_random_uuid()',
    'user_id text not null',
    'title text not null',
    'description text',
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
  ],
  files: [
    'id uuid not null default gen_random_uuid()',
    'user_id text not null',
    'project_id uuid not null',
    'path text not null',
    'mime_type text',
    'size_bytes bigint',
    'public_url text',
    'created_at timestamptz not null default now()',
  ],
  outputs: OUTPUTS,
  outputs_archive: [...OUTPUTS, 'archived_at timestamptz not null default now()'],
  templates: [
    'id uuid not null default gen_random_uuid()',
    'user_id text not null',
    'name text not null',
    'type template_type not null',
    'prompt text not null',
    'is_custom boolean not null default true',
    'created_at timestamptz not null default now()',
  ],
  // Not documented: what the announced billing asks for.
  subscriptions: [
    'user_id text not null',
    'plan text not null',
    "status text not null default 'active'",
    'billing_anchor timestamptz not null default now()',
    'past_due_since timestamptz',
    'ends_at timestamptz',
    'stripe_customer_id text',
    'stripe_subscription_id text',
    'created_at timestamptz not null default now()',
    'updated_at timestamptz not null default now()',
  ],
  schema_versions: ['version text not null', 'applied_at timestamptz not null default now()'],
}

export const PRIMARY_KEYS: readonly string[] = [
  'files (id)',
  'outputs (id)',
  'outputs_archive (id)',
  'profiles (user_id)',
  'projects (id)',
  'schema_versions (version)',
  'subscriptions (user_id)',
  'templates (id)',
]

/** Each carries the tenant. */
export const FOREIGN_KEYS: readonly string[] = ['files', 'outputs', 'outputs_archive'].map(
  (table) => `${table} (user_id, project_id) REFERENCES projects(user_id, id) ON DELETE CASCADE`,
)

export interface DocumentedIndex {
  readonly table: string
  /** Leading keys: an index may go on with others. */
  readonly keys: readonly string[]
  readonly unique?: true
}

export const INDEXES: readonly DocumentedIndex[] = [
  { table: 'projects', keys: ['user_id', 'created_at DESC'] },
  { table: 'files', keys: ['path'], unique: true },
  { table: 'files', keys: ['project_id', 'user_id'] },
  { table: 'outputs', keys: ['project_id', 'user_id'] },
  { table: 'outputs', keys: ['status'] },
  { table: 'outputs', keys: ['created_at DESC'] },
  { table: 'templates', keys: ['user_id'] },
  { table: 'templates', keys: ['user_id', 'name'], unique: true },
]

export const TRIGGERS: readonly string[] = [
  'outputs: announce_inserted_status AFTER INSERT, announce_outputs_status',
  'outputs: enforce_status BEFORE INSERT OR UPDATE, enforce_outputs_status',
  'outputs: guard_lease_of_status BEFORE INSERT OR UPDATE, guard_lease_of_outputs_status',
  'outputs: trg_outputs_updated_at BEFORE UPDATE, set_updated_at',
  'profiles: trg_profiles_updated_at BEFORE UPDATE, set_updated_at',
  'projects: trg_projects_updated_at BEFORE UPDATE, set_updated_at',
  'subscriptions: date_past_due BEFORE INSERT OR UPDATE, date_past_due',
  'subscriptions: trg_subscriptions_updated_at BEFORE UPDATE, set_updated_at',
]

const EVENTS = ['delete', 'insert', 'truncate', 'update']

/** Outputs are counted, and counters follow subscriptions, whoever writes and whatever replication is set to. */
export const KIT_TRIGGERS: readonly string[] = [
  ...EVENTS.map(
    (event) => `outputs: limit_guard_${event} AFTER ${event.toUpperCase()}, limit_guard_outputs (always)`,
  ),
  'outputs: limit_guard_key AFTER UPDATE OF id, limit_keep_key (always)',
  ...EVENTS.map(
    (event) =>
      `subscriptions: limit_follow_${event} AFTER ${event.toUpperCase()}, limit_follow_subscriptions (always)`,
  ),
].toSorted()

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

export const FUNCTIONS: readonly string[] = [
  'public.set_updated_at() returns trigger, invoker, for nobody',
  'tenantry.announce_outputs_status() returns trigger, invoker, for nobody',
  'tenantry.claimed_user_text() returns text, invoker, for tenantry_definer tenantry_service tenantry_tenant',
  'tenantry.current_user_text() returns text, invoker, for tenantry_definer tenantry_service tenantry_tenant',
  'tenantry.date_past_due() returns trigger, invoker, for nobody',
  'tenantry.enforce_outputs_status() returns trigger, invoker, for nobody',
  'tenantry.guard_lease_of_outputs_status() returns trigger, invoker, for nobody',
  'tenantry.refuse_change() returns trigger, invoker, for nobody',
]

/** The policies that the specification names, with their commands. */
export const DOCUMENTED_POLICIES: Readonly<Record<string, readonly string[]>> = {
  profiles: [
    'profiles_owner_select for select',
    'profiles_owner_update for update',
    'profiles_owner_upsert for insert',
  ],
  projects: ['projects_owner_all for all'],
  files: ['files_owner_all for all'],
  outputs: ['outputs_owner_all for all'],
  templates: ['templates_owner_all for all'],
  subscriptions: ['subscriptions_owner_select for select'],
}
