/** Ways in which a database of notes.ts can depart from its declarations. */

/** What was done to the database, the code that must be reported, and the object it must name. */
export const MUTATIONS: readonly (readonly [what: string, sql: string, code: string, object: string])[] = [
  ['row security off', 'alter table notes disable row level security', 'rls-disabled', 'public.notes'],
  [
    'row security not forced',
    'alter table notes no force row level security',
    'rls-not-forced',
    'public.notes',
  ],
  [
    'off on an internal table',
    'alter table deliveries disable row level security',
    'rls-disabled',
    'public.deliveries',
  ],
  [
    'off on a partition',
    'alter table events_2026_11 disable row level security',
    'partition-rls-disabled',
    'public.events_2026_11',
  ],
  [
    'not forced on a partition',
    'alter table events_2026_11 no force row level security',
    'partition-rls-not-forced',
    'public.events_2026_11',
  ],
  ['a dropped table', 'drop table deliveries', 'table-missing', 'public.deliveries'],
  [
    'a table of the tenant role',
    'grant create on schema public to tenantry_tenant; alter table folders owner to tenantry_tenant',
    'table-owner',
    'public.folders',
  ],
  [
    'a rule',
    'create rule copy as on update to notes do also delete from folders',
    'rule-on-table',
    'public.notes',
  ],

  ['a dropped policy', 'drop policy tenant_isolation on notes', 'policy-missing', 'public.notes'],
  ['a loosened policy', 'alter policy tenant_select on notes using (true)', 'policy-changed', 'public.notes'],
  [
    'a loosened check',
    'alter policy tenant_insert on notes with check (true)',
    'policy-changed',
    'public.notes',
  ],
  [
    'a policy for another role',
    'alter policy tenant_service on notes to public',
    'policy-changed',
    'public.notes',
  ],
  [
    'a policy made permissive',
    `drop policy tenant_isolation on notes;
     create policy tenant_isolation on notes to tenantry_tenant
     using (user_id = (select tenantry.current_user_uuid())) with check (user_id = (select tenantry.current_user_uuid()))`,
    'policy-changed',
    'public.notes',
  ],
  [
    'a policy for another command',
    `drop policy tenant_delete on notes;
     create policy tenant_delete on notes for all to tenantry_tenant using (user_id = (select tenantry.current_user_uuid()))`,
    'policy-changed',
    'public.notes',
  ],
  [
    'a call for every row',
    'alter policy tenant_select on notes using (user_id = tenantry.current_user_uuid())',
    'policy-changed',
    'public.notes',
  ],
  [
    'a renamed policy',
    'alter policy tenant_select on notes rename to other',
    'policy-missing',
    'public.notes',
  ],
  [
    'an extra permissive policy',
    'create policy open on notes for select to tenantry_tenant using (true)',
    'policy-undeclared-permissive',
    'public.notes',
  ],
  [
    'a policy for everyone',
    'create policy open on languages using (true)',
    'policy-undeclared-permissive',
    'public.languages',
  ],
  [
    'an extra restrictive policy',
    'create policy closed on notes as restrictive using (false)',
    'policy-undeclared',
    'public.notes',
  ],
  [
    'a policy on a partition',
    'create policy open on events_2026_11 using (true)',
    'policy-undeclared-permissive',
    'public.events_2026_11',
  ],

  ['a grant to everyone', 'grant select on notes to public', 'grant-undeclared', 'public.notes'],
  [
    'a grant on an internal table',
    'grant select on deliveries to tenantry_tenant',
    'grant-undeclared',
    'public.deliveries',
  ],
  [
    'a grant on a column',
    'grant update (user_id) on notes to tenantry_tenant',
    'grant-undeclared',
    'public.notes',
  ],
  [
    'a whole table in place of columns',
    'grant insert on notes to tenantry_tenant',
    'grant-undeclared',
    'public.notes',
  ],
  [
    'a grant on a materialized view',
    'grant select on note_counts to tenantry_service',
    'grant-undeclared',
    'public.note_counts',
  ],
  [
    'a right to pass on',
    'grant select on notes to tenantry_tenant with grant option',
    'grant-option',
    'public.notes',
  ],
  ['TRUNCATE', 'grant truncate on notes to tenantry_service', 'grant-owners-only', 'public.notes'],
  ['REFERENCES', 'grant references on notes to tenantry_tenant', 'grant-owners-only', 'public.notes'],
  ['TRIGGER', 'grant trigger on notes to tenantry_tenant', 'grant-owners-only', 'public.notes'],
  ['a revoked grant', 'revoke delete on notes from tenantry_tenant', 'grant-missing', 'public.notes'],
  [
    'a revoked column',
    'revoke insert (title) on notes from tenantry_tenant',
    'grant-missing',
    'public.notes',
  ],
  [
    'a grant on a partition',
    'grant select on events_2026_11 to tenantry_tenant',
    'partition-granted',
    'public.events_2026_11',
  ],
  [
    'a partition made by hand',
    `create table events_old partition of events for values from ('2020-01-01') to ('2020-02-01')`,
    'partition-rls-disabled',
    'public.events_old',
  ],
  [
    'a partition in another schema',
    `create schema archive;
     create table archive.events_old partition of events for values from ('2020-01-01') to ('2020-02-01');
     alter table archive.events_old enable row level security, force row level security;
     grant select on archive.events_old to tenantry_tenant`,
    'partition-granted',
    'archive.events_old',
  ],
  ['an heir', 'create table notes_heir () inherits (notes)', 'partition-rls-disabled', 'public.notes_heir'],
  [
    'an unclassified table',
    'create table extra (id int); grant select on extra to public',
    'table-unclassified',
    'public.extra',
  ],
  [
    'an unclassified column',
    'create table extra (id int); grant select (id) on extra to tenantry_tenant',
    'table-unclassified',
    'public.extra',
  ],
  ['a right to create', 'grant create on schema tenantry to tenantry_tenant', 'schema-create', 'tenantry'],

  [
    "a view with its owner's rights",
    'alter view titles reset (security_invoker)',
    'view-not-security-invoker',
    'public.titles',
  ],
  [
    'a view over a view',
    'create schema reports; create view reports.all_titles as select * from titles',
    'view-not-security-invoker',
    'reports.all_titles',
  ],
  [
    'a readable materialized view',
    'grant select on note_counts to tenantry_tenant',
    'materialized-view-readable',
    'public.note_counts',
  ],
  [
    'a materialized view elsewhere',
    'create schema reports; create materialized view reports.copies as select * from notes; grant select on reports.copies to public',
    'materialized-view-readable',
    'reports.copies',
  ],

  [
    'an undeclared definer function',
    `create function peek() returns setof notes language sql security definer as 'select * from public.notes'`,
    'function-undeclared-definer',
    'function public.peek()',
  ],
  [
    'another body',
    `create or replace function tenantry.current_user_uuid() returns uuid language sql stable parallel safe as 'select null::uuid'`,
    'function-changed',
    'function tenantry.current_user_uuid()',
  ],
  [
    'a volatile function',
    'alter function tenantry.current_user_uuid() volatile',
    'function-changed',
    'function tenantry.current_user_uuid()',
  ],
  [
    'a definer in place of an invoker',
    'alter function tenantry.current_user_uuid() security definer',
    'function-search-path',
    'function tenantry.current_user_uuid()',
  ],
  [
    'another search path',
    'alter function tenantry.titles_like(text) set search_path = public',
    'function-search-path',
    'function tenantry.titles_like(text)',
  ],
  [
    'no search path',
    'alter function tenantry.titles_like(text) reset all',
    'function-search-path',
    'function tenantry.titles_like(text)',
  ],
  [
    'another owner',
    'alter function tenantry.titles_like(text) owner to current_user',
    'function-owner',
    'function tenantry.titles_like(text)',
  ],
  [
    'a call for everyone',
    'grant execute on function tenantry.titles_like(text) to public',
    'function-public-execute',
    'function tenantry.titles_like(text)',
  ],
  [
    'another caller',
    'grant execute on function tenantry.titles_like(text) to tenantry_service',
    'function-execute-undeclared',
    'function tenantry.titles_like(text)',
  ],
  [
    'a caller fewer',
    'revoke execute on function tenantry.titles_like(text) from tenantry_tenant',
    'function-execute-missing',
    'function tenantry.titles_like(text)',
  ],
  [
    'a dropped function',
    'drop function tenantry.titles_like(text)',
    'function-missing',
    'function tenantry.titles_like(text)',
  ],
  [
    'a leakproof function',
    `create function spy(text) returns boolean language sql leakproof as 'select true'`,
    'function-leakproof',
    'function public.spy(text)',
  ],

  [
    'a disabled trigger',
    'alter table notes disable trigger update_notes_updated_at',
    'trigger-disabled',
    'public.notes',
  ],
  ['a dropped trigger', 'drop trigger update_notes_updated_at on notes', 'trigger-missing', 'public.notes'],
  [
    'another trigger',
    `create or replace trigger update_notes_updated_at before insert on notes
     for each row execute function update_updated_at_timestamp()`,
    'trigger-changed',
    'public.notes',
  ],
  [
    'a trigger for replicas',
    'alter table notes enable replica trigger update_notes_updated_at',
    'trigger-changed',
    'public.notes',
  ],
  [
    'an unknown trigger',
    'create trigger other before update on folders for each row execute function update_updated_at_timestamp()',
    'trigger-undeclared',
    'public.folders',
  ],
  ['a foreign key switched off', 'alter table notes disable trigger all', 'trigger-disabled', 'public.notes'],

  [
    'a foreign key without the tenant',
    'alter table notes add constraint loose foreign key (folder_id) references folders (id)',
    'foreign-key-without-tenant',
    'public.notes',
  ],
  [
    'a unique key without the tenant',
    'create unique index notes_only_title on notes (title)',
    'unique-without-tenant',
    'public.notes',
  ],
  [
    'a unique expression without the tenant',
    'create unique index notes_lower on notes (lower(title))',
    'unique-without-tenant',
    'public.notes',
  ],
  [
    'no index for the tenant',
    'alter table notes drop constraint notes_title; drop index notes_user',
    'tenant-index-missing',
    'public.notes',
  ],
]
