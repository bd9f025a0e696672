import { sql } from 'drizzle-orm'
import { pick } from '../pick.ts'
import type { Scenario } from '../scenario.ts'
import { withTenant } from '../usual.ts'

const LIMIT = 5

/** The nearest voice examples of one tenant among many. */
export const vectorSearch: Scenario = {
  name: 'vector search',
  block: 20,
  concurrent: false,
  sides({ ours, raw, usual }, { tenants, embeddings }) {
    const texts = embeddings.map((embedding) => JSON.stringify(embedding))
    return {
      ours: (index) =>
        ours
          .as({ userId: pick(tenants, index).id })
          .voiceExamples.findSimilar([...pick(embeddings, index)], { limit: LIMIT }),
      raw: (index) => raw`
        select id, user_id, pillar_id, post_text, character_count, post_url, engagement_metrics, vector_embedding,
          status, created_at, updated_at, vector_embedding <=> ${pick(texts, index)}::vector as distance
        from voice_examples
        where user_id = ${pick(tenants, index).id} and vector_embedding is not null and status = 'active'
        order by distance limit ${LIMIT}`,
      usual: (index) =>
        withTenant(usual, pick(tenants, index).id, async (tx) =>
          tx.execute(sql`
            select *, vector_embedding <=> ${pick(texts, index)}::vector as distance
            from voice_examples
            where user_id = ${pick(tenants, index).id} and vector_embedding is not null and status = 'active'
            order by distance limit ${LIMIT}`),
        ),
    }
  },
  targets: [
    { measure: 'p50', against: 'raw' },
    { measure: 'p50', against: 'usual' },
  ],
}
