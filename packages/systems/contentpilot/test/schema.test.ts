import type { TenantryError } from '@tenantry/core'
import {
  type CatalogConstraint,
  type CatalogIndex,
  columnsOf,
  condition,
  constraintsOf,
  indexesOf,
  superfluous,
  unindexed,
} from '@tenantry/testing/catalog'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PilotDatabase, pilotDatabase } from './support/pilot.ts'
import { CHECKS, COLUMNS, FOREIGN_KEYS, GLOBAL_UNIQUES, INDEXES, PRIMARY_KEYS } from './specification.ts'

let database: PilotDatabase
let constraints: CatalogConstraint[]
let indexes: CatalogIndex[]

beforeAll(async () => {
  database = await pilotDatabase()
  constraints = await constraintsOf(database)
  indexes = await indexesOf(database)
})
afterAll(() => database?.close())

describe('the migrated catalog', () => {
  test('has every documented table and column, with its type, nullability and default, and no other', async () => {
    expect(await columnsOf(database)).toEqual(COLUMNS)
  })

  test('has every documented primary key, with the partition key where there is one', () => {
    const keys = constraints.filter((each) => each.type === 'p')
    expect(keys.map((each) => `${each.table} ${each.definition.replace('PRIMARY KEY ', '')}`)).toEqual(
      PRIMARY_KEYS,
    )
    expect(keys.map((each) => each.name)).toEqual(keys.map((each) => `${each.table}_pkey`))
  })

  test('has every documented CHECK, with exactly its values', () => {
    const checks = constraints.filter((each) => each.type === 'c')
    expect(Object.fromEntries(checks.map((each) => [each.name, condition(each.definition)]))).toEqual(CHECKS)
  })

  test('has every documented foreign key, with the tenant in it and its documented action', () => {
    const keys = constraints.filter((each) => each.type === 'f')
    expect(
      keys.map((each) => `${each.table} ${each.definition.replace('FOREIGN KEY ', '')}`).toSorted(),
    ).toEqual(FOREIGN_KEYS)
  })

  test.each(Object.entries(INDEXES))(
    'serves %s: same leading keys, order and predicate',
    (name, { table, method, keys, unique, where }) => {
      const index = indexes.find((each) => each.name === name)
      expect(index).toMatchObject({
        table,
        method: method ?? 'btree',
        unique: unique ?? false,
        where: where === undefined ? null : `((status)::text = '${where}'::text)`,
      })
      expect(index?.keys.slice(0, keys.length)).toEqual(keys)
    },
  )

  test('adds nothing to what a documented unique index makes unique, but the tenant', () => {
    const widened = Object.entries(INDEXES).filter(([name, documented]) => {
      const added = indexes.find((each) => each.name === name)?.keys.slice(documented.keys.length)
      return documented.unique && added?.some((key) => key !== 'user_id')
    })
    expect(widened).toEqual([])
  })

  test('has no index that another one makes superfluous', () => {
    expect(superfluous(indexes)).toEqual([])
  })

  test('indexes the columns of every foreign key', () => {
    expect(unindexed(constraints, indexes)).toEqual([])
  })

  test('has the tenant in every unique key, but for values that are global by nature', () => {
    const primary = new Set(constraints.filter((each) => each.type === 'p').map((each) => each.name))
    const global = indexes.filter(
      (index) => index.unique && !primary.has(index.name) && !index.keys.includes('user_id'),
    )
    expect(global.map((index) => index.name)).toEqual(GLOBAL_UNIQUES)
  })
})

