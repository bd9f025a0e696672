import { lazyModule } from '@tenantry/core'
import { sqlFunction } from '@tenantry/ddl'
import { ROLES } from '@tenantry/rls'
import { REFERRAL_CODE_ALPHABET, REFERRAL_CODE_LENGTH } from '../types/enums.ts'
import { CALLER_IS_THE_USER } from './caller.ts'

/** Referral codes are made and redeemed in the database: both need to look across tenants, and tell nothing. */
export const referrals = lazyModule({
  name: 'referrals',
  objects: () => [
    sqlFunction({
      schema: 'tenantry',
      name: 'random_referral_code',
      returns: 'text',
      language: 'plpgsql',
      volatility: 'volatile',
      executableBy: [ROLES.service],
      // gen_random_uuid() draws from the operating system's generator. Bytes 6 and 8 hold the uuid's version and
      // variant. A number beyond the alphabet is drawn again, so that all symbols are equally likely.
      body: `
declare
  alphabet constant text := '${REFERRAL_CODE_ALPHABET}';
  code text := '';
  bytes bytea;
  drawn integer;
begin
  loop
    bytes := pg_catalog.uuid_send(pg_catalog.gen_random_uuid());
    for position in 0..15 loop
      continue when position in (6, 8);
      drawn := pg_catalog.get_byte(bytes, position) & 31;
      continue when drawn >= ${REFERRAL_CODE_ALPHABET.length};
      code := code || pg_catalog.substr(alphabet, drawn + 1, 1);
      if pg_catalog.length(code) = ${REFERRAL_CODE_LENGTH} then return code; end if;
    end loop;
  end loop;
end`,
    }),
    sqlFunction({
      name: 'generate_referral_code',
      args: [{ name: 'p_user_id', type: 'uuid' }],
      returns: 'text',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      executableBy: [ROLES.tenant, ROLES.service],
      body: `
declare
  made text;
begin${CALLER_IS_THE_USER}
  loop
    made := tenantry.random_referral_code();
    exit when not exists (select from public.referral_codes as taken where taken.code = made);
  end loop;
  return made;
end`,
    }),
    sqlFunction({
      name: 'redeem_referral_code',
      args: [
        { name: 'p_user_id', type: 'uuid' },
        { name: 'p_code', type: 'text' },
      ],
      // Whether it was redeemed. Why not is not told: unknown, used up, over, one's own, or not the first.
      returns: 'boolean',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      executableBy: [ROLES.tenant, ROLES.service],
      body: `
declare
  referral record;
  conversion uuid;
begin${CALLER_IS_THE_USER}
  -- Callers take turns at the code's row, and each sees the count that the one before left.
  select id, user_id, code, reward_type, reward_amount into referral
  from public.referral_codes
  where code = pg_catalog.upper(pg_catalog.btrim(p_code))
    and user_id <> p_user_id
    and is_active
    and usage_count < max_uses
    and (expires_at is null or expires_at > now())
  for update;
  if not found then return false; end if;
  insert into public.referral_conversions (referred_user_id, referral_code, reward_type, reward_amount)
  values (p_user_id, referral.code, referral.reward_type, referral.reward_amount)
  on conflict (referred_user_id) do nothing
  returning id into conversion;
  if conversion is null then return false; end if;
  update public.referral_codes set usage_count = usage_count + 1 where id = referral.id;
  if referral.reward_type = 'credits' then
    perform tenantry.post_credits(
      referral.user_id, 'earned', referral.reward_amount, 'referral', 'Referral', 'referral:' || conversion,
      null
    );
  end if;
  return true;
end`,
    }),
  ],
})
