import { rawTopics } from '@tenantry/contentpilot/schema'
import { expectRows, pick } from '../pick.ts'
import type { Scenario } from '../scenario.ts'
import { withTenant } from '../usual.ts'

const TOPIC = {
  source: 'manual' as const,
  content: 'What three years of weekly customer calls taught us about pricing',
  url: 'https://example.com/pricing',
  metadata: { note: 'from the call' },
}

/** One row, answered with its defaults. */
export const insert: Scenario = {
  name: 'insert',
  block: 100,
  concurrent: true,
  sides({ ours, raw, usual }, { tenants }) {
    return {
      ours: (index) => ours.as({ userId: pick(tenants, index).id }).rawTopics.create(TOPIC),
      async raw(index) {
        const rows = await raw`
          insert into raw_topics (user_id, source, content, url, metadata)
          values (${pick(tenants, index).id}, ${TOPIC.source}, ${TOPIC.content}, ${TOPIC.url}, ${raw.json(TOPIC.metadata)})
          returning id, user_id, source, content, url, metadata, status, created_at, updated_at`
        return expectRows(rows, 1)
      },
      usual(index) {
        const userId = pick(tenants, index).id
        return withTenant(usual, userId, async (tx) =>
          expectRows(
            await tx
              .insert(rawTopics)
              .values({ userId, ...TOPIC })
              .returning(),
            1,
          ),
        )
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
