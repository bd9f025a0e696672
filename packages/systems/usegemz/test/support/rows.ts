/** A row in every table, by raw SQL: what isolation is tried on. */
import type { UserPrincipal } from '@tenantry/core'
import { tiktokKeyword } from './creators.ts'
import type { GemsDatabase } from './gems.ts'

/** A person with a row of theirs everywhere. */
export async function seedEverything({ rows }: Pick<GemsDatabase, 'rows'>): Promise<UserPrincipal> {
  const secret = crypto.randomUUID()
  const userId = `user_${secret}`
  const insert = async (into: string, columns: string, values: string, ...params: unknown[]) => {
    const [row] = await rows<{ id: string }>(
      `insert into ${into} (user_id, ${columns}) values ($1, ${values}) returning id`,
      [userId, ...params],
    )
    return row?.id ?? ''
  }
  await insert(
    'user_profiles',
    'email, full_name, stripe_customer_id, subscription_status',
    `$2 || '@example.com', 'Person ' || $2, 'cus_' || $2, 'active'`,
    secret,
  )
  const campaign = await insert('campaigns', 'name, search_type', `'Campaign ' || $2, 'keyword'`, secret)
  const job = await insert(
    'scraping_jobs',
    'campaign_id, keywords',
    '$2, jsonb_build_array($3::text)',
    campaign,
    `keyword ${secret}`,
  )
  await insert(
    'scraping_results',
    'job_id, creators',
    '$2, $3',
    job,
    JSON.stringify([tiktokKeyword(`@${secret}`)]),
  )
  await insert(
    'search_jobs',
    'id, campaign_id, platform, search_type, total_count',
    `$2, $3, 'TikTok', 'keyword', 10`,
    `job_${secret}`,
    campaign,
  )
  await insert(
    'search_results',
    'job_id, profile_id, username, platform',
    `$2, $3, 'creator ' || $3, 'TikTok'`,
    `job_${secret}`,
    secret,
  )
  await rows(
    `insert into tenantry.api_call_windows (tenant, limit_name, subject, clear_at) values ($1, 'api_calls', '', now())`,
    [userId],
  )
  await rows(
    `insert into system_configurations (category, key, value, value_type) values ('api', $1, '1', 'number')`,
    [secret],
  )
  return { userId }
}
