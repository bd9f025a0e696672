import { rawTopics } from '@tenantry/contentpilot/schema'
import { desc, eq } from 'drizzle-orm'
import { expectRows, pick } from '../pick.ts'
import type { Scenario } from '../scenario.ts'
import { withTenant } from '../usual.ts'

const LIMIT = 100

/** The newest 100 raw topics, all columns. */
export const list: Scenario = {
  name: 'list of 100',
  block: 50,
  concurrent: true,
  sides({ ours, raw, usual }, { tenants }) {
    return {
      async ours(index) {
        const { items } = await ours.as({ userId: pick(tenants, index).id }).rawTopics.list({ limit: LIMIT })
        return expectRows(items, LIMIT)
      },
      async raw(index) {
        const rows = await raw`
          select id, user_id, source, content, url, metadata, status, created_at, updated_at
          from raw_topics where user_id = ${pick(tenants, index).id}
          order by created_at desc, id desc limit ${LIMIT}`
        return expectRows(rows, LIMIT)
      },
      usual(index) {
        const { id } = pick(tenants, index)
        return withTenant(usual, id, async (tx) => {
          const rows = await tx
            .select()
            .from(rawTopics)
            .where(eq(rawTopics.userId, id))
            .orderBy(desc(rawTopics.createdAt), desc(rawTopics.id))
            .limit(LIMIT)
          return expectRows(rows, LIMIT)
        })
      },
    }
  },
  targets: [
    { measure: 'p50', against: 'raw' },
    { measure: 'p50', against: 'usual' },
    { measure: 'throughput', against: 'raw' },
    { measure: 'throughput', against: 'usual' },
  ],
}
