import { lazyModule } from '@tenantry/core'
import { sqlFunction } from '@tenantry/ddl'
import { CALLER_IS_SERVICE, ROLES } from '@tenantry/rls'
import { CALLER_IS_THE_USER } from './caller.ts'

/**
 * Achievements are earned by what really happened, so only the service role says what did; claiming what was
 * earned is the customer's, and pays once.
 */
export const achievements = lazyModule({
  name: 'achievements',
  objects: () => [
    sqlFunction({
      name: 'evaluate_achievement_criteria',
      args: [
        { name: 'criteria', type: 'jsonb' },
        { name: 'event_data', type: 'jsonb' },
      ],
      returns: 'boolean',
      language: 'plpgsql',
      volatility: 'immutable',
      executableBy: [ROLES.service],
      // Criteria of another shape, or that ask for nothing, are not met; they never fail the event.
      body: `
declare
  asked boolean := false;
  wanted record;
begin
  if pg_catalog.jsonb_typeof(criteria) is distinct from 'object' then return false; end if;
  if criteria ? 'event' then
    asked := true;
    if event_data ->> 'event' is distinct from criteria ->> 'event' then return false; end if;
  end if;
  if pg_catalog.jsonb_typeof(criteria -> 'equals') = 'object' then
    for wanted in select key, value from pg_catalog.jsonb_each(criteria -> 'equals') loop
      asked := true;
      if event_data -> wanted.key is distinct from wanted.value then return false; end if;
    end loop;
  end if;
  if pg_catalog.jsonb_typeof(criteria -> 'min') = 'object' then
    for wanted in select key, value from pg_catalog.jsonb_each(criteria -> 'min') loop
      asked := true;
      if pg_catalog.jsonb_typeof(wanted.value) <> 'number'
        or pg_catalog.jsonb_typeof(event_data -> wanted.key) is distinct from 'number'
        or (event_data ->> wanted.key)::numeric < (wanted.value #>> '{}')::numeric
      then
        return false;
      end if;
    end loop;
  end if;
  return asked;
end`,
    }),
    sqlFunction({
      name: 'check_achievements',
      args: [
        { name: 'p_user_id', type: 'uuid' },
        { name: 'p_event_data', type: 'jsonb' },
      ],
      returns: 'jsonb',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      executableBy: [ROLES.service],
      body: `
declare
  known jsonb;
  awarded jsonb;
begin
  if not ${CALLER_IS_SERVICE} then
    raise exception 'achievements are checked by the service role' using errcode = 'TN003';
  end if;
  -- What the database knows is not for an event to say.
  select coalesce(p_event_data, '{}') || pg_catalog.jsonb_build_object(
    'resume_count', (select count(*) from public.resumes where user_id = p_user_id and deleted_at is null),
    'export_count', (select count(*) from public.exports where user_id = p_user_id and status = 'completed'),
    'cover_letter_count', (select count(*) from public.cover_letters where user_id = p_user_id and deleted_at is null),
    'enhancement_count', (
      select count(*) from public.enhancement_requests where user_id = p_user_id and processing_status = 'completed'
    ),
    'accepted_suggestion_count', (
      select count(*) from public.enhancement_suggestions
      where user_id = p_user_id and user_action in ('accepted', 'modified')
    ),
    'referral_count', (select coalesce(sum(usage_count), 0) from public.referral_codes where user_id = p_user_id)
  ) into known;
  with earned as (
    insert into public.user_achievements (user_id, achievement_key, credits_awarded, progress_data)
    select p_user_id, definition.achievement_key, definition.reward_credits, known
    from public.achievement_definitions as definition
    where definition.is_active and public.evaluate_achievement_criteria(definition.criteria, known)
    on conflict (user_id, achievement_key) do nothing
    returning achievement_key, credits_awarded
  )
  select pg_catalog.jsonb_build_object(
    'achievements_awarded', coalesce(pg_catalog.jsonb_agg(achievement_key order by achievement_key), '[]'),
    'total_credits_awarded', coalesce(sum(credits_awarded), 0)
  ) into awarded
  from earned;
  return awarded;
end`,
    }),
    sqlFunction({
      name: 'claim_achievement',
      args: [
        { name: 'p_user_id', type: 'uuid' },
        { name: 'p_achievement_key', type: 'text' },
      ],
      // The credits that it paid; null when there is nothing to claim.
      returns: 'integer',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      executableBy: [ROLES.tenant, ROLES.service],
      body: `
declare
  claimed record;
begin${CALLER_IS_THE_USER}
  update public.user_achievements set credits_claimed = true
  where user_id = p_user_id and achievement_key = p_achievement_key and not credits_claimed
  returning id, credits_awarded into claimed;
  if not found then return null; end if;
  if claimed.credits_awarded > 0 then
    perform tenantry.post_credits(
      p_user_id, 'earned', claimed.credits_awarded, 'achievement', 'Achievement: ' || p_achievement_key,
      'achievement:' || claimed.id, null
    );
  end if;
  return claimed.credits_awarded;
end`,
    }),
    sqlFunction({
      name: 'process_pending_achievements',
      // Users that were looked at.
      returns: 'integer',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      executableBy: [ROLES.service],
      // Those who did something in two days: a run that was missed once is made up for.
      body: `
declare
  active uuid;
  looked_at integer := 0;
begin
  if not ${CALLER_IS_SERVICE} then
    raise exception 'this is for the service role' using errcode = 'TN003';
  end if;
  for active in
    select user_id from public.resumes where updated_at > now() - interval '2 days'
    union
    select user_id from public.cover_letters where updated_at > now() - interval '2 days'
    union
    select user_id from public.exports where created_at > now() - interval '2 days'
    union
    select user_id from public.enhancement_requests where completed_at > now() - interval '2 days'
    union
    select user_id from public.enhancement_suggestions where applied_at > now() - interval '2 days'
    union
    select user_id from public.referral_codes where updated_at > now() - interval '2 days'
  loop
    perform public.check_achievements(active, '{}');
    looked_at := looked_at + 1;
  end loop;
  return looked_at;
end`,
    }),
  ],
})
