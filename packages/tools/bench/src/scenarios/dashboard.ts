import { pick } from '../pick.ts'
import type { Scenario } from '../scenario.ts'
import { expectRows } from '../pick.ts'
import { sql } from 'drizzle-orm'
import { withTenant } from '../usual.ts'

/** The live numbers of one user, against the same select without row security. */
export const dashboard: Scenario = {
  name: 'live dashboard',
  block: 100,
  concurrent: false,
  sides({ ours, raw, usual }, { tenants }) {
    return {
      ours: (index) => ours.as({ userId: pick(tenants, index).id }).dashboard.live(),
      async raw(index) {
        const { id } = pick(tenants, index)
        const rows = await raw`
          select users.id as user_id, topics.*, drafts.*, discovered.*
          from users
          cross join (
            select count(*) as pending_topics from classified_topics where user_id = ${id} and status = 'classified'
          ) as topics
          cross join (
            select
              count(*) filter (where status = 'draft') as drafts_pending,
              count(*) filter (where status = 'approved') as drafts_approved,
              count(*) filter (where status = 'posted') as posts_published,
              max(created_at) as last_draft_generated
            from generated_drafts where user_id = ${id}
          ) as drafts
          cross join (select max(created_at) as last_topic_discovered from raw_topics where user_id = ${id}) as discovered
          where users.id = ${id}`
        return expectRows(rows, 1)
      },
      usual(index) {
        const { id } = pick(tenants, index)
        return withTenant(usual, id, async (tx) =>
          expectRows(await tx.execute(sql`select * from user_dashboard_live where user_id = ${id}`), 1),
        )
      },
    }
  },
  targets: [
    { measure: 'p50', against: 'raw', ratio: 2 },
    { measure: 'p50', against: 'usual' },
  ],
}
