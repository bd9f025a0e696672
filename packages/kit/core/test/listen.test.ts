/** LISTEN through every driver that has it. */
import { afterEach, describe, expect, it } from 'vitest'
import postgres from 'postgres'
import { connect, type Database } from '../src/index.ts'

const url = process.env['TEST_DATABASE_URL']?.startsWith('postgres')
  ? process.env['TEST_DATABASE_URL']
  : undefined
const poolerUrl = process.env['TEST_POOLER_URL']

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function open(target: Parameters<typeof connect>[0]): Promise<Database> {
  const database = await connect(target)
  closing.push(() => database.close())
  return database
}

/** What was heard, in order, and a way to wait for the next. */
function ear() {
  const heard: (string | null)[] = []
  let wake = () => {}
  return {
    heard,
    hear(payload: string | null) {
      heard.push(payload)
      wake()
    },
    async until(count: number) {
      while (heard.length < count) await new Promise<void>((resolve) => (wake = resolve))
    },
  }
}

function listenOn(database: Database) {
  const { listen } = database.driver
  if (listen === undefined) throw new Error('This driver should be able to listen')
  return listen
}

const notify = (database: Database, channel: string, payload: string) =>
  database.driver.query({ text: 'select pg_notify($1, $2)', params: [channel, payload] })

const clients = {
  'postgres.js by URL': url === undefined ? undefined : () => open(url),
  'a postgres.js client of the host': url
    ? () => {
        const client = postgres(url, { max: 1, onnotice: () => {} })
        closing.push(() => client.end())
        return open(client)
      }
    : undefined,
  PGlite: () => open('memory://'),
}

for (const [name, make] of Object.entries(clients)) {
  it.skipIf(make === undefined)(
    `${name}: hears what is said on its channel, until it stops listening`,
    async () => {
      const database = await (make ?? clients.PGlite)()
      const [mine, other] = [ear(), ear()]
      const stop = await listenOn(database)('Mine and yours', mine.hear)
      await listenOn(database)('other', other.hear)
      await notify(database, 'Mine and yours', 'hello')
      await mine.until(1)
      await stop()
      await notify(database, 'Mine and yours', 'nobody listens')
      await notify(database, 'other', 'still there')
      await other.until(1)
      expect([mine.heard, other.heard]).toEqual([['hello'], ['still there']])
    },
  )
}

describe.skipIf(url === undefined)('a listening connection that is killed', () => {
  it('is opened anew, says that something may have been missed, and hears again', async () => {
    const database = await open(url)
    const { heard, hear, until } = ear()
    await listenOn(database)('tenantry_listen_test', hear)
    const kill = () =>
      database.driver.query({
        text: `select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen "tenantry_listen_test"' and pid <> pg_backend_pid()`,
        params: [],
      })
    for (const round of [1, 2]) {
      await kill()
      await until(round * 2 - 1)
      await notify(database, 'tenantry_listen_test', `after ${round}`)
      await until(round * 2)
    }
    expect(heard).toEqual([null, 'after 1', null, 'after 2'])
  })
})

it.skipIf(poolerUrl === undefined)('behind a pooler there is no listening', async () => {
  const database = await open({ url: poolerUrl ?? '', situation: 'pooler' })
  expect(database.driver.listen).toBeUndefined()
})
