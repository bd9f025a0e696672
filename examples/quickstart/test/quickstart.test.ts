/** The whole of it, and what it prints against what is in the database. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { contentpilot } from '@tenantry/contentpilot'
import { createTestDatabase } from '@tenantry/testing'
import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { createPrinter } from '../src/print.ts'
import { quickstart } from '../src/quickstart.ts'

async function setup() {
  const place = await createTestDatabase()
  const run = async () => {
    const lines: string[] = []
    const outcome = await quickstart(
      place.database,
      createPrinter((line) => lines.push(line)),
    )
    return { lines, outcome }
  }
  /** Unscoped, as the tests' superuser: all rows of everybody. */
  const rows = async (text: string) => (await place.database.driver.query({ text, params: [] })).rows
  const close = () => place.close()
  return { ...place, run, rows, close, [Symbol.asyncDispose]: close }
}

/** The command's own file, in a process of its own, as `npm run quickstart` starts it. */
function runMain(databaseUrl: string) {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const args = ['--conditions=@tenantry/source', '--import', 'tsx', main]
  const env = { ...process.env, DATABASE_URL: databaseUrl }
  return spawnSync(process.execPath, args, { encoding: 'utf8', env })
}

const COUNTS = `
  select u.full_name,
    (select count(*)::int from classified_topics t where t.user_id = u.id and t.status = 'classified'),
    (select count(*)::int from generated_drafts d where d.user_id = u.id and d.status = 'draft'),
    (select count(*)::int from generated_drafts d where d.user_id = u.id and d.status = 'approved'),
    (select count(*)::int from generated_drafts d where d.user_id = u.id and d.status = 'scheduled'),
    (select count(*)::int from generated_drafts d where d.user_id = u.id and d.status = 'posted')
  from users u
  order by u.full_name desc`

test('the numbers it prints are those in the database, and no attempt got a row; again on the next run', async () => {
  await using place = await setup()
  for (const run of [1, 2]) {
    const { lines, outcome } = await place.run()
    expect(lines.filter((line) => line.length > 100 || line.includes('\u001B'))).toEqual([])
    expect(lines.filter((line) => line.includes('of an earlier run is erased'))).toHaveLength(
      run === 1 ? 0 : 2,
    )

    const counts = await place.rows(COUNTS)
    expect(counts).toEqual([
      ['Ledger Weekly', 7, 8, 2, 2, 0],
      ['Field Notes', 3, 8, 2, 2, 0],
    ])
    for (const [at, [name, topics, drafts, approved, , posted]] of counts.entries()) {
      const printed = lines.filter(
        (line) =>
          line
            .trim()
            .split(/\s{2,}/)
            .join() === counts[at]?.join(),
      )
      expect(printed, `the dashboard of ${String(name)}`).toHaveLength(1)
      expect(outcome.dashboards[at]).toMatchObject({
        pendingTopics: topics,
        draftsPending: drafts,
        draftsApproved: approved,
        postsPublished: posted,
      })
    }

    expect(outcome.attempts.map(({ got, outcome }) => [got, outcome])).toEqual([
      [0, 'NotFoundError'],
      [0, '0 of 12 rows'],
      [0, '0 of 1 rows'],
      [0, '0 of 12 rows'],
      [0, '0 of 12 rows'],
      [0, '0 of 12 rows'],
      [0, '0 of 1 rows'],
      [0, 'NotFoundError'],
      [0, 'NotFoundError'],
      [0, '0 rows'],
      [0, '0 rows'],
      [0, 'IsolationError'],
    ])
    // A, B and C of each topic that was drafted, each with an opening of its own.
    const variants = 'string_agg(variant_letter, null order by variant_letter), count(distinct hook)::int'
    const topics = await place.rows(`select ${variants} from generated_drafts group by topic_id`)
    expect(topics).toEqual(Array.from({ length: 8 }, () => ['ABC', 3]))
    expect(await place.rows(`select 1 from generated_drafts where hook = 'Mine'`)).toEqual([])
    expect(await place.rows(`select 1 from pillars where name = 'Mine'`)).toEqual([])

    expect(lines.join(' ').replaceAll(/\s+\|?\s*/g, ' ')).toContain(
      'PlanLimitError: The plan starter allows 2 of pillars: 2 used, 1 requested. The plan growth would admit it',
    )
    // What was refused is the other's id, not the statement: for oneself it works.
    const userId = outcome.dashboards[0]?.userId ?? ''
    const { db } = contentpilot(place.database).as({ userId })
    const own = sql`insert into pillars (user_id, name, slug) values (${userId}, 'Own', 'own') returning name`
    expect(await db.execute(own)).toEqual([{ name: 'Own' }])
  }
})

test('a hole in the isolation is found and told, and fails the run', async () => {
  await using place = await setup()
  await contentpilot(place.database).migrate()
  await place.database.driver.session((connection) =>
    connection.script('alter table generated_drafts disable row level security'),
  )
  // Twice; the third attempt changes texts, which the plan counts for their owner alone.
  await expect(place.run()).rejects.toThrow(/not isolated: 24 rows/)
})

test('without a server it runs embedded; the output is plain where it is no terminal', () => {
  const { status, stdout, stderr } = runMain('memory://')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toContain('embedded in this process (PGlite)')
  expect(stdout).toMatch(/declarations: 0 holes/)
  expect(stdout).toMatch(/Drizzle: select without a where +0 of 12 rows/)
  expect(stdout).toMatch(/Ledger Weekly +7 +8 +2 +2 +0\n/)
  expect(stdout).toContain('What to try next')
  expect(stdout).not.toContain('\u001B')
})

test('a server that is not there is one line that says so, and a failure', () => {
  const { status, stderr } = runMain('postgres://nobody@127.0.0.1:1/nowhere')
  expect(status).toBe(1)
  expect(stderr).toMatch(/^\nConnectionError: .+\n$/)
})
