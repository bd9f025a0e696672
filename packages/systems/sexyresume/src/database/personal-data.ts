import { lazyModule } from '@tenantry/core'
import { sqlFunction } from '@tenantry/ddl'
import { ROLES } from '@tenantry/rls'
import { CALLER_IS_THE_USER } from './caller.ts'

/** What `export_user_data` answers, by key: the rows of these tables. */
const EXPORTED = {
  resumes: 'resumes',
  exports: 'exports',
  cover_letters: 'cover_letters',
  cover_letter_drafts: 'cover_letter_drafts',
  enhancement_requests: 'enhancement_requests',
  enhancement_suggestions: 'enhancement_suggestions',
  recommendations: 'role_recommendations',
  entitlements: 'user_entitlements',
  payments: 'payment_receipts',
  referral_codes: 'referral_codes',
  achievements: 'user_achievements',
  credits: 'credit_transactions',
} as const

const lists = Object.entries(EXPORTED)
  .map(
    ([key, table]) =>
      `    '${key}', (select coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(r)), '[]') from public.${table} as r where r.user_id = p_user_id)`,
  )
  .join(',\n')

/** The documented answers to a customer who wants their data, or wants it gone. Each checks its caller. */
export const personalData = lazyModule({
  name: 'personal data',
  objects: () => [
    sqlFunction({
      name: 'export_user_data',
      args: [{ name: 'p_user_id', type: 'uuid' }],
      returns: 'jsonb',
      language: 'plpgsql',
      volatility: 'stable',
      security: 'definer',
      owner: ROLES.definer,
      executableBy: [ROLES.tenant, ROLES.service],
      body: `
begin${CALLER_IS_THE_USER}
  return pg_catalog.jsonb_build_object(
    'user_profile', (select pg_catalog.to_jsonb(u) from public.users as u where u.id = p_user_id),
${lists}
  );
end`,
    }),
    sqlFunction({
      name: 'delete_user_data',
      args: [{ name: 'p_user_id', type: 'uuid' }],
      returns: 'jsonb',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      executableBy: [ROLES.tenant, ROLES.service],
      // Without its row in analytics_subjects nobody can tell whose the events were: they become anonymous.
      body: `
begin${CALLER_IS_THE_USER}
  update public.users set email = 'deleted_' || id || '@anonymized.local', full_name = 'Deleted User'
  where id = p_user_id;
  if not found then
    return pg_catalog.jsonb_build_object('status', 'not_found', 'user_id', p_user_id);
  end if;
  update public.resumes set deleted_at = coalesce(deleted_at, now()), is_active = false where user_id = p_user_id;
  update public.cover_letters set deleted_at = coalesce(deleted_at, now()), is_active = false where user_id = p_user_id;
  update public.referral_codes set is_active = false where user_id = p_user_id;
  delete from public.exports where user_id = p_user_id;
  delete from public.user_sessions where user_id = p_user_id;
  delete from public.analytics_subjects where user_id = p_user_id;
  return pg_catalog.jsonb_build_object('status', 'completed', 'user_id', p_user_id);
end`,
    }),
  ],
})
