/** A gated statement answers as the same statement in a transaction does, however it is planned. */
import { compiledQuery, type Database } from '@tenantry/core'
import { type SQL, sql } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TestDatabase } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import { loginOf, tenantExecutor } from '../src/index.ts'
import { type Logins, logins } from './support/logins.ts'
import * as notes from './support/notes.ts'
import { run } from './support/raw.ts'
import { ACME, ALICE, asOwner, BOB, BOLT, createSystem } from './support/setup.ts'
import * as teams from './support/teams.ts'

const dialect = new PgDialect()

/** Each takes the gate, which is `true` where a transaction holds the context. */
const READS: Readonly<Record<string, (gate: SQL) => SQL>> = {
  'point read': (gate) => sql`select id, title from notes where title = ${'note 7'} and ${gate}`,
  list: (gate) => sql`select title from notes where ${gate} order by created_at desc, id limit 20`,
  'filtered list': (gate) =>
    sql`select title from notes where ${gate} and title like ${'note 1%'} order by title`,
  join: (gate) => sql`
    select n.title, f.name from notes n join folders f on f.id = n.folder_id and f.user_id = n.user_id
    where ${gate} order by n.title`,
  'outer join': (gate) => sql`
    select f.name, count(n.id) from folders f left join notes n on n.folder_id = f.id
    where ${gate} group by f.name order by f.name`,
  aggregate: (gate) => sql`select count(*), sum(words), max(title) from notes where ${gate}`,
  exists: (gate) => sql`select exists (select from notes where ${gate} and title = ${'note 7'})`,
  subquery: (gate) => sql`
    select title from notes where ${gate} and folder_id in (select id from folders) order by title`,
  'common table expression': (gate) => sql`
    with mine as materialized (select title from notes where ${gate}) select count(*) from mine`,
  union: (gate) => sql`
    select title from notes where ${gate} union all select name from folders where ${gate} order by 1`,
  window: (gate) => sql`
    select title, row_number() over (order by title) from notes where ${gate} order by title limit 5`,
  'partitioned table': (gate) =>
    sql`select kind, count(*) from events where ${gate} group by kind order by kind`,
  view: (gate) => sql`select title from titles where ${gate} order by title`,
  'function in FROM': (gate) =>
    sql`select t from tenantry.titles_like(${'note 1%'}) as t where ${gate} order by t`,
  'row lock': (gate) => sql`select title from notes where title = ${'note 7'} and ${gate} for update`,
}

/** Each changes rows of the fixture, which is made anew before it. */
const WRITES: Readonly<Record<string, (gate: SQL) => SQL>> = {
  insert: (gate) => sql`
    insert into folders (user_id, name) select ${ALICE}::uuid, ${'new'} where ${gate} returning name`,
  upsert: (gate) => sql`
    insert into folders (user_id, name) select ${ALICE}::uuid, ${'inbox'} where ${gate}
    on conflict (user_id, name) do update set name = excluded.name returning name`,
  update: (gate) =>
    sql`update notes set words = words + 1 where ${gate} and title like ${'note 2%'} returning title, words`,
  'update without a condition': (gate) => sql`update notes set words = 5 where ${gate}`,
  delete: (gate) => sql`delete from notes where ${gate} and title like ${'note 3%'} returning title`,
  'delete without a condition': (gate) => sql`delete from folders where ${gate}`,
}

/** Plans that the defaults wouldn't choose. */
const PLANS: readonly Readonly<Record<string, string>>[] = [
  {},
  ...[
    'seqscan',
    'indexscan',
    'indexonlyscan',
    'bitmapscan',
    'hashjoin',
    'mergejoin',
    'nestloop',
    'hashagg',
    'sort',
    'material',
    'memoize',
  ].map((method) => ({ [`enable_${method}`]: 'off' })),
  { plan_cache_mode: 'force_generic_plan' },
  { plan_cache_mode: 'force_custom_plan' },
  { jit: 'on', jit_above_cost: '0' },
  {
    debug_parallel_query: 'on',
    parallel_setup_cost: '0',
    parallel_tuple_cost: '0',
    min_parallel_table_scan_size: '0',
  },
]

