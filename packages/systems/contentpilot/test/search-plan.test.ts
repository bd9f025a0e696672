/**
 * That searching stays fast for a large customer among many: what is searched is planned with its index. The
 * embedded server plans alike, but takes half a minute to be filled.
 */
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { customer, embedding, type PilotDatabase, pilotDatabase } from './support/pilot.ts'

let place: PilotDatabase
let large: string
let small: string

/** Enough that reading the customer's rows one by one costs more than the index. */
const LARGE = 20_000
const SMALL = 200
const CUSTOMERS = 20
const VECTORS = 2_000

/** The statement that a search function runs, planned for its owner with these values. */
async function planOf(name: string, params: readonly unknown[]): Promise<string> {
  const [row] = await place.rows(
    `select p.prosrc as body, quote_ident(n.nspname) as vector
     from pg_proc p, pg_extension e join pg_namespace n on n.oid = e.extnamespace
     where p.proname = $1 and e.extname = 'vector'`,
    [name],
  )
  const [, inner = ''] = /\$statement\$\n([^]*)\n\$statement\$/.exec(String(row?.['body'])) ?? []
  const statement = inner.replaceAll('%1$s', String(row?.['vector'])).replaceAll('%%', '%')
  const plan = await place.rowsIn('tenantry_definer', null, `explain ${statement}`, params)
  return plan.map((line) => line['QUERY PLAN']).join('\n')
}

describeOnServer('a large customer among many', () => {
  beforeAll(async () => {
    place = await pilotDatabase()
    const ids = [(await customer(place.pilot)).userId]
    for (let index = 1; index < CUSTOMERS; index += 1) ids.push((await customer(place.pilot)).userId)
    ;[large = '', small = ''] = ids
    for (const [id, count] of ids.map((each, at) => [each, at === 0 ? LARGE : SMALL] as const)) {
      await place.rows(
        `insert into raw_topics (user_id, source, content)
       select $1, 'manual', 'post number ' || n || ' about work, people and money'
         || case when n % 2000 = 0 then ' for an engineer' else '' end
       from generate_series(1, $2::int) as n`,
        [id, count],
      )
    }
    await place.rows(
      `insert into classified_topics (user_id, pillar_id, content, ai_score)
     select raw.user_id, pillars.id, raw.content, 80
     from raw_topics as raw join pillars using (user_id)`,
    )
    for (const id of ids) {
      await place.pilot.asService().tenant(id).limits.override({ feature: 'voice_examples', cap: null })
    }
    // The index is made in one go: row by row it takes a minute.
    await place.rows('drop index idx_voice_examples_vector')
    for (const [id, count] of ids.map((each, at) => [each, at === 0 ? VECTORS : SMALL / 10] as const)) {
      await place.rows(
        `insert into voice_examples (user_id, post_text, vector_embedding)
       select $1, 'post', (
         select array_agg(case when axis = n % 97 then 1 when axis = n % 89 then 0.5 else 0.001 * (n % 7) end order by axis)
         from generate_series(0, 1535) as axis
       )::vector
       from generate_series(1, $2::int) as n`,
        [id, count],
      )
    }
    await place.rows(
      'create index idx_voice_examples_vector on voice_examples using hnsw (vector_embedding vector_cosine_ops)',
    )
    await place.rows('analyze')
  })
  afterAll(() => place?.close())

  const TEXT_SEARCHES = [
    ['search_raw_topics', 'raw_topics'],
    ['search_classified_topics', 'classified_topics'],
  ] as const

  test.each(TEXT_SEARCHES)('%s looks words up in the index, for a large customer', async (name, table) => {
    const plan = await planOf(name, [large, 'engineer', 20])
    expect(plan).toContain(`idx_${table}_content_fts`)
    expect(plan).not.toContain('Seq Scan')
  })

  test.each(TEXT_SEARCHES)(
    'without %s, row security would keep the index from being used',
    async (_, table) => {
      const plan = await place.rowsAs(
        large,
        `explain select id from ${table}
     where user_id = $1 and to_tsvector('english', content) @@ websearch_to_tsquery('english', $2)`,
        [large, 'engineer'],
      )
      expect(JSON.stringify(plan)).not.toContain('content_fts')
    },
  )

  test('similar_voice_examples walks the vector index for a large customer, and sorts exactly for a small one', async () => {
    const params = (id: string) => [id, JSON.stringify(embedding(5)), 20]
    const plan = await planOf('similar_voice_examples', params(large))
    expect(plan).toContain('idx_voice_examples_vector')
    const exact = await planOf('similar_voice_examples', params(small))
    expect(exact).toMatch(/idx_voice_examples_user/)
    expect(exact).not.toMatch(/Seq Scan|idx_voice_examples_vector/)
  })

  test('each customer finds their own and all of it, however the search is planned', async () => {
    for (const [id, count] of [
      [large, LARGE / 2000],
      [small, 0],
    ] as const) {
      const { rawTopics, topics, voiceExamples } = place.pilot.as({ userId: id })
      expect(await rawTopics.search('engineer', { limit: 100 })).toHaveLength(count)
      expect(await topics.search('engineer', { limit: 100 })).toHaveLength(count)
      const near = await voiceExamples.findSimilar(embedding(5), { limit: 20 })
      expect(near).toHaveLength(20)
      expect(new Set(near.map(({ userId }) => userId))).toEqual(new Set([id]))
    }
  })
})
