import { pick } from '../pick.ts'
import type { Scenario } from '../scenario.ts'

const LIMIT = 20

/**
 * The best matches among the large tenant's topics, other tenants' topics beside them in the same index. The usual way
 * is not a side: below a policy the index goes unused, and one such search takes as long as a whole round.
 */
export const textSearch: Scenario = {
  name: 'text search, large tenant',
  block: 20,
  concurrent: false,
  sides({ ours, raw }, { large, searches }) {
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
    }
  },
  targets: [{ measure: 'p50', against: 'raw', ratio: 3 }],
}