describeOnServer('a gated statement', () => {
  let test: TestDatabase
  let logged: Logins
  beforeAll(async () => {
    test = await createSystem('notes', notes)
    logged = logins(test)
  })
  afterAll(async () => {
    await logged[Symbol.asyncDispose]()
    await test.close()
  })

  const refill = () =>
    asOwner(
      test.database,
      sql`delete from users`,
      sql`delete from events`,
      notes.seed(ALICE),
      notes.seed(BOB),
      sql`insert into notes (user_id, folder_id, title, words, created_at)
        select f.user_id, f.id, 'note ' || n, n, '2026-11-20'::timestamptz + n * interval '1 minute'
        from folders f cross join generate_series(1, 40) n`,
    )

  it.each(PLANS)('answers as in a transaction under %j', async (settings) => {
    const database: Database = await logged.connect({
      role: 'in role tenantry_tenant',
      settings,
      maxConnections: 1,
    })
    const login = await loginOf(database)
    expect(login.mode).toBe('own')
    const executor = tenantExecutor(database, notes.tenancy, { userId: ALICE })
    const gate = executor.gate ?? sql`false`
    const run = async (shape: (gate: SQL) => SQL, how: 'gated' | 'in a transaction') => {
      const gated = how === 'gated'
      const query = compiledQuery(dialect.sqlToQuery(shape(gated ? gate : sql`true`)), { gated })
      const { rows, count } = await (gated
        ? executor.run(query)
        : executor.transaction((inner) => inner.run(query)))
      expect(count, `${how}: ${query.text}`).toBeGreaterThan(0)
      return { rows: withoutIds(rows), count }
    }
    await refill()
    for (const [name, shape] of Object.entries(READS)) {
      expect({ name, ...(await run(shape, 'gated')) }).toEqual({
        name,
        ...(await run(shape, 'in a transaction')),
      })
    }
    for (const [name, shape] of Object.entries(WRITES)) {
      const outcomes = []
      for (const how of ['gated', 'in a transaction'] as const) {
        await refill()
        const { rows, count } = await run(shape, how)
        // RETURNING has no order.
        const unordered = rows.map((row) => JSON.stringify(row)).toSorted()
        outcomes.push({ name, count, rows: unordered, after: await totals(test.database) })
      }
      expect(outcomes[0]).toEqual(outcomes[1])
    }
    // Nothing stays behind in the session.
    const left = await database.driver.query({
      text: "select coalesce(current_setting('app.current_user_id', true), ''), coalesce(current_setting('request.jwt.claims', true), ''), (select count(*) from notes)",
      params: [],
    })
    expect(left.rows).toEqual([['', '', '0']])
  })
})

/** Ids are made anew with the rows. */
function withoutIds(rows: readonly (readonly unknown[])[]): readonly (readonly unknown[])[] {
  return rows.map((row) => row.filter((value) => !/^[0-9a-f]{8}-/.test(String(value))))
}

async function totals(database: Database): Promise<unknown> {
  const { rows } = await database.driver.query({
    text: `select user_id, count(*), sum(words), (select count(*) from folders f where f.user_id = n.user_id)
      from notes n group by user_id order by user_id`,
    params: [],
  })
  return rows
}

describe('a policy', () => {
  const explained = async (
    test: TestDatabase,
    principal: Parameters<typeof tenantExecutor>[2],
    system: typeof notes | typeof teams,
    query: SQL,
  ) =>
    tenantExecutor(test.database, system.tenancy, principal).transaction(async (inner) => {
      // The tables are small: without this, reading all of one is the best plan.
      await run(inner, sql`set local enable_seqscan = off`)
      return (await run(inner, sql`explain (verbose, costs off) ${query}`)).rows
        .map((row) => String(row[0]))
        .join('\n')
    })

  it.each([
    ['users', 'id'],
    ['folders', 'user_id'],
    ['notes', 'user_id'],
    ['events', 'user_id'],
  ])('of a user on %s is an InitPlan, and the condition of an index', async (table, column) => {
    await using test = await createSystem('notes', notes)
    await asOwner(test.database, notes.seed(ALICE))
    for (const query of [sql.raw(`select * from ${table}`), sql.raw(`select count(*) from ${table}`)]) {
      const plan = await explained(test, { userId: ALICE }, notes, query)
      expectInitPlan(plan, column)
    }
  })

  it.each([
    ['tasks', 'organization_id'],
    ['projects', 'organization_id'],
    ['organizations', 'id'],
    ['memberships', 'user_id'],
  ])('of an organization on %s is an InitPlan, and the condition of an index', async (table, column) => {
    await using test = await createSystem('teams', teams)
    await asOwner(test.database, teams.seed(ACME, ALICE), teams.seed(BOLT, BOB))
    const plan = await explained(
      test,
      { userId: ALICE, organizationId: ACME },
      teams,
      sql.raw(`select * from ${table}`),
    )
    expectInitPlan(plan, column)
  })
})

/** The server writes the InitPlan's result as `(InitPlan 1).col1` since version 17, before as `$0`. */
function expectInitPlan(plan: string, column: string): void {
  expect(plan).toMatch(/InitPlan 1/)
  expect(plan).toMatch(
    new RegExp(`(Index|Recheck) Cond: \\(\\(?\\w*\\.?${column} = (\\(InitPlan 1\\)\\.col1|\\$0)\\)`),
  )
  const conditions = plan.split('\n').filter((line) => /(Filter|Cond):/.test(line) && !/One-Time/.test(line))
  expect(conditions.filter((line) => /current_|set_config/.test(line))).toEqual([])
}
