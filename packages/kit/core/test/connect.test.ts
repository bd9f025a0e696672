import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { PGlite } from '@electric-sql/pglite'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import pg from 'pg'
import postgres from 'postgres'
import { testServer } from '@tenantry/testing'
import { describeOnServer, describeThroughPooler } from '@tenantry/testing/vitest'
import { ConfigurationError, connect, ConnectionError, type Database, TimeoutError } from '../src/index.ts'

const open: { close(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const database of open.splice(0)) await database.close()
})

function kept(database: Database): Database {
  open.push(database)
  return database
}

const one = { text: 'select 1', params: [] }

describe('connect', () => {
  it.each([undefined, ''])(
    'takes a missing URL (%j) for an error, not for the embedded database',
    async (url) => {
      await expect(connect(url)).rejects.toThrow(/No database URL.*DATABASE_URL/)
      await expect(connect({ url })).rejects.toBeInstanceOf(ConfigurationError)
    },
  )

  it('names the scheme that it does not know, and not the password beside it', async () => {
    const failure: unknown = await connect('mysql://root:secret@host/db').catch((error: unknown) => error)
    expect(String(failure)).toContain('mysql:')
    expect(String(failure)).not.toContain('secret')
  })

  it.each(['postgres://a:100%@127.0.0.1/db', 'postgres://a:p@[/db', 'postgres://'])(
    'refuses a URL that can not be read, without repeating it',
    async (url) => {
      const failure: unknown = await connect(url).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(Error)
      expect(failure).toMatchObject({ code: expect.stringMatching(/^TENANTRY_(CONFIGURATION|CONNECTION)$/) })
      expect(String(failure)).not.toContain('100%')
    },
  )

  it('says at once that a server can not be reached, as a retryable error without the password', async () => {
    const port = await freePort()
    const failure = await connect(`postgres://someone:secret@127.0.0.1:${port}/db`).catch(
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(ConnectionError)
    expect(failure).toMatchObject({ code: 'TENANTRY_CONNECTION', retryable: true })
    expect(JSON.stringify(failure) + String((failure as Error).stack)).not.toContain('secret')
  })

  it('gives up on a server that accepts and stays silent after the connect timeout', async () => {
    const server = await silentServer()
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const started = performance.now()
    await expect(
      connect({ url: `postgres://a@127.0.0.1:${port}/db`, connectTimeoutSeconds: 1 }),
    ).rejects.toBeInstanceOf(ConnectionError)
    expect(performance.now() - started).toBeLessThan(5000)
    server.close()
  })

  it('adopts a PGlite instance, bare or under Drizzle, and leaves it open', async () => {
    const client = await PGlite.create()
    for (const host of [client, drizzlePglite(client)]) {
      const database = await connect(host)
      expect((await database.driver.query(one)).rows).toEqual([[1]])
      await database.close()
    }
    expect((await client.query('select 2 as two')).rows).toEqual([{ two: 2 }])
    await client.close()
  })

  it.each([
    { maxConnections: 0 },
    { maxConnections: Number.NaN },
    { connectTimeoutSeconds: -1 },
    { statementTimeoutMs: 0.5 },
  ])('refuses %j', async (options) => {
    await expect(connect({ url: 'memory://', ...options })).rejects.toBeInstanceOf(ConfigurationError)
  })

  it('refuses a client that it does not know', async () => {
    await expect(connect({ $client: {} } as never)).rejects.toThrow(/postgres\.js client/)
  })
})

describeOnServer('connect to a server', () => {
  const url = testServer().url

  it('adopts postgres.js and node-postgres clients under Drizzle, and leaves them open', async () => {
    const client = postgres(url, { max: 1, onnotice: () => {} })
    const pool = new pg.Pool({ connectionString: url, max: 1 })
    for (const host of [drizzlePostgres(client), drizzlePg(pool), client, pool]) {
      const database = await connect(host)
      expect((await database.driver.query(one)).rows).toEqual([[1]])
      await database.close()
    }
    await client`select 1`
    await client.end()
    await pool.end()
  })

  it('does not change how the host reads dates and json through its own client', async () => {
    const client = postgres(url, { max: 1, onnotice: () => {} })
    const database = await connect(client)
    await database.driver.query({
      text: 'select $1::timestamptz, $2::jsonb',
      params: [new Date(0), { a: 1 }],
    })
    const [row] =
      await client`select ${new Date(0)}::timestamptz as at, ${client.json({ a: 1 })}::jsonb as data`
    expect(row).toEqual({ at: new Date(0), data: { a: 1 } })
    await client.end()
  })

  it('shares one pool per process in the serverless situation, until it is closed', async () => {
    const [first, second] = await Promise.all([
      connect({ url, situation: 'serverless' }),
      connect({ url, situation: 'serverless' }),
    ])
    expect(second).toBe(first)
    await first?.close()
    const third = kept(await connect({ url, situation: 'serverless' }))
    expect(third).not.toBe(first)
    expect((await third.driver.query(one)).rows).toEqual([[1]])
  })

  it('never opens more connections than the limit, and serves more callers than that', async () => {
    const database = kept(await connect({ url, maxConnections: 2 }))
    const pids = await Promise.all(
      Array.from({ length: 20 }, () =>
        database.driver.query({ text: 'select pg_backend_pid(), pg_sleep(0.005)', params: [] }),
      ),
    )
    expect(new Set(pids.map((answer) => answer.rows[0]?.[0])).size).toBe(2)
  })

  it('opens sessions of another role from their first statement on', async () => {
    const database = kept(await connect(url))
    const driver = database.driverAs('pg_monitor')
    const { rows = [] } =
      (await driver?.query({ text: 'select current_user::text, session_user::text', params: [] })) ?? {}
    expect(rows).toEqual([['pg_monitor', 'postgres']])
  })

  it('ends statements at the limit that the connection was given', async () => {
    const database = kept(await connect({ url, statementTimeoutMs: 50 }))
    await expect(database.driver.query({ text: 'select pg_sleep(10)', params: [] })).rejects.toBeInstanceOf(
      TimeoutError,
    )
  })

  it('tells wrong credentials and a missing database from a server that is down', async () => {
    const missing = new URL(url)
    missing.pathname = '/no_such_database'
    await expect(connect(missing.href)).rejects.toMatchObject({
      code: 'TENANTRY_CONNECTION',
      retryable: false,
    })
  })

  it('refuses to be used after it was closed, and opens nothing more', async () => {
    const database = kept(await connect({ url, maxConnections: 2 }))
    const busy = database.driver.query({ text: 'select pg_sleep(0.2)', params: [] })
    const closed = database.close()
    await expect(database.driver.query(one)).rejects.toThrow(/is closed/)
    await busy
    await closed
    await expect(database.driver.query(one)).rejects.toBeInstanceOf(ConnectionError)
  })
})

describeThroughPooler('connect through PgBouncer', () => {
  const url = testServer().poolerUrl ?? ''

  it('warns when a pooler answers and the situation does not say so', async () => {
    const warnings: string[] = []
    kept(await connect({ url, onWarning: (warning) => warnings.push(warning) }))
    expect(warnings).toEqual([expect.stringMatching(/seems to go through a pooler.*situation: 'pooler'/)])
  })

  it('does not warn when it does', async () => {
    const warnings: string[] = []
    const database = kept(
      await connect({ url, situation: 'pooler', onWarning: (warning) => warnings.push(warning) }),
    )
    expect(warnings).toEqual([])
    expect(database.driverAs('pg_monitor')).toBeNull()
  })
})

async function freePort(): Promise<number> {
  const server = await silentServer()
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

function silentServer(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer(() => {}).listen(0, '127.0.0.1', () => resolve(server))
  })
}
