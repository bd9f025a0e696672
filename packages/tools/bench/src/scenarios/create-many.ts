import { rawTopics } from '@tenantry/contentpilot/schema'
import { expectRows, pick } from '../pick.ts'
import type { Scenario } from '../scenario.ts'
import { withTenant } from '../usual.ts'

const ROWS = 1000

const topics = Array.from({ length: ROWS }, (_, index) => ({
  source: 'manual' as const,
  content: `Topic ${index} of a batch, as an import would bring it`,
  url: `https://example.com/${index}`,
  metadata: { batch: 'a batch' },
}))

/** A thousand rows in one call, answered with their defaults. */
export const createMany: Scenario = {
  name: 'createMany of 1,000',
  block: 2,
  concurrent: false,
  sides({ ours, raw, usual }, { tenants }) {
    return {
      async ours(index) {
        return expectRows(
          await ours.as({ userId: pick(tenants, index).id }).rawTopics.createMany(topics),
          ROWS,
        )
      },
      async raw(index) {
        const user_id = pick(tenants, index).id
        const rows = topics.map((topic) => ({ user_id, ...topic, metadata: raw.json(topic.metadata) }))
        return expectRows(
          await raw`insert into raw_topics ${raw(rows)}
            returning id, user_id, source, content, url, metadata, status, created_at, updated_at`,
          ROWS,
        )
      },
      usual(index) {
        const userId = pick(tenants, index).id
        return withTenant(usual, userId, async (tx) => {
          const rows = topics.map((topic) => ({ userId, ...topic }))
          return expectRows(await tx.insert(rawTopics).values(rows).returning(), ROWS)
        })
      },
    }
  },
  targets: [
    { measure: 'p50', against: 'raw' },
    { measure: 'p50', against: 'usual' },
  ],
}
