/** Backends die under load: no customer gets another's answer, and none gets a silently empty one. */
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { connect, ConnectionError, type Database } from '@tenantry/core'
import { loginOf } from '@tenantry/rls'
import { describeOnServer, describeThroughPooler } from '@tenantry/testing/vitest'
import { contentpilot } from '../src/index.ts'
import { customer, pilotDatabase, type Scope } from './support/pilot.ts'

const STRIKES = 40
const CUSTOMERS = 6
const PILLARS = 7

describeOnServer('backends killed under load', () => {
  it.each(['own', 'startup'] as const)(
    'answers whole and to the right customer, with a login of the mode %s',
    async (mode) => {
      await using place = await setup()
      const database = await connect({
        url: mode === 'own' ? await place.ownLogin() : place.url,
        maxConnections: 5,
      })
      expect((await loginOf(database)).mode).toBe(mode)
      await expectWhole(await place.strike(database))
      await database.close()
    },
  )
})

describeThroughPooler('backends killed behind PgBouncer', () => {
  it('answers whole and to the right customer', async () => {
    await using place = await setup()
    const database = await connect({ url: place.poolerUrl ?? '', situation: 'pooler', maxConnections: 5 })
    expect((await loginOf(database)).mode).toBe('transaction')
    await expectWhole(await place.strike(database))
    await database.close()
  })
})

interface Outcome {
  whole: number
  lost: number
  readonly wrong: string[]
}

async function expectWhole({ whole, lost, wrong }: Outcome): Promise<void> {
  expect(wrong).toEqual([])
  expect(lost).toBeGreaterThan(0)
  expect(whole).toBeGreaterThan(STRIKES)
}

async function setup() {
  const place = await pilotDatabase()
  const customers = await Promise.all(
    Array.from({ length: CUSTOMERS }, async () => {
      const { userId, scope } = await customer(place.pilot)
      await scope.pillars.createMany(
        Array.from({ length: PILLARS - 1 }, (_, n) => ({ name: `P${n}`, slug: `p${n}` })),
      )
      return userId
    }),
  )
  const name = new URL(place.url).pathname.slice(1)
  const role = `kills_${randomUUID().slice(0, 8)}`
  return {
    url: place.url,
    poolerUrl: place.poolerUrl,
    async ownLogin(): Promise<string> {
      await place.rows(`create role ${role} login`)
      await place.rows(`grant tenantry_tenant to ${role} with inherit true, set true`)
      return Object.assign(new URL(place.url), { username: role, password: '' }).href
    },
    async strike(database: Database): Promise<Outcome> {
      const pilot = contentpilot(database)
      const outcome: Outcome = { whole: 0, lost: 0, wrong: [] }
      let done = false
      const callers = customers.flatMap((userId) =>
        QUESTIONS.map(async (ask) => {
          while (!done) {
            const problem = await ask(pilot.as({ userId }), userId).catch((error: unknown) =>
              error instanceof ConnectionError ? error : String(error),
            )
            if (problem === null) outcome.whole += 1
            else if (problem instanceof ConnectionError) outcome.lost += 1
            else outcome.wrong.push(problem)
          }
        }),
      )
      for (let strike = 0; strike < STRIKES && outcome.wrong.length === 0; strike++) {
        const reached = outcome.whole + 10
        await place.rows(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = $1 and pid <> pg_backend_pid() order by random() limit 2`,
          [name],
        )
        // The next strike comes when work has gone on, not after a time.
        while (outcome.whole < reached && outcome.wrong.length === 0) await new Promise(setImmediate)
      }
      done = true
      await Promise.all(callers)
      return outcome
    },
    async [Symbol.asyncDispose]() {
      await place.rows(`drop owned by ${role}`).catch(() => {})
      await place.close()
    },
  }
}

/** Each answers null when what came back is whole and the asker's own. */
const QUESTIONS: readonly ((me: Scope, userId: string) => Promise<string | null>)[] = [
  async (me, userId) => {
    const { items } = await me.pillars.list({ limit: 50 })
    return items.length === PILLARS && items.every((pillar) => pillar.userId === userId)
      ? null
      : `list: ${items.length} rows`
  },
  async (me) => {
    const count = await me.pillars.count()
    return count === PILLARS ? null : `count: ${count}`
  },
  async (me, userId) => {
    const [users, pillars] = await me.transaction(async (scope) => [
      await scope.users.find(),
      await scope.pillars.count(),
    ])
    return users?.id === userId && pillars === PILLARS
      ? null
      : `transaction: ${users?.id ?? 'nobody'}, ${pillars}`
  },
  async (me, userId) => {
    const rows = (await me.db.execute('select user_id from public.pillars')) as unknown as {
      user_id: string
    }[]
    return rows.length === PILLARS && rows.every((row) => row.user_id === userId)
      ? null
      : `sql: ${rows.length} rows`
  },
]
