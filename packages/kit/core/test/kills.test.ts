/** Backends die under load: an answer is whole or an error, and the process lives. */
import { expect, it } from 'vitest'
import { testServer } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import { connect, ConnectionError } from '../src/index.ts'

const ROUNDS = 60

describeOnServer('backends killed under load', () => {
  it('gives whole answers or a ConnectionError, never an empty or foreign one', async () => {
    const { driver, outcome, kill, close } = await setup()
    await load(kill, outcome, async (n) => {
      const { rows } = await driver.query({
        text: 'select $1::int, count(*)::int from generate_series(1, 50)',
        params: [n],
        reusable: true,
      })
      return rows[0]?.[0] === n && rows[0]?.[1] === 50
    })
    await close()
    expect(outcome.wrong).toBe(0)
    expect(outcome.other).toEqual([])
    expect(outcome.whole).toBeGreaterThan(500)
    expect(outcome.lost).toBeGreaterThan(0)
  })

  it('never runs a statement of a transaction without what its preamble set', async () => {
    const { driver, outcome, kill, close } = await setup()
    await load(kill, outcome, async (n) => {
      const options = {
        preamble: [{ text: "select set_config('app.probe', $1, true)", params: [n], reusable: true }],
        echo: {
          text: "select 1 / (current_setting('app.probe', true) = $1)::int",
          params: [n],
          reusable: true,
        },
      }
      const probe = { text: "select current_setting('app.probe', true)", params: [], reusable: true }
      const seen = await driver.transaction(options, async (connection) => [
        await connection.query(probe),
        await connection.query(probe),
      ])
      return seen.every((answer) => answer.rows[0]?.[0] === String(n))
    })
    await close()
    expect(outcome.wrong).toBe(0)
    expect(outcome.other).toEqual([])
    expect(outcome.whole).toBeGreaterThan(200)
    expect(outcome.lost).toBeGreaterThan(0)
  })
})

interface Outcome {
  whole: number
  wrong: number
  lost: number
  readonly other: unknown[]
}

async function setup() {
  const name = `kills_${Math.random().toString(36).slice(2)}`
  const url = new URL(testServer().url)
  url.searchParams.set('application_name', name)
  const database = await connect({ url: url.href, maxConnections: 8 })
  const killer = await connect({ url: testServer().url, maxConnections: 1 })
  const outcome: Outcome = { whole: 0, wrong: 0, lost: 0, other: [] }
  return {
    driver: database.driver,
    outcome,
    kill: () =>
      killer.driver.query({
        text: `select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = $1 and pid <> pg_backend_pid() order by random() limit 2`,
        params: [name],
      }),
    close: async () => {
      await database.close()
      await killer.close()
    },
  }
}

/** Sixteen callers work until the killer has struck ROUNDS times. */
async function load(
  kill: () => Promise<unknown>,
  outcome: Outcome,
  work: (n: number) => Promise<boolean>,
): Promise<void> {
  let done = false
  let n = 0
  const callers = Array.from({ length: 16 }, async () => {
    while (!done) {
      try {
        if (await work(++n)) outcome.whole += 1
        else outcome.wrong += 1
      } catch (error) {
        if (error instanceof ConnectionError) outcome.lost += 1
        else outcome.other.push(error)
      }
    }
  })
  for (let round = 0; round < ROUNDS; round++) {
    await kill()
    const before = outcome.whole
    // The next strike comes when work has gone on, not after a time.
    while (outcome.whole < before + 20 && outcome.other.length === 0) await new Promise(setImmediate)
  }
  done = true
  await Promise.all(callers)
}
