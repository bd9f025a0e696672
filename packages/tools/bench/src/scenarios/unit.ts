import { pillars, rawTopics } from '@tenantry/contentpilot/schema'
import { and, count, desc, eq } from 'drizzle-orm'
import { pick } from '../pick.ts'
import type { Scenario } from '../scenario.ts'
import { withTenant } from '../usual.ts'

const TOPIC = { source: 'manual' as const, content: 'A talk about what to leave out' }
const URL = 'https://example.com/talk'

/** Five statements in one transaction, each awaited: read a pillar, list topics, add one, change it, count pillars. */
export const unit: Scenario = {
  name: 'unit of five',
  block: 40,
  concurrent: true,
  sides({ ours, privileged, raw, usual }, { tenants }) {
    const library =
      (pilot: typeof ours) =>
      (index: number): Promise<unknown> => {
        const tenant = pick(tenants, index)
        return pilot.as({ userId: tenant.id }).transaction(async (within) => {
          await within.pillars.get(pick(tenant.pillars, index))
          await within.rawTopics.list({ limit: 10 })
          const topic = await within.rawTopics.create(TOPIC)
          await within.rawTopics.update(topic.id, { url: URL })
          return within.pillars.count()
        })
      }
    return {
      ours: library(ours),
      privileged: library(privileged),
      raw: (index) => {
        const tenant = pick(tenants, index)
        return raw.begin(async (tx) => {
          await tx`
            select id, user_id, name, slug, description, target_audience, tone, classification_prompt,
              generation_prompt, status, created_at, updated_at
            from pillars where user_id = ${tenant.id} and id = ${pick(tenant.pillars, index)}`
          await tx`
            select id, user_id, source, content, url, metadata, status, created_at, updated_at
            from raw_topics where user_id = ${tenant.id} order by created_at desc, id desc limit 10`
          const [topic] = await tx<{ id: string }[]>`
            insert into raw_topics (user_id, source, content) values (${tenant.id}, ${TOPIC.source}, ${TOPIC.content})
            returning id, user_id, source, content, url, metadata, status, created_at, updated_at`
          await tx`
            update raw_topics set url = ${URL} where user_id = ${tenant.id} and id = ${topic?.id ?? ''}
            returning id, user_id, source, content, url, metadata, status, created_at, updated_at`
          return tx`select count(*) from pillars where user_id = ${tenant.id}`
        })
      },
      usual: (index) => {
        const tenant = pick(tenants, index)
        return withTenant(usual, tenant.id, async (tx) => {
          await tx
            .select()
            .from(pillars)
            .where(and(eq(pillars.userId, tenant.id), eq(pillars.id, pick(tenant.pillars, index))))
          await tx
            .select()
            .from(rawTopics)
            .where(eq(rawTopics.userId, tenant.id))
            .orderBy(desc(rawTopics.createdAt), desc(rawTopics.id))
            .limit(10)
          const [topic] = await tx
            .insert(rawTopics)
            .values({ userId: tenant.id, ...TOPIC })
            .returning()
          await tx
            .update(rawTopics)
            .set({ url: URL })
            .where(and(eq(rawTopics.userId, tenant.id), eq(rawTopics.id, topic?.id ?? '')))
            .returning()
          return tx.select({ count: count() }).from(pillars).where(eq(pillars.userId, tenant.id))
        })
      },
    }
  },
  targets: [
    { measure: 'p50', against: 'raw' },
    { measure: 'p50', of: 'privileged', against: 'raw' },
    { measure: 'p50', against: 'usual' },
    { measure: 'throughput', against: 'raw' },
    { measure: 'throughput', against: 'usual' },
  ],
}
