/** Rows of many tenants, the same in every run. */
import postgres from 'postgres'

export interface SeedSize {
  readonly tenants: number
  readonly pillarsPerTenant: number
  /** At least 100, for the list. */
  readonly topicsPerTenant: number
  /** Raw topics of the one large tenant. */
  readonly largeTenantTopics: number
  readonly voiceExamplesPerTenant: number
}

export interface Tenant {
  readonly id: string
  readonly pillars: readonly string[]
}

export interface Seed {
  readonly size: SeedSize
  readonly tenants: readonly [Tenant, ...Tenant[]]
  /** Has `largeTenantTopics`, besides what every tenant has. */
  readonly large: Tenant
  /** Web searches, each for two words that stand together in few topics. */
  readonly searches: readonly [string, ...string[]]
  readonly embeddings: readonly [readonly number[], ...(readonly number[])[]]
}

/** What the specification's dashboard has of one user: 50 topics, 50 drafts, 100 raw topics or more. */
const TOPICS = 50

const EMBEDDING_DIMENSIONS = 1536
const WORDS = 2000

/**
 * A text of 24 words out of 2,000, of which low numbers are common and high ones rare. `row` numbers the text,
 * so that every text is another one.
 */
const CONTENT = `(
  select string_agg('word' || floor(${WORDS} * power(random(), 2))::integer, ' ')
  from generate_series(1, 24) as words (n)
  where row is not null
)`

export async function seedDatabase(ownerUrl: string, size: SeedSize): Promise<Seed> {
  const sql = postgres(ownerUrl, { max: 1, onnotice: () => {} })
  try {
    await sql.unsafe(script(size))
    await sql`vacuum analyze`
    const rows = await sql<{ id: string; pillars: string[] }[]>`
      select users.id, array_agg(pillars.id::text order by pillars.slug) as pillars
      from users join pillars on pillars.user_id = users.id
      group by users.id order by users.clerk_id`
    const [first, ...others] = rows
    if (first === undefined) throw new Error('Nothing was seeded')
    return {
      size,
      tenants: [first, ...others],
      large: first,
      searches: ['word1490 word1700', 'word1333 word1801', 'word1222 word1955', 'word1650 word1111'],
      embeddings: [embedding(1), embedding(2), embedding(3), embedding(4)],
    }
  } finally {
    await sql.end({ timeout: 5 })
  }
}

function script({
  tenants,
  pillarsPerTenant,
  topicsPerTenant,
  largeTenantTopics,
  voiceExamplesPerTenant,
}: SeedSize): string {
  // The large indexes are built once over all rows, which takes a fraction of the time.
  return `
select setseed(0.5);
drop index idx_raw_topics_content_fts, idx_voice_examples_vector;

insert into users (clerk_id, email)
select 'bench_' || lpad(n::text, 6, '0'), 'bench' || n || '@example.com' from generate_series(1, ${tenants}) as n;

insert into subscriptions (user_id, plan_type, status, current_period_start, current_period_end)
select id, 'agency', 'active', now(), now() + interval '1 month' from users;

insert into pillars (user_id, name, slug, description, target_audience, tone, classification_prompt, generation_prompt)
select users.id, 'Pillar ' || n, 'pillar_' || lpad(n::text, 3, '0'),
  'What the ' || n || 'th of the pillars is about, in a sentence of usual length',
  'Founders of small companies', 'plain', 'Does this text belong to the pillar?', 'Write a post in three parts.'
from users cross join generate_series(1, ${pillarsPerTenant}) as n;

insert into raw_topics (user_id, source, content, url, metadata, created_at)
select users.id, 'reddit', ${CONTENT}, 'https://example.com/' || row, '{"subreddit": "startups", "upvotes": 12}',
  now() - row * interval '1 minute'
from users cross join lateral generate_series(1, ${topicsPerTenant}
  + case when users.clerk_id = 'bench_000001' then ${largeTenantTopics} else 0 end) as row;

insert into classified_topics (user_id, pillar_id, content, ai_score)
select users.id, (select id from pillars where user_id = users.id order by slug limit 1), ${CONTENT}, 80
from users cross join generate_series(1, ${TOPICS}) as row;

insert into generated_drafts (user_id, topic_id, pillar_id, variant_letter, hook, body, cta)
select user_id, id, pillar_id, 'A', 'A hook of one line', ${CONTENT.replaceAll('row', 'topic.ai_score')}, 'What do you think?'
from classified_topics as topic;

insert into voice_examples (user_id, post_text, vector_embedding)
select users.id, 'A post of the past',
  (select array_agg(random() - 0.5) from generate_series(1, ${EMBEDDING_DIMENSIONS}) as dimensions (d) where row is not null)::real[]::vector
from users cross join generate_series(1, ${voiceExamplesPerTenant}) as row;

create index idx_raw_topics_content_fts on raw_topics using gin (to_tsvector('english', content));
create index idx_voice_examples_vector on voice_examples using hnsw (vector_embedding vector_cosine_ops);`
}

/** Numbers without meaning, the same for the same seed. */
function embedding(seed: number): number[] {
  return Array.from({ length: EMBEDDING_DIMENSIONS }, (_, index) => Math.sin(seed * 1000 + index * index))
}
