import { sql } from 'drizzle-orm'
import { pick } from '../pick.ts'
import type { Scenario } from '../scenario.ts'
import { withTenant } from '../usual.ts'

const LIMIT = 20

/** The best matches among the large tenant's topics, other tenants' topics beside them in the same index. */
export const textSearch: Scenario = {
  name: 'text search, large tenant',
  block: 20,
  concurrent: false,
  sides({ ours, raw, usual }, { large, searches }) {
    return {
      ours: (index) =>
        ours.as({ userId: large.id }).rawTopics.search(pick(searches, index), { limit: LIMIT }),
      raw: (index) => raw`
        select id, user_id, source, content, url, metadata, status, created_at, updated_at,
          ts_rank_cd(to_tsvector('english', content), websearch_to_tsquery('english', ${pick(searches, index)})) as rank
        from raw_topics
        where user_id = ${large.id}
          and to_tsvector('english', content) @@ websearch_to_tsquery('english', ${pick(searches, index)})
        order by rank desc, id limit ${LIMIT}`,
      usual: (index) =>
        withTenant(usual, large.id, async (tx) =>
          tx.execute(sql`
            select *,
              ts_rank_cd(to_tsvector('english', content), websearch_to_tsquery('english', ${pick(searches, index)})) as rank
            from raw_topics
            where user_id = ${large.id}
              and to_tsvector('english', content) @@ websearch_to_tsquery('english', ${pick(searches, index)})
            order by rank desc, id limit ${LIMIT}`),
        ),
    }
  },
  targets: [
    { measure: 'p50', against: 'raw', ratio: 3 },
    { measure: 'p50', against: 'usual' },
  ],
}