describe('the rows', () => {
  /** Two customers, of whom the first has a row in every table. */
  async function setup(): Promise<{ ann: string; ben: string; pillar: string; raw: string; topic: string }> {
    await database.rows('truncate users cascade')
    const insert = async (text: string, ...params: string[]) => {
      const [row] = await database.rows<{ id: string }>(`insert into ${text} returning id`, params)
      if (row === undefined) throw new Error(`no row from ${text}`)
      return row.id
    }
    const ann = await insert(`users (clerk_id, email) values ('clerk_ann', 'ann@example.com')`)
    const ben = await insert(`users (clerk_id, email) values ('clerk_ben', 'ben@example.com')`)
    await insert(
      `subscriptions (user_id, plan_type, current_period_start, current_period_end)
       values ($1, 'starter', now(), now() + interval '1 month')`,
      ann,
    )
    const pillar = await insert(`pillars (user_id, name, slug) values ($1, 'Journey', 'journey')`, ann)
    const raw = await insert(`raw_topics (user_id, source, content) values ($1, 'manual', 'found')`, ann)
    const topic = await insert(
      `classified_topics (user_id, raw_topic_id, pillar_id, content, ai_score) values ($1, $2, $3, 'found', 80)`,
      ann,
      raw,
      pillar,
    )
    await insert(
      `generated_drafts (user_id, topic_id, pillar_id, variant_letter, hook, body, full_text)
       values ($1, $2, $3, 'A', 'hook', 'body', 'hook 🪝')`,
      ann,
      topic,
      pillar,
    )
    await insert(`voice_examples (user_id, pillar_id, post_text) values ($1, $2, 'naïve 🙂')`, ann, pillar)
    await insert(`profiles (user_id) values ($1)`, ann)
    await insert(`usage_tracking (user_id, resource_type) values ($1, 'generation')`, ann)
    await insert(
      `user_secrets (user_id, provider, label, ciphertext, key_id) values ($1, 'openai', 'main', '\\x00', 'k1')`,
      ann,
    )
    await insert(
      `audit_logs (user_id, action, table_name, record_id) values ($1, 'create', 'pillars', $2)`,
      ann,
      pillar,
    )
    await database.rows(
      `insert into usage_monthly (user_id, resource_type, month, count, cost_cents)
       values ($1, 'generation', '2024-01-01', 3, 15)`,
      [ann],
    )
    return { ann, ben, pillar, raw, topic }
  }

  /** Of one customer: what was audited of others is there for good. */
  const counts = async (userId: string): Promise<Record<string, number>> => {
    const tables = Object.keys(COLUMNS).filter((table) => table !== 'users')
    const [row] = await database.rows<Record<string, number>>(
      `select ${tables.map((table) => `(select count(*)::int from ${table} where user_id = $1) as ${table}`).join(', ')}`,
      [userId],
    )
    return row ?? {}
  }

  test('count the characters of their text, as people count them, and nobody else writes the count', async () => {
    await setup()
    expect(await database.rows('select character_count from voice_examples')).toEqual([
      { character_count: 7 },
    ])
    expect(await database.rows('select character_count from generated_drafts')).toEqual([
      { character_count: 6 },
    ])
    await expect(database.rows('update voice_examples set character_count = 1')).rejects.toMatchObject({
      sqlState: '428C9',
    })
  })

  test.each([
    ['voice_examples (user_id, pillar_id, post_text)', `'x'`],
    ['classified_topics (user_id, pillar_id, ai_score, content)', `80, 'x'`],
  ])(
    "refuse a reference to another tenant's row as they refuse one to a missing row: %s",
    async (into, rest) => {
      const { ben, pillar } = await setup()
      const refusal = (parent: string) =>
        database.rows(`insert into ${into} values ($1, $2, ${rest})`, [ben, parent]).then(
          () => undefined,
          (error: TenantryError) => error.toJSON(),
        )
      const foreign = await refusal(pillar)
      expect(foreign).toMatchObject({ code: 'TENANTRY_FOREIGN_KEY' })
      expect(foreign).toEqual(await refusal('00000000-0000-4000-8000-000000000000'))
    },
  )

  test('lose a deleted parent and nothing else where the parent is optional', async () => {
    const { ann, pillar, raw } = await setup()
    await database.rows('delete from raw_topics where id = $1', [raw])
    expect(await database.rows('select user_id, raw_topic_id, pillar_id from classified_topics')).toEqual([
      { user_id: ann, raw_topic_id: null, pillar_id: pillar },
    ])
    await database.rows('delete from pillars where id = $1', [pillar])
    expect(await database.rows('select user_id, pillar_id from voice_examples')).toEqual([
      { user_id: ann, pillar_id: null },
    ])
    expect(await counts(ann)).toMatchObject({ classified_topics: 0, generated_drafts: 0, voice_examples: 1 })
  })

  test('go with their user, but for what was audited', async () => {
    const { ann } = await setup()
    const before = await counts(ann)
    expect(Object.keys(before).filter((table) => before[table] !== 1)).toEqual([])
    await database.rows('delete from users where id = $1', [ann])
    const after = await counts(ann)
    expect(Object.keys(after).filter((table) => after[table] !== 0)).toEqual(['audit_logs'])
  })

  test('hold one classification of a raw topic, and one of each variant of a topic', async () => {
    const { ann, pillar, raw, topic } = await setup()
    await expect(
      database.rows(
        `insert into classified_topics (user_id, raw_topic_id, pillar_id, content, ai_score) values ($1, $2, $3, 'x', 1)`,
        [ann, raw, pillar],
      ),
    ).rejects.toMatchObject({ constraint: 'classified_topics_raw_topic_id_key' })
    await expect(
      database.rows(
        `insert into generated_drafts (user_id, topic_id, pillar_id, variant_letter, hook, body, full_text)
         values ($1, $2, $3, 'A', 'h', 'b', 'x')`,
        [ann, topic, pillar],
      ),
    ).rejects.toMatchObject({ constraint: 'idx_drafts_topic_variant' })
  })

  test('of usage are summed up under the first day of a month', async () => {
    const { ann } = await setup()
    await expect(
      database.rows(`insert into usage_monthly values ($1, 'generation', '2024-01-02', 1, 1)`, [ann]),
    ).rejects.toMatchObject({ constraint: 'usage_monthly_month_check' })
  })
})
